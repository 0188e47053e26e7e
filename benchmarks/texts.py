"""The texts without annotation that the built-in model learnt from: abstracts and passages, each once, as JSON Lines.

    python benchmarks/texts.py FOLDER [-o texts.jsonl.gz]

FOLDER has `abstracts.jsonl.gz` (title and abstract a line), `qa/` with BioASQ's, COVID-QA's and PubMedQA's JSON, and
`documents/` with PubTator files. BioASQ's snippets of one article are put together in their order, COVID-QA's papers
are cut into paragraphs. No answer, and no mention, is taken along.
"""

import argparse
import gzip
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# The documents of the other corpora are those of the sentences that the model learns from anyway.
DOCUMENTS = ("BioRED", "GNormPlus", "NLM-Gene", "tmVar3")
# A paragraph; what is shorter is a heading, a name, an address.
LEAST = 200
# Section, first and last offset.
Place = tuple[str, int, int]


def main() -> None:
    """Gather, and say how much it is."""
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
    """Those of each article; of two that overlap the longer one."""
    articles: dict[str, dict[Place, str]] = defaultdict(dict)
    for asked in questions:
        for one in asked.get("snippets") or ():
            place = one["beginSection"], one["offsetInBeginSection"], one["offsetInEndSection"]
            articles[one["document"]].setdefault(place, one["text"])
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
            yield from (line.strip() for line in part["context"].split("\n") if len(line.strip()) > LEAST)


def _contexts(questions: dict[str, dict[str, Any]]) -> Iterator[str]:
    for asked in questions.values():
        yield " ".join(asked["CONTEXTS"])


def _documents(file: Path) -> Iterator[str]:
    texts: dict[str, list[str]] = defaultdict(list)
    for line in file.read_text(encoding="utf-8").splitlines():
        if part := re.match(r"^(\d+)\|[ta]\|(.*)$", line):
            texts[part[1]].append(part[2])
    for parts in texts.values():
        yield " ".join(parts)


if __name__ == "__main__":
    main()
