"""The index of concept pairs: how many articles have two concepts, by year, kept beside the lake.

    concepts/pairs.json                  the state: which generations count, and for which concept tables
    concepts/names-<generation>.parquet      numbers of concepts that the generations before do not have
    concepts/articles-<generation>.parquet   articles that the generation adds, or takes back (`added` is false)
    concepts/years-<generation>.parquet      pairs by year with the articles that they gain, or lose (negative)
    concepts/pairs-<generation>.parquet      of the first generation: pairs with all articles and the first year

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

from litmine.errors import LakeError
from litmine.lake.concept_parts import ConceptPart, concept_folder
from litmine.lake.folders import is_file, read_plain
from litmine.lake.paths import LakePath
from litmine.lake.sql_text import escape_glob, sql_string

_VERSION = 2
STATE_FILE = "pairs.json"
_MAX_STATE_BYTES = 1_000_000
_KINDS = ("names", "articles", "years")


@dataclass(frozen=True, slots=True)
class PairState:
    """The JSON of the state file.

    parts: digest of the names of the concept tables that are counted. models: digest of the models that they are from;
    None for several, for example while one of them has not read all texts. generations: names of the generations.
    """

    parts: str
    models: int | None
    generations: tuple[str, ...]
    version: int = _VERSION


def read_pair_state(lake: LakePath) -> PairState | None:
    """The state of the index; None if it or a file of it is missing, damaged or of another version."""
    folder = concept_folder(lake)
    try:
        content = json.loads(read_plain(folder / STATE_FILE, _MAX_STATE_BYTES))
        state = PairState(**content | {"generations": tuple(content["generations"])})
        is_whole = state.version == _VERSION and all(is_file(file) for file in pair_files(lake, state))
        return state if is_whole else None
    except (LakeError, OSError, ValueError, TypeError, LookupError, RecursionError):
        return None


def current_pair_state(lake: LakePath, parts: Sequence[ConceptPart]) -> PairState | None:
    """The state of the index if it counts these concept tables."""
    state = read_pair_state(lake)
    return state if state is not None and state.parts == parts_digest(parts) else None


def generation_files(lake: LakePath, state: PairState, kind: str) -> list[Path]:
    """The files of a kind (`names`, `articles`, `years`) of all generations."""
    return [concept_folder(lake) / f"{kind}-{name}.parquet" for name in state.generations]


def pair_files(lake: LakePath, state: PairState) -> list[Path]:
    """All files of the index."""
    files = [file for kind in _KINDS for file in generation_files(lake, state, kind)]
    return [*files, concept_folder(lake) / f"pairs-{state.generations[0]}.parquet"]


def pairs_query(lake: LakePath, state: PairState) -> str:
    """A subquery over the index: (`first_id`, `second_id`, `articles`, `first_year`), identifiers in order of text."""
    names, years = (files_reader(generation_files(lake, state, kind)) for kind in ("names", "years"))
    first = files_reader([concept_folder(lake) / f"pairs-{state.generations[0]}.parquet"])
    counted = f"SELECT first, second, articles::BIGINT AS articles, first_year::INTEGER AS first_year FROM {first}"
    if later := generation_files(lake, state, "years")[1:]:
        # Pairs of later generations are counted again by year: one that loses its articles of a year has a later first.
        changed = f"(SELECT DISTINCT first, second FROM {files_reader(later)})"
        by_year = f"""
            SELECT first, second, year, sum(articles) AS articles
            FROM {years} SEMI JOIN {changed} AS changed USING (first, second) GROUP BY ALL HAVING sum(articles) > 0"""
        counted = f"""
            {counted} ANTI JOIN {changed} AS changed USING (first, second)
            UNION ALL
            SELECT first, second, sum(articles)::BIGINT, min(year)::INTEGER FROM ({by_year}) GROUP BY first, second"""
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
