"""Create the lake of `explore.py`: articles of made-up words with journals, abstracts, linked mentions and relations.

    python -m benchmarks.explore_lake LAKE ARTICLES

Concepts are drawn as in `discovery_lake.py`: 60,000 of them, together in topics, 28 mentions an article. A text has
100 other words besides (of 50,000, by Zipf's frequencies), so it is about 900 characters long. Each word has six
characters, so all offsets are right. The first ten words are the title. An article has one of 3,000 journals, a
publication type, three authors, and up to three relations between its mentions; one in a thousand is retracted. Parts
have 10,000 articles. Prints figures as JSON.
"""

import json
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.discovery_lake import (
    BEGAN,
    CONCEPTS,
    FIRST_PMID,
    LINKER,
    PART,
    TAGGER,
    WORD,
    Texts,
    declared_table,
    save_concepts,
)
from litmine import Lake
from litmine.lake.file_writer import write_bytes
from litmine.lake.parquet import encode_parquet
from litmine.lake.runs import ActiveModel, Run
from litmine.lake.targets import TargetSet
from litmine.types import READER_VERSION

RELATIONS, INPUTS = "builtin-relations@000000000003", "000000000004"
OTHER_WORDS, OTHER_PER_ARTICLE, TITLE_WORDS = 50_000, 100, 10
JOURNALS = 3_000
_KINDS = ("Journal Article", "Review", "Clinical Trial", "Case Reports")


class Part:
    """The articles of one part, drawn from `texts`: words, mentions and relations as arrays."""

    def __init__(self, texts: Texts, rng: np.random.Generator, size: int) -> None:
        self.size = size
        self.years, owner, concepts = texts.draw(size)
        zipf = np.cumsum(1 / np.arange(1, OTHER_WORDS + 1))
        others = np.searchsorted(zipf / zipf[-1], rng.random(size * OTHER_PER_ARTICLE))
        owners = np.concatenate([owner, np.repeat(np.arange(size), OTHER_PER_ARTICLE)])
        # Negative numbers are other words. Shuffled within each article.
        words = np.concatenate([concepts, -1 - others])
        order = np.lexsort((rng.random(len(owners)), owners))
        owners, words = owners[order], words[order]
        self.edges = np.concatenate([[0], np.cumsum(np.bincount(owners, minlength=size))])
        self.words = words
        mentioned = words >= 0
        self.article, self.concepts = owners[mentioned], words[mentioned]
        self.starts = WORD * (np.flatnonzero(mentioned) - self.edges[self.article])

    def relations(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Up to three pairs of neighbouring mentions of different concepts of an article, as their positions."""
        first = np.sort(rng.permutation(len(self.article) - 1)[: 3 * self.size])
        same = (self.article[first] == self.article[first + 1]) & (self.concepts[first] != self.concepts[first + 1])
        return first[same], first[same] + 1


def main() -> None:
    """Create the lake and print figures."""
    place, count = Path(sys.argv[1]), int(sys.argv[2])
    lake, texts, rng, began = Lake.create(place), Texts(0), np.random.default_rng(2), time.perf_counter()
    identifiers, types = save_concepts(lake)
    mentions = relations = 0
    for number in range(-(-count // PART)):
        part = Part(texts, rng, min(PART, count - number * PART))
        _write_articles(lake, part, number, rng)
        mentions += _write_mentions(lake, part, number, identifiers, types)
        relations += _write_relations(lake, part, number, identifiers, types, rng)
    now = datetime.now(UTC)
    active = [
        ActiveModel("ner", TAGGER),
        ActiveModel("linking", LINKER, TAGGER),
        ActiveModel("relations", RELATIONS, INPUTS),
    ]
    lake.record_run(Run("explore", "annotate", now, now, "done", models=[TAGGER, LINKER, RELATIONS], active=active))
    seconds = round(time.perf_counter() - began, 1)
    print(json.dumps({"mentions": mentions, "relations": relations, "made in s": seconds}))


def _pmids(part: Part, number: int) -> np.ndarray:
    return FIRST_PMID + number * PART + np.arange(part.size)


def _write_articles(lake: Lake, part: Part, number: int, rng: np.random.Generator) -> None:
    names = pa.array([f"c{one:05d}" for one in range(CONCEPTS)] + [f"w{one:05d}" for one in range(OTHER_WORDS)])
    words = names.take(pa.array(np.where(part.words >= 0, part.words, CONCEPTS - 1 - part.words)))
    lists = pa.ListArray.from_arrays(pa.array(part.edges, pa.int32()), words)
    texts = pc.binary_join(lists, " ")
    title_end = WORD * TITLE_WORDS - 1
    pmids, size = _pmids(part, number), part.size
    hashes = pmids * 1_000_003
    journals = np.minimum(rng.zipf(1.3, size), JOURNALS)
    kinds = np.minimum(rng.geometric(0.7, size) - 1, len(_KINDS) - 1)
    columns: dict[str, Any] = {
        "pmid": pmids, "as_of": [BEGAN + timedelta(seconds=int(pmid) - FIRST_PMID) for pmid in pmids.tolist()],
        "record_hash": hashes, "text_hash": hashes, "record_class": np.ones(size),
        "reader_version": np.full(size, READER_VERSION), "new_text": [True] * size, "deleted": [False] * size,
        "repeated": [False] * size, "text_changed": [False] * size, "pmid_known": [False] * size,
        "source": ["made"] * size, "title": pc.utf8_slice_codeunits(texts, 0, title_end),
        "abstract": pc.utf8_slice_codeunits(texts, title_end + 1), "year": part.years,
        "journal": [f"Journal {one}" for one in journals.tolist()],
        "publication_types": [[_KINDS[one]] for one in kinds.tolist()],
        "authors": [["First A", "Second B", "Third C"]] * size, "retracted": rng.random(size) < 0.001,
    }  # fmt: skip
    footer = {"rows": size, "texts": size, "source": "made"}
    rows = declared_table("articles", columns, size)
    write_bytes(lake.part(_name(number)), encode_parquet("articles", rows, footer))


def _write_mentions(lake: Lake, part: Part, number: int, identifiers: np.ndarray, types: np.ndarray) -> int:
    """Write the linked mentions, and for the first part those of the tagger, which views read only where none is."""
    pmids, count = _pmids(part, number), len(part.article)
    score = np.full(count, 0.9, np.float32)
    values: dict[str, Any] = {
        "pmid": pmids[part.article], "text_hash": pmids[part.article] * 1_000_003, "start_char": part.starts,
        "end_char": part.starts + WORD - 1, "mention": _mentioned(part.concepts), "entity_type": types[part.concepts],
        "score": score, "identifier": identifiers[part.concepts], "identifier_score": score,
    }  # fmt: skip
    _write_target(lake, TargetSet("links", LINKER, TAGGER), part, number, values, count)
    if not number:
        unlinked = values | {"identifier": [None] * count}
        _write_target(lake, TargetSet("entities", TAGGER), part, number, unlinked, count)
    return count


def _write_relations(
    lake: Lake, part: Part, number: int, identifiers: np.ndarray, types: np.ndarray, rng: np.random.Generator
) -> int:
    """Write relations: what chemicals do to diseases, and associations of other concepts."""
    ones, others = part.relations(rng)
    kinds, owner = types[part.concepts], part.article[ones]
    # The chemical, if there is one, is the subject.
    turned = (kinds[others] == "Chemical") & (kinds[ones] != "Chemical")
    subjects, objects = np.where(turned, others, ones), np.where(turned, ones, others)
    of_drug = (kinds[subjects] == "Chemical") & (kinds[objects] == "Disease")
    said = np.where(of_drug, np.where(rng.random(len(ones)) < 0.5, "treats", "induces"), "associates")
    pmids, count = _pmids(part, number)[owner], len(ones)
    values: dict[str, Any] = {
        "pmid": pmids, "text_hash": pmids * 1_000_003, "relation_type": said, "evidence_start": part.starts[ones],
        "evidence_end": part.starts[others] + WORD - 1, "negated": rng.random(count) < 0.05,
        "speculated": rng.random(count) < 0.05, "score": rng.random(count).astype(np.float32) / 2 + 0.5,
    }  # fmt: skip
    for name, places in (("subject", subjects), ("object", objects)):
        concepts = part.concepts[places]
        values |= {
            f"{name}_start": part.starts[places], f"{name}_end": part.starts[places] + WORD - 1,
            name: _mentioned(concepts), f"{name}_type": kinds[places], f"{name}_id": identifiers[concepts],
        }  # fmt: skip
    _write_target(lake, TargetSet("relations", RELATIONS, INPUTS), part, number, values, count)
    return count


def _mentioned(concepts: np.ndarray) -> pa.Array:
    return pa.array([f"c{one:05d}" for one in range(CONCEPTS)]).take(pa.array(concepts))


def _write_target(lake: Lake, target: TargetSet, part: Part, number: int, values: dict[str, Any], count: int) -> None:
    footer = {"model": target.model, "part": _name(number), "texts": part.size, "failed": [], "device": "none",
              "precision": "none", "seconds": 0, "tokens": 0, "versions": {}, "inputs": []}  # fmt: skip
    rows = declared_table(target.table, values, count)
    write_bytes(target.target_path(lake.location, _name(number)), encode_parquet(target.table, rows, footer))


def _name(number: int) -> str:
    return f"made-{number:05d}"


if __name__ == "__main__":
    main()
