"""Create the lake of `discovery.py`: articles of made-up words whose concepts are as often together as in life.

    python benchmarks/discovery_lake.py LAKE ARTICLES

Copies of real texts would have few pairs of concepts. Here each article draws its own concepts: a number around eleven
(negative binomial), two in five from all 60,000 concepts with Zipf's frequencies (1 / rank), the others from one of
2,000 topics, or two. A topic has 400 concepts, drawn by Zipf's frequencies too, with frequencies of its own (1 / rank
in the topic). A concept is mentioned once or more often (geometric, 2.87 on average), so a million articles have 28
million mentions. Topics have years in which they begin, so pairs are new in later years. The concepts are diseases,
chemicals, genes and species of the built-in vocabulary. A text is the words of its mentions (`c01234`), so all offsets
are right. Articles are in parts of 10,000, the last 80 in a part of their own, as a nightly fetch leaves them. Prints
figures as JSON.
"""

import json
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from litmine import Lake
from litmine.lake.articles import read_new_texts
from litmine.lake.file_writer import write_bytes
from litmine.lake.parquet import encode_parquet
from litmine.lake.runs import ActiveModel, Run
from litmine.lake.targets import TargetSet
from litmine.lake.vocabularies import save_vocabulary
from litmine.schema import arrow_schema
from litmine.types import Article, SourceRecord
from litmine.vocabulary.catalogue import open_vocabulary

TAGGER, LINKER = "builtin@000000000001", "builtin-linker@000000000002"
CONCEPTS, TOPICS, TOPIC_SIZE = 60_000, 2_000, 400
PART, NIGHT, FIRST_PMID = 10_000, 80, 10_000_000
TYPES = ("Disease", "Chemical", "Gene", "Species")
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
WORD = 7  # `c01234` and a space


class Texts:
    """Draws the mentions of articles: concept numbers, in the order of the text."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        weights = 1 / np.arange(1, CONCEPTS + 1)
        self._frequent = np.cumsum(weights / weights.sum())
        self._topics = np.searchsorted(self._frequent, self._rng.random((TOPICS, TOPIC_SIZE)))
        in_topic = 1 / np.arange(1, TOPIC_SIZE + 1)
        self._in_topic = np.cumsum(in_topic / in_topic.sum())
        self._begins = self._rng.integers(1950, 2015, TOPICS)

    def draw(self) -> tuple[int, np.ndarray]:
        """The year and the concepts of one article."""
        rng = self._rng
        year = int(2024 - rng.exponential(15)) if rng.random() < 0.98 else 1975
        topics = rng.integers(0, TOPICS, 8)
        topics = topics[self._begins[topics] <= year][: 1 + (rng.random() < 0.3)]
        number = 2 + rng.negative_binomial(6, 0.4)
        own = np.searchsorted(self._in_topic, rng.random(number))
        anywhere = np.searchsorted(self._frequent, rng.random(number))
        if len(topics):
            anywhere = np.where(
                rng.random(number) < 0.6, self._topics[topics[rng.integers(0, len(topics), number)], own], anywhere
            )
        concepts = np.unique(anywhere)
        return year, rng.permutation(np.repeat(concepts, rng.geometric(1 / 2.87, len(concepts))))


def main() -> None:
    """Create the lake and print figures."""
    place, count = Path(sys.argv[1]), int(sys.argv[2])
    lake, texts, began = Lake.create(place), Texts(0), time.perf_counter()
    identifiers, types = save_concepts(lake)
    mentions = 0
    for size in [PART] * ((count - NIGHT) // PART) + [(count - NIGHT) % PART, NIGHT]:
        mentions += add_part(lake, texts, size, identifiers, types) if size else 0
    now = datetime.now(UTC)
    active = [ActiveModel("ner", TAGGER), ActiveModel("linking", LINKER, TAGGER)]
    lake.record_run(Run("discovery", "annotate", now, now, "done", models=[TAGGER, LINKER], active=active))
    print(json.dumps({"mentions": mentions, "made in s": round(time.perf_counter() - began, 1)}))


def save_concepts(lake: Lake) -> tuple[np.ndarray, np.ndarray]:
    """Copy the built-in vocabulary into the lake; return identifiers and types of concepts, the most frequent first."""
    vocabulary = open_vocabulary("builtin")
    rows = np.random.default_rng(1).permutation(len(vocabulary))
    typed = [(row, kinds[0]) for row in rows.tolist() if (kinds := vocabulary.entity_types(row)) and kinds[0] in TYPES]
    chosen = typed[:CONCEPTS]

    def tables() -> Iterator[pa.Table]:
        columns: list[tuple[Any, ...]] = [
            (LINKER, vocabulary.identifier(row), vocabulary.preferred_name(row), kind, vocabulary.vocabulary_of(row),
             [], list(vocabulary.tree_numbers(row)), vocabulary.taxon(row))
            for row, kind in chosen
        ]  # fmt: skip
        schema = arrow_schema("vocabularies")
        arrays = [
            pa.array(column, field.type) for column, field in zip(zip(*columns, strict=True), schema, strict=True)
        ]
        yield pa.Table.from_arrays(arrays, schema=schema)

    save_vocabulary(lake.location, LINKER, "builtin@0", tables)
    return np.array([vocabulary.identifier(row) for row, _ in chosen]), np.array([kind for _, kind in chosen])


def add_part(lake: Lake, texts: Texts, size: int, identifiers: np.ndarray, types: np.ndarray) -> int:
    """Add a part of articles with its targets of the tagger and the linker; returns the number of mentions."""
    first = FIRST_PMID + sum(1 for _ in lake.parts()) * PART
    drawn = [texts.draw() for _ in range(size)]
    records = (
        SourceRecord(
            Article(first + i, " ".join(f"c{one:05d}" for one in concepts.tolist()), year=year),
            BEGAN + timedelta(seconds=first + i - FIRST_PMID),
        )
        for i, (year, concepts) in enumerate(drawn)
    )
    (part,) = lake.add(records, source=f"made {first}", dated=True, part_size=PART).parts
    found = read_new_texts(lake.part(part))
    lengths = np.array([len(drawn[pmid - first][1]) for pmid in found.pmids])
    concepts = np.concatenate([drawn[pmid - first][1] for pmid in found.pmids])
    starts = WORD * np.concatenate([np.arange(length) for length in lengths])
    score = np.full(len(concepts), 0.9, np.float32)
    columns = {
        "pmid": np.repeat(found.pmids, lengths),
        "text_hash": np.repeat(found.text_hashes, lengths),
        "start_char": starts,
        "end_char": starts + WORD - 1,
        "mention": [f"c{one:05d}" for one in concepts.tolist()],
        "entity_type": types[concepts],
        "score": score,
        "identifier": identifiers[concepts],
        "identifier_score": score,
    }
    for targets in (TargetSet("entities", TAGGER), TargetSet("links", LINKER, TAGGER)):
        schema = arrow_schema(targets.table)
        values = columns | ({"identifier": [None] * len(concepts)} if targets.table == "entities" else {})
        rows = pa.Table.from_arrays([pa.array(values[field.name], field.type) for field in schema], schema=schema)
        footer = {"model": targets.model, "part": part, "texts": len(found), "failed": [], "device": "none",
                  "precision": "none", "seconds": 0, "tokens": 0, "versions": {}, "inputs": []}  # fmt: skip
        write_bytes(targets.target_path(lake.location, part), encode_parquet(targets.table, rows, footer))
    return len(concepts)


if __name__ == "__main__":
    main()
