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
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from litmine import Lake
from litmine.lake.file_writer import write_bytes
from litmine.lake.parquet import encode_parquet
from litmine.lake.runs import ActiveModel, Run
from litmine.lake.targets import TargetSet
from litmine.lake.vocabularies import save_vocabulary
from litmine.schema import arrow_schema
from litmine.types import READER_VERSION
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
        self._topics = self._from(self._frequent, TOPICS * TOPIC_SIZE).reshape(TOPICS, TOPIC_SIZE)
        in_topic = 1 / np.arange(1, TOPIC_SIZE + 1)
        self._in_topic = np.cumsum(in_topic / in_topic.sum())
        self._begins = self._rng.integers(1950, 2015, TOPICS)

    def draw(self, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Years of articles, the article of each mention, and its concept, by article."""
        rng = self._rng
        years = np.maximum(1950, 2024 - rng.exponential(15, count)).astype(np.int32)
        topics = rng.integers(0, TOPICS, (count, 2))
        numbers = 2 + rng.negative_binomial(6, 0.4, count)
        article = np.repeat(np.arange(count), numbers)
        # Three in ten articles have a second topic.
        second = rng.random(len(article)) < 0.5 * (rng.random(count) < 0.3)[article]
        topic = topics[article, second.astype(int)]
        is_topical = (rng.random(len(article)) < 0.6) & (self._begins[topic] <= years[article])
        topical = self._topics[topic, self._from(self._in_topic, len(article))]
        concepts = np.where(is_topical, topical, self._from(self._frequent, len(article)))
        article, concepts = np.divmod(np.unique(article * CONCEPTS + concepts), CONCEPTS)
        repeats = rng.geometric(1 / 2.87, len(concepts))
        article, concepts = np.repeat(article, repeats), np.repeat(concepts, repeats)
        order = np.lexsort((rng.random(len(article)), article))
        return years, article[order], concepts[order]

    def _from(self, cumulated: np.ndarray, count: int) -> np.ndarray:
        return np.searchsorted(cumulated, self._rng.random(count))


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
    """Add a part of articles with its linked target; returns the number of mentions.

    Views read linked targets in place of the tagger's, so only the first part has one of the tagger.
    """
    number = len(lake.parts())
    pmids = FIRST_PMID + number * PART + np.arange(size)
    years, article, concepts = texts.draw(size)
    lengths = np.bincount(article, minlength=size)
    words = pa.array([f"c{one:05d}" for one in range(CONCEPTS)]).take(pa.array(concepts))
    edges = np.concatenate([[0], np.cumsum(lengths)])
    titles = pc.binary_join(pa.ListArray.from_arrays(pa.array(edges, pa.int32()), words), " ")
    hashes = pmids * 1_000_003
    moments = [BEGAN + timedelta(seconds=int(pmid) - FIRST_PMID) for pmid in pmids.tolist()]
    columns: dict[str, Any] = {
        "pmid": pmids, "as_of": moments, "record_hash": hashes, "text_hash": hashes, "record_class": np.ones(size),
        "reader_version": np.full(size, READER_VERSION), "new_text": [True] * size, "deleted": [False] * size,
        "repeated": [False] * size, "text_changed": [False] * size, "pmid_known": [False] * size,
        "source": ["made"] * size, "title": titles, "year": years, "retracted": [False] * size,
    }  # fmt: skip
    part = f"made-{number:05d}"
    footer = {"rows": size, "texts": size, "source": "made"}
    write_bytes(lake.part(part), encode_parquet("articles", declared_table("articles", columns, size), footer))
    starts = WORD * (np.arange(len(concepts)) - edges[article])
    score = np.full(len(concepts), 0.9, np.float32)
    mentions = {
        "pmid": pmids[article], "text_hash": hashes[article], "start_char": starts, "end_char": starts + WORD - 1,
        "mention": words, "entity_type": types[concepts], "score": score, "identifier": identifiers[concepts],
        "identifier_score": score,
    }  # fmt: skip
    targets = [TargetSet("links", LINKER, TAGGER)]
    targets += [] if number else [TargetSet("entities", TAGGER)]
    for one in targets:
        footer = {"model": one.model, "part": part, "texts": size, "failed": [], "device": "none", "precision": "none",
                  "seconds": 0, "tokens": 0, "versions": {}, "inputs": []}  # fmt: skip
        values = mentions | ({} if one.table == "links" else {"identifier": [None] * len(concepts)})
        rows = declared_table(one.table, values, len(concepts))
        write_bytes(one.target_path(lake.location, part), encode_parquet(one.table, rows, footer))
    return len(concepts)


def declared_table(table: str, columns: Mapping[str, Any], rows: int) -> pa.Table:
    """The columns of a declared table; those that are not given are null."""
    schema = arrow_schema(table)
    arrays = [
        pa.array(columns[field.name]).cast(field.type) if field.name in columns else pa.nulls(rows, field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


if __name__ == "__main__":
    main()
