"""What `layers.py` reads: StudyType's documents and ChemProt's pairs, as tokens and what is asked of them.

Of a document the first 128 tokens are read and it is asked for its label, from the mean of its tokens. Of
ChemProt every sentence that holds a chemical and a gene is read alone, and asked for every such pair: from the two
mentions, and from what stands between. A relation that no sentence holds counts as missed.
"""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from litmine.nn.loading import read_tokenizer, special_ids
from litmine.nn.tokenizer import WordReader
from litmine.text.sentences import sentences

LONGEST = 128
CLASSES = ("CPR:3", "CPR:4", "CPR:5", "CPR:6", "CPR:9")
Json = dict[str, Any]


@dataclass(frozen=True)
class Ask:
    """One thing to be classified: the spans of tokens that it is read from, and the index of its label."""

    spans: tuple[tuple[int, int], ...]
    label: int


@dataclass(frozen=True)
class Text:
    """What is read at a time: token ids with the special ones, what is asked of it, and the number of its document."""

    ids: list[int]
    asks: tuple[Ask, ...]
    document: int


@dataclass(frozen=True)
class Part:
    """A split: its texts, the relations that no text of it holds, and the tokens of all its documents."""

    texts: list[Text]
    missed: int = 0
    tokens: int = 0


class Reader:
    """The tagger's tokenizer."""

    def __init__(self, folder: Path, shape: Any) -> None:
        tokenizer = read_tokenizer(folder)
        self._first, self._last, _ = special_ids(tokenizer, shape)
        self._words = WordReader(tokenizer)

    def read(self, text: str) -> tuple[list[int], list[tuple[int, int, int]]]:
        """Token ids with the special ones, and each token's place in them with the start and end of its word."""
        words = self._words.encode([text])[0]
        ids = words.ids.tolist()[: LONGEST - 2]
        ends = [*words.first.tolist()[1:], len(words.ids)]
        places = [
            (token + 1, int(start), int(end))
            for first, after, start, end in zip(words.first, ends, words.start, words.end, strict=True)
            for token in range(int(first), min(after, len(ids)))
        ]
        return [self._first, *ids, self._last], places

    def count(self, text: str) -> int:
        """How many tokens a text has, special ones apart."""
        return len(self._words.encode([text])[0].ids)


def lines(file: Path) -> Iterator[Json]:
    """The records of JSON lines, zipped."""
    with gzip.open(file, "rt", encoding="utf-8") as opened:
        yield from map(json.loads, opened)


def read_documents(folder: Path, split: str, reader: Reader) -> Part:
    """StudyType: one label a document, from the mean of its tokens."""
    labels = sorted({record["label"] for record in lines(folder / "train.jsonl.gz")})
    texts = []
    for number, record in enumerate(lines(folder / f"{split}.jsonl.gz")):
        ids, _ = reader.read(f"{record['title']} {record['abstract']}")
        texts.append(Text(ids, (Ask(((0, len(ids)),), labels.index(record["label"])),), number))
    return Part(texts)


def read_pairs(folder: Path, split: str, reader: Reader) -> Part:
    """ChemProt: every chemical with every gene of the same sentence."""
    texts, missed, tokens = [], 0, 0
    for number, record in enumerate(lines(folder / f"{split}.jsonl.gz")):
        text = f"{record['title']} {record['abstract']}"
        related = {(one["arg1"], one["arg2"]): CLASSES.index(one["type"]) for one in record["relations"]}
        left = len(record["relations"])
        for start, end in sentences(text):
            ids, places = reader.read(text[start:end])
            tokens += len(ids)
            at: dict[bool, list[tuple[str, tuple[int, int]]]] = {True: [], False: []}
            for one in record["entities"]:
                inside = [
                    at for at, first, after in places if first < one["end"] - start and one["start"] - start < after
                ]
                if inside and start <= one["start"] and one["end"] <= end:
                    at[one["type"] == "CHEMICAL"].append((one["id"], (inside[0], inside[-1] + 1)))
            asks = []
            for (chemical, here), (gene, there) in product(at[True], at[False]):
                label = related.get((chemical, gene), len(CLASSES))
                left -= label < len(CLASSES)
                first, second = sorted((here, there))
                asks.append(Ask((here, there, (first[1], max(first[1], second[0]))), label))
            if asks:
                texts.append(Text(ids, tuple(asks), number))
        missed += left
    return Part(texts, missed, tokens)
