"""The index of concept pairs: how many articles have two concepts, by year, kept beside the lake.

    concepts/pairs.json                  the state: which generations count, and for which concept tables
    concepts/names-<generation>.parquet      numbers of concepts that the generations before do not have
    concepts/articles-<generation>.parquet   articles that the generation adds, or takes back (`added` is false)
    concepts/pairs-<generation>.parquet      pairs by year with the articles that they gain, or lose (negative)

Counts of generations add up. The first generation has all articles of its time; a later one has the articles that
changed: new, deleted, retracted, with another text or another year. Many small generations are merged into one; when
they are large, or when other models or links are shown, everything is counted again. The state is written last, in one
step, so a killed update changes nothing, and what it left is deleted by the next one.

Counted are articles that are neither retracted nor notices about other articles (view `evidence_articles`).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from litmine.lake.concept_parts import ConceptPart, concept_folder
from litmine.lake.paths import LakePath
from litmine.lake.sql_text import escape_glob, sql_string

_VERSION = 1
STATE_FILE = "pairs.json"
_KINDS = ("names", "articles", "pairs")


@dataclass(frozen=True, slots=True)
class PairState:
    """The JSON of the state file.

    parts: digest of the names of the concept tables that are counted. models: digest of the models that they are from;
    None for several, for example while one of them has not read all texts. generations: names of the generations.
    removed: whether one of them takes articles back.
    """

    parts: str
    models: int | None
    generations: tuple[str, ...]
    removed: bool
    version: int = _VERSION


def read_pair_state(lake: LakePath) -> PairState | None:
    """The state of the index; None if it or a file of it is missing, damaged or of another version."""
    folder = concept_folder(lake)
    try:
        content = json.loads((folder / STATE_FILE).read_bytes())
        state = PairState(**content | {"generations": tuple(content["generations"])})
        files = [folder / f"{kind}-{name}.parquet" for name in state.generations for kind in _KINDS]
        return state if state.version == _VERSION and all(file.exists() for file in files) else None
    except (OSError, ValueError, TypeError, KeyError):
        return None


def current_pair_state(lake: LakePath, parts: Sequence[ConceptPart]) -> PairState | None:
    """The state of the index if it counts these concept tables."""
    state = read_pair_state(lake)
    return state if state is not None and state.parts == parts_digest(parts) else None


def generation_files(lake: LakePath, state: PairState, kind: str) -> list[Path]:
    """The files of a kind (`names`, `articles`, `pairs`) of all generations."""
    return [concept_folder(lake) / f"{kind}-{name}.parquet" for name in state.generations]


def pairs_query(lake: LakePath, state: PairState) -> str:
    """A subquery over the index: (`first_id`, `second_id`, `articles`, `first_year`), identifiers in order of text."""
    names, pairs = (files_reader(generation_files(lake, state, kind)) for kind in ("names", "pairs"))
    simple = f"SELECT first, second, sum(articles)::BIGINT AS articles, min(year)::INTEGER AS first_year FROM {pairs}"
    if state.removed:
        # The first year of a pair that lost articles is the first one that still has some.
        lost = f"(SELECT DISTINCT first, second FROM {pairs} WHERE articles < 0)"
        by_year = f"""
            SELECT first, second, year, sum(articles) AS articles
            FROM {pairs} SEMI JOIN {lost} AS lost USING (first, second) GROUP BY ALL HAVING sum(articles) > 0"""
        counted = f"""
            {simple} ANTI JOIN {lost} AS lost USING (first, second) GROUP BY first, second
            UNION ALL
            SELECT first, second, sum(articles)::BIGINT, min(year)::INTEGER FROM ({by_year}) GROUP BY first, second"""
    else:
        counted = f"{simple} GROUP BY first, second"
    return f"""(
    SELECT one.identifier AS first_id, other.identifier AS second_id, articles, first_year
    FROM ({counted}) AS counted
    JOIN {names} AS one ON one.number = first JOIN {names} AS other ON other.number = second
)"""


def files_reader(files: Sequence[Path]) -> str:
    """SQL that reads some Parquet files."""
    return f"read_parquet([{', '.join(sql_string(escape_glob(file)) for file in files)}])"


def parts_digest(parts: Sequence[ConceptPart]) -> str:
    """A digest of what these concept tables are made from."""
    return blake2b("\n".join(sorted(part.file.name for part in parts)).encode(), digest_size=16).hexdigest()
