"""Revise one article in a hundred of the lake that `scale_lake.py` made, so that nearly every part has an old text.

    python -m benchmarks.scale_revise LAKE

The titles of the revised articles begin with another word. Their entities are those of the old text, moved; their
sentences are found anew. Prints the number of articles as JSON.
"""

import json
import sys
from collections import defaultdict
from datetime import UTC, datetime

from benchmarks.scale_lake import write_sentences
from litmine import Lake
from litmine.lake.articles import read_new_texts
from litmine.lake.targets import TargetFooter, TargetSet, write_target
from litmine.tasks.ner.model import entity_rows
from litmine.types import Article, Entity, SourceRecord

WORD = "Revised: "
CHOSEN = "pmid % 100 = 7"
REVISED = datetime(2026, 2, 1, tzinfo=UTC)


def main() -> None:
    """Write the revisions in parts of 10,000, with their entities."""
    lake = Lake(sys.argv[1])
    model = lake.active_models()[0].model
    found: defaultdict[int, list[Entity]] = defaultdict(list)
    for pmid, start, end, mention, kind, score in lake.rows(
        f"select pmid, start_char, end_char, mention, entity_type, score from entities where {CHOSEN}"
    ):
        found[pmid].append(Entity(mention, kind, start + len(WORD), end + len(WORD), score))
    records = [
        SourceRecord(Article(pmid, f"{WORD}{title}", abstract, year=year), REVISED)
        for pmid, title, abstract, year in lake.rows(f"select pmid, title, abstract, year from articles where {CHOSEN}")
    ]
    added = lake.add(records, source="revisions", dated=True, part_size=10_000)
    for part in added.parts:
        texts = read_new_texts(lake.part(part))
        footer = TargetFooter(model, part, len(texts), (), "none", "none", 0, 0, {})
        rows = entity_rows(texts, [found[pmid] for pmid in texts.pmids])
        write_target(lake.path, TargetSet("entities", model), part, texts, rows, footer)
        write_sentences(lake, part)
    print(json.dumps({"articles revised": added.revised}))


if __name__ == "__main__":
    main()
