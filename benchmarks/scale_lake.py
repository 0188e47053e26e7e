"""Create the lake of `scale.py`: copies of the sample records, annotated without a model.

    python benchmarks/scale_lake.py LAKE ARTICLES

Copies have their own PMID and year, and a numbered last sentence, so that all texts differ. Most are in parts of
10,000, the last 80,000 in 1,000 parts of 80, as that many nightly fetches would leave them. Their entities are those of
the built-in model in the originals, written by the lake's own writer, which checks every offset; their sentences are
found by the rules for them. A second model has read a tenth of the large parts. Prints the durations as JSON.
"""

import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice, pairwise
from pathlib import Path

from litmine import Lake, load_model
from litmine.lake.articles import read_new_texts
from litmine.lake.runs import ActiveModel, Run
from litmine.lake.targets import TargetFooter, TargetSet, write_target
from litmine.sources.files import find_files, read_file
from litmine.tasks.ner.model import entity_rows
from litmine.tasks.sentences.model import identify as identify_sentences
from litmine.tasks.sentences.model import sentence_rows
from litmine.text.sentences import split_sentences
from litmine.types import Article, Entity, SourceRecord

SAMPLE = Path(__file__).parent.parent / "sample_data" / "pubmed"
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
LARGE, NIGHT, NIGHTS = 10_000, 80, 1_000
FIRST_PMID = 100_000_000
SENTENCES = identify_sentences(Path(), "builtin-sentences")
MODEL, OTHER = "builtin@000000000001", "mine@000000000002"


@dataclass(frozen=True, slots=True)
class Original:
    """A sample record and its entities by the built-in model."""

    article: Article
    entities: Sequence[Entity]


def main() -> None:
    """Create the lake and print the durations."""
    place, count = Path(sys.argv[1]), int(sys.argv[2])
    originals = _originals()
    lake = Lake.create(place)
    nightly = min(count // 2, NIGHT * NIGHTS)
    copies = _copies(originals, count)
    importer = lake.article_writer()
    moments = [time.perf_counter()]
    importer.add(islice(copies, count - nightly), source="large", dated=True, part_size=LARGE)
    moments.append(time.perf_counter())
    large = lake.parts()
    importer.add(copies, source="nightly", dated=True, part_size=NIGHT)
    moments.append(time.perf_counter())
    rows = sum(_annotate(lake, MODEL, part, originals) for part in lake.parts())
    moments.append(time.perf_counter())
    sentences = sum(write_sentences(lake, part) for part in lake.parts())
    moments.append(time.perf_counter())
    more = sum(_annotate(lake, OTHER, part, originals) for part in large[::10])
    for table in ("entities", "sentences"):
        _age(place / table)
    now = datetime.now(UTC)
    active = [ActiveModel("ner", MODEL), ActiveModel("sentences", SENTENCES)]
    lake.record_run(Run("scale", "annotate", now, now, "done", models=[MODEL, OTHER, SENTENCES], active=active))
    took = [round(after - before, 1) for before, after in pairwise(moments)]
    names = ("large parts s", "small parts s", "entities s", "sentences s")
    counts = {"entities": rows, "sentences": sentences, "of the second model": more}
    print(json.dumps({**dict(zip(names, took, strict=True)), **counts}))


def _originals() -> list[Original]:
    articles = {
        read.record.pmid: read.record
        for file in find_files([SAMPLE])
        for read in read_file(file, BEGAN)
        if isinstance(read, SourceRecord) and isinstance(read.record, Article) and read.record.abstract
    }
    found = load_model("builtin").annotate([article.text for article in articles.values()])
    return [Original(article, entities) for article, entities in zip(articles.values(), found, strict=True)]


def _copies(originals: Sequence[Original], count: int) -> Iterator[SourceRecord]:
    for number, original in enumerate(islice(cycle(originals), count)):
        article = original.article
        copy = replace(
            article,
            pmid=FIRST_PMID + number,
            abstract=f"{article.abstract} This is copy {number}.",
            sections=(),
            year=1980 + number % 47,
        )
        yield SourceRecord(copy, BEGAN + timedelta(microseconds=number))


def _annotate(lake: Lake, model: str, part: str, originals: Sequence[Original]) -> int:
    """Write a part's target with the entities of the originals; returns the number of rows."""
    texts = read_new_texts(lake.part(part))
    found = [originals[(pmid - FIRST_PMID) % len(originals)].entities for pmid in texts.pmids]
    footer = TargetFooter(model, part, len(texts), (), "none", "none", 0, 0, {})
    write_target(lake.path, TargetSet("entities", model), part, texts, entity_rows(texts, found), footer)
    return sum(map(len, found))


def write_sentences(lake: Lake, part: str) -> int:
    """Write a part's target with the sentences of its texts; returns the number of rows."""
    texts = read_new_texts(lake.part(part))
    rows = sentence_rows(texts, [split_sentences(text) for text in texts.texts])
    footer = TargetFooter(SENTENCES, part, len(texts), (), "none", "none", 0, 0, {})
    write_target(lake.path, TargetSet("sentences", SENTENCES), part, texts, rows, footer)
    return len(rows)


def _age(folder: Path) -> None:
    """Date the targets back to yesterday, because `compact` does not merge parts with new targets."""
    yesterday = time.time() - 86_400
    for file in folder.glob("*/*.parquet"):
        os.utime(file, (yesterday, yesterday))


if __name__ == "__main__":
    main()
