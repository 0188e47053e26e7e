"""Inputs of `layers.py`: the documents of StudyType and the pairs of ChemProt, as tokens and classification targets.

A document is its first 128 tokens, with one target over all of them. A sentence of ChemProt with chemicals and genes
has a target for each pair, with three spans: the two mentions and the text between. A relation outside of any sentence
counts as missed.
"""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from litmine.nn.loading import read_tokenizer, special_ids
from litmine.nn.tokenizer import WordTokenizer
from litmine.text.sentences import split_sentences

LONGEST = 128
CLASSES = ("CPR:3", "CPR:4", "CPR:5", "CPR:6", "CPR:9")
Json = dict[str, Any]


@dataclass(frozen=True)
class Target:
    """One item to classify: the token spans that represent it, and the index of its label."""

    spans: tuple[tuple[int, int], ...]
    label: int


@dataclass(frozen=True)
class TokenizedInput:
    """One network input: token ids with special tokens, its targets, and the number of its document."""

    ids: list[int]
    targets: tuple[Target, ...]
    document: int


@dataclass(frozen=True)
class Split:
    """A split: its inputs, the number of relations outside of them, and the tokens of all its documents."""

    texts: list[TokenizedInput]
    missed: int = 0
    tokens: int = 0


class InputTokenizer:
    """The built-in tagger's tokenizer."""

    def __init__(self, folder: Path, shape: Any) -> None:
        tokenizer = read_tokenizer(folder)
        self._first, self._last, _ = special_ids(tokenizer, shape)
        self._words = WordTokenizer(tokenizer)

    def read(self, text: str) -> tuple[list[int], list[tuple[int, int, int]]]:
        """Token ids with special tokens, and for each token its position, and the start and end of its word."""
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
        """Number of tokens of a text, without special tokens."""
        return len(self._words.encode([text])[0].ids)


def lines(file: Path) -> Iterator[Json]:
    """The records of a gzipped JSON Lines file."""
    with gzip.open(file, "rt", encoding="utf-8") as opened:
        yield from map(json.loads, opened)


def read_documents(folder: Path, split: str, reader: InputTokenizer) -> Split:
    """StudyType: one target for each document, over all its tokens."""
    labels = sorted({record["label"] for record in lines(folder / "train.jsonl.gz")})
    texts = []
    for number, record in enumerate(lines(folder / f"{split}.jsonl.gz")):
        ids, _ = reader.read(f"{record['title']} {record['abstract']}")
        texts.append(TokenizedInput(ids, (Target(((0, len(ids)),), labels.index(record["label"])),), number))
    return Split(texts)


def read_pairs(folder: Path, split: str, reader: InputTokenizer) -> Split:
    """ChemProt: a target for each chemical and gene of the same sentence."""
    texts, missed, tokens = [], 0, 0
    for number, record in enumerate(lines(folder / f"{split}.jsonl.gz")):
        text = f"{record['title']} {record['abstract']}"
        related = {(pair["arg1"], pair["arg2"]): CLASSES.index(pair["type"]) for pair in record["relations"]}
        left = len(record["relations"])
        for start, end in split_sentences(text):
            ids, places = reader.read(text[start:end])
            tokens += len(ids)
            at: dict[bool, list[tuple[str, tuple[int, int]]]] = {True: [], False: []}
            for entity in record["entities"]:
                inside = [
                    at
                    for at, first, after in places
                    if first < entity["end"] - start and entity["start"] - start < after
                ]
                if inside and start <= entity["start"] and entity["end"] <= end:
                    at[entity["type"] == "CHEMICAL"].append((entity["id"], (inside[0], inside[-1] + 1)))
            targets = []
            for (chemical, here), (gene, there) in product(at[True], at[False]):
                label = related.get((chemical, gene), len(CLASSES))
                left -= label < len(CLASSES)
                first, second = sorted((here, there))
                targets.append(Target((here, there, (first[1], max(first[1], second[0]))), label))
            if targets:
                texts.append(TokenizedInput(ids, tuple(targets), number))
        missed += left
    return Split(texts, missed, tokens)
