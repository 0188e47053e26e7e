"""What each model has read of a lake, computed from the files and their footers: the rows of the view `coverage`.

`status` and `sql` need the numbers in each run, and creating the view takes longer than counting.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from litmine.lake.active_models import active_models
from litmine.lake.articles import parse_part_summary
from litmine.lake.footers import read_footers
from litmine.lake.listing import live_files_by_table
from litmine.lake.parquet import parse_footer, report_read_errors
from litmine.lake.paths import PART_TASKS, LakePath, parse_folder_name, relative_path
from litmine.specs import ARTICLES, spec_by_table


@dataclass(frozen=True, slots=True, order=True)
class Coverage:
    """A row of the view `coverage`: a model, and the numbers of texts and parts. `inputs` is empty for no inputs."""

    task: str
    model: str
    inputs: str
    active: bool
    texts_read: int
    texts_unread: int
    texts_failed: int
    parts_read: int
    parts_unread: int


def read_coverage(lake: LakePath) -> list[Coverage]:
    """The rows of the view `coverage`, in its order. Raises LakeError for a damaged part, target, note or log."""
    files = live_files_by_table(lake)
    tables = (ARTICLES, *PART_TASKS)
    footers = read_footers(lake, [path for table in tables for path in files[table]]).complete()
    texts = {path.stem: parse_part_summary(path, footers[path]).texts for path in files[ARTICLES]}
    active = {(one.task, one.model, one.inputs) for one in active_models(lake)}
    read: dict[tuple[str, str, str], dict[str, tuple[int, int]]] = {key: {} for key in active}
    folder_names = cache(parse_folder_name)  # the same for thousands of files
    for table, spec in PART_TASKS.items():
        for path in files[table]:
            _, model, inputs = folder_names(relative_path(lake, path).rpartition("/")[0])
            read.setdefault((spec.name, model, inputs), {})[path.stem] = _texts_and_failed(path, footers[path])
    return sorted(_coverage(key, key in active, texts, of_parts) for key, of_parts in read.items())


def without_repeats(coverage: Sequence[Coverage]) -> list[Coverage]:
    """The rows without those of models that extend a model (`TaskSpec.extends`) and lack exactly what it lacks.

    For messages: what the first model lacks says it all.
    """
    lacking = {(one.task, one.model): (one.texts_unread, one.texts_failed) for one in coverage}
    extended = {spec.name: spec_by_table(spec.extends).name for spec in PART_TASKS.values() if spec.extends}
    return [
        one
        for one in coverage
        if one.task not in extended
        or lacking.get((extended[one.task], one.inputs)) != (one.texts_unread, one.texts_failed)
    ]


def _texts_and_failed(target: LakePath, footer: str | None) -> tuple[int, int]:
    parsed = parse_footer(target, footer)
    with report_read_errors(target):
        return parsed["texts"], len(parsed["failed"])


def _coverage(
    key: tuple[str, str, str], active: bool, texts: Mapping[str, int], read: Mapping[str, tuple[int, int]]
) -> Coverage:
    """The coverage of a model, from the number of texts of each part and the counts of each part that it has read."""
    unread = [count for part, count in texts.items() if part not in read]
    counts = [read[part] for part in texts if part in read]
    failed = sum(failures for _, failures in counts)
    texts_read = sum(total for total, _ in counts) - failed
    return Coverage(*key, active, texts_read, sum(unread), failed, len(counts), len(unread))
