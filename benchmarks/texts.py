"""Collect the unlabelled texts of the built-in model: abstracts and passages, each once, as JSON Lines.

    python benchmarks/texts.py FOLDER [-o texts.jsonl.gz]

FOLDER has `abstracts.jsonl.gz` (title and abstract in each line), `qa/` with the JSON of BioASQ, COVID-QA and PubMedQA,
and `documents/` with PubTator files. The BioASQ snippets of an article are joined in their order, and the papers of
COVID-QA are split into paragraphs. Answers and mentions are not used.
"""

import argparse
import gzip
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# The other corpora are left out: the model is trained on their sentences anyway.
DOCUMENTS = ("BioRED", "GNormPlus", "NLM-Gene", "tmVar3")
# Characters of a paragraph; shorter lines are headings, names or addresses.
MIN_CHARACTERS = 200
# Section, first and last offset.
Place = tuple[str, int, int]


def main() -> None:
    """Collect the texts and print their number."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=Path("texts.jsonl.gz"))
    options = parser.parse_args()
    qa = options.folder / "qa"
    found = [
        *_abstracts(options.folder / "abstracts.jsonl.gz"),
        *_snippets(json.loads((qa / "bioasq_1b-6b.json").read_text(encoding="utf-8"))["questions"]),
        *_paragraphs(json.loads((qa / "covid_qa.json").read_text(encoding="utf-8"))["data"]),
        *_contexts(json.loads((qa / "pubmedqa_train500.json").read_text(encoding="utf-8"))),
        *(text for name in DOCUMENTS for text in _documents(options.folder / "documents" / f"{name}_train.pubtator")),
    ]
    texts = [text for text in dict.fromkeys(found) if text.strip()]
    with options.output.open("wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as lines:
        for text in texts:
            lines.write((json.dumps({"text": text}, ensure_ascii=False) + "\n").encode())
    print(f"{len(texts):,} texts of {sum(map(len, texts)):,} characters")


def _abstracts(file: Path) -> Iterator[str]:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for record in map(json.loads, lines):
            yield f"{record.get('title') or ''} {record.get('abstract') or ''}".strip()


def _snippets(questions: list[dict[str, Any]]) -> Iterator[str]:
    """The snippets of each article, joined; the longer one of two that overlap."""
    articles: dict[str, dict[Place, str]] = defaultdict(dict)
    for question in questions:
        for snippet in question.get("snippets") or ():
            place = snippet["beginSection"], snippet["offsetInBeginSection"], snippet["offsetInEndSection"]
            articles[snippet["document"]].setdefault(place, snippet["text"])
    for snippets in articles.values():
        kept: list[Place] = []
        for place in sorted(snippets, key=lambda place: (place[0] != "title", place)):
            if kept and kept[-1][0] == place[0] and place[1] < kept[-1][2]:
                if place[2] - place[1] > kept[-1][2] - kept[-1][1]:
                    kept[-1] = place
            else:
                kept.append(place)
        yield " ".join(snippets[place].strip() for place in kept)


def _paragraphs(papers: list[dict[str, Any]]) -> Iterator[str]:
    for paper in papers:
        for part in paper["paragraphs"]:
            yield from (line.strip() for line in part["context"].split("\n") if len(line.strip()) > MIN_CHARACTERS)


def _contexts(questions: dict[str, dict[str, Any]]) -> Iterator[str]:
    for question in questions.values():
        yield " ".join(question["CONTEXTS"])


def _documents(file: Path) -> Iterator[str]:
    texts: dict[str, list[str]] = defaultdict(list)
    for line in file.read_text(encoding="utf-8").splitlines():
        if part := re.match(r"^(\d+)\|[ta]\|(.*)$", line):
            texts[part[1]].append(part[2])
    for parts in texts.values():
        yield " ".join(parts)


if __name__ == "__main__":
    main()
