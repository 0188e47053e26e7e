"""Count by kind how many of 200 hard sentences taggers get right: `sample_data/ner/challenge.tsv`.

    python benchmarks/challenge.py [--model MODEL]... [--head HEAD]... [--json FILE] [--show]

A sentence is right if all of its `must` mentions are found with exact span and type, and none of its `must_not`
mentions. Several models together give the mentions that any of them finds. Never train on these sentences.
"""

import argparse
import csv
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from litmine.tasks.registry import load_model
from litmine.types import Entity

SENTENCES = Path(__file__).resolve().parents[1] / "sample_data" / "ner" / "challenge.tsv"


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence with its kind, the mentions that must be found (each with its types) and those that must not be.

    half: `a` or `b`; who wrote one half did not know the other one.
    """

    half: str
    kind: str
    text: str
    must: dict[str, frozenset[str]]
    must_not: frozenset[tuple[str, str]]

    def missed(self, found: Iterable[tuple[str, str]]) -> list[str]:
        """The `must` mentions that are not among these mentions and types."""
        found = {*found}
        return [name for name, types in self.must.items() if not any((name, kind) in found for kind in types)]

    def wrong(self, found: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """The `must_not` mentions among these mentions and types."""
        return sorted(self.must_not.intersection(found))


def read_sentences(path: Path = SENTENCES) -> list[Sentence]:
    """Read the sentences. Raises ValueError for a mention that its sentence does not have."""
    sentences = []
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            pairs = [[one.rsplit("=", 1) for one in row[column].split("; ") if one] for column in ("must", "must_not")]
            for name, _ in (*pairs[0], *pairs[1]):
                if name not in row["sentence"]:
                    raise ValueError(f"{name!r} is not in {row['sentence']!r}")
            must = {name: frozenset(types.split("|")) for name, types in pairs[0]}
            must_not = frozenset((name, kind) for name, kind in pairs[1])
            sentences.append(Sentence(row["half"], row["kind"], row["sentence"], must, must_not))
    return sentences


def count(sentences: Iterable[Sentence], found: Iterable[Iterable[Entity]]) -> dict[str, dict[str, int]]:
    """Counts by kind and half, and in all: sentences, right ones, `must` mentions, found ones, `must_not` mentions."""
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for sentence, entities in zip(sentences, found, strict=True):
        pairs = {(one.mention, one.entity_type) for one in entities}
        missed, wrong = sentence.missed(pairs), sentence.wrong(pairs)
        for name in (sentence.kind, f"half {sentence.half}", "all"):
            row = counts[name]
            row["sentences"] += 1
            row["right"] += not missed and not wrong
            row["must"] += len(sentence.must)
            row["found"] += len(sentence.must) - len(missed)
            row["must_not"] += len(sentence.must_not)
            row["wrong"] += len(wrong)
    return {name: dict(row) for name, row in counts.items()}


def main() -> None:
    """Print a table, and each sentence that is not right with `--show`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", action="append", help="default: builtin, builtin-variants, builtin-adverse-effects")
    parser.add_argument("--head", action="append", help="heads of the first model")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--show", action="store_true")
    options = parser.parse_args()
    sentences = read_sentences()
    found: list[list[Entity]] = [[] for _ in sentences]
    for number, name in enumerate(options.model or ["builtin", "builtin-variants", "builtin-adverse-effects"]):
        tagger = load_model(name, precision="float32", **({} if number else {"heads": options.head}))
        for all_found, entities in zip(found, tagger.annotate([one.text for one in sentences]), strict=True):
            all_found.extend(entities)
    counts = count(sentences, found)
    print("| kind | sentences | right | mentions | found | wrong ones | made |\n|---|---|---|---|---|---|---|")
    for name, row in counts.items():
        print(f"| {name} | " + " | ".join(map(str, row.values())) + " |")
    if options.json:
        options.json.write_text(json.dumps(counts, indent=1) + "\n", encoding="utf-8")
    if options.show:
        for sentence, entities in zip(sentences, found, strict=True):
            pairs = {(one.mention, one.entity_type) for one in entities}
            missed, wrong = sentence.missed(pairs), sentence.wrong(pairs)
            if missed or wrong:
                print(f"\n{sentence.kind}: {sentence.text}\n  missed {missed}, wrong {wrong}\n  found {sorted(pairs)}")


if __name__ == "__main__":
    main()
