"""How often the words of a list are in a mention, by kind: drug classes, generic drugs, findings, words for people.

    python -m benchmarks.word_list --abstracts abstracts.jsonl.gz [--articles 500] [--model builtin] [--json FILE]

Every place of a word counts, in any case, as a whole word, in abstracts drawn at random with a fixed seed from those
that have one. It is found if a mention of the kind's types has it, and exact if the mention has nothing else. Not every
place is a mention in fact: "withdrawal" of consent is none.
"""

import argparse
import gzip
import json
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from litmine.tasks.registry import load_model

# The kinds of words, with the types of mentions that may have them.
WORDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "drug class": (
        (
            "antipsychotics", "opioids", "NSAIDs", "benzodiazepines", "statins", "antidepressants", "ACE inhibitors",
            "beta-blockers", "anticoagulants", "antibiotics", "corticosteroids", "anticonvulsants", "antiepileptics",
            "SSRIs", "diuretics", "antihypertensives", "antihistamines",
        ),
        ("Chemical",),
    ),
    "generic drug": (
        (
            "clozapine", "haloperidol", "olanzapine", "risperidone", "quetiapine", "morphine", "fentanyl", "ibuprofen",
            "warfarin", "metformin",
        ),
        ("Chemical",),
    ),
    "finding": (
        (
            "sedation", "QT prolongation", "weight gain", "nausea", "vomiting", "constipation", "dizziness", "headache",
            "withdrawal", "hypotension",
        ),
        ("Disease",),
    ),
    "people": (("patients", "women", "children", "men"), ("Person", "Species")),
}  # fmt: skip


def main() -> None:
    """Read, annotate, count, print, and optionally write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--abstracts", type=Path, required=True, help="JSON lines with title and abstract, or gzip")
    parser.add_argument("--articles", type=int, default=500, help="number of abstracts (default: 500)")
    parser.add_argument("--model", default="builtin", help="tagger (default: builtin)")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    texts = draw(options.abstracts, options.articles)
    model = load_model(options.model)
    figures = count(texts, model.annotate(texts))
    for kind, counts in figures.items():
        print(f"{kind}: {counts['found']} of {counts['places']} found, {counts['exact']} exact, {counts['types']}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def draw(file: Path, number: int) -> list[str]:
    """Texts with a word of the list, drawn at random."""
    words = _pattern(word for some, _ in WORDS.values() for word in some)
    data = file.read_bytes()
    lines = (gzip.decompress(data) if file.suffix == ".gz" else data).decode().split("\n")
    records = map(json.loads, filter(str.strip, lines))
    texts = [f"{one.get('title') or ''} {one.get('abstract') or ''}".strip() for one in records]
    texts = [text for text in texts if words.search(text)]
    random.Random(28).shuffle(texts)
    return texts[:number]


def count(texts: list[str], found: Any) -> dict[str, dict[str, Any]]:
    """By kind: places of its words, those in a mention, those that are one, and the types of these mentions."""
    figures: dict[str, dict[str, Any]] = {}
    for kind, (words, types) in WORDS.items():
        pattern, counts, by_type = _pattern(words), Counter[str](), Counter[str]()
        missed: dict[str, int] = defaultdict(int)
        for text, entities in zip(texts, found, strict=True):
            spans = [(one.start_char, one.end_char, one.entity_type) for one in entities if one.entity_type in types]
            for match in pattern.finditer(text):
                start, end = match.span()
                around = [one for one in spans if one[0] <= start and one[1] >= end]
                counts["places"] += 1
                counts["found"] += bool(around)
                counts["exact"] += any(one[:2] == (start, end) for one in around)
                by_type.update({one[2] for one in around})
                missed[match.group().lower()] += not around
        most = dict(sorted(missed.items(), key=lambda one: -one[1])[:5])
        figures[kind] = {**counts, "types": dict(by_type), "most often missed": most}
    return figures


def _pattern(words: Iterator[str] | tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, words))})\b", re.IGNORECASE)


if __name__ == "__main__":
    main()
