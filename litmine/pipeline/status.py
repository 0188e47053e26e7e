"""`status`: a summary of a lake for one screen: its articles, what models have read, what is stale, the latest runs."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from litmine.errors import LakeError, LakeLockedError
from litmine.lake.active_models import stale_inputs_message, with_stale_inputs
from litmine.lake.article_counts import ArticleCounts, count_articles
from litmine.lake.coverage import Coverage, read_coverage, without_repeats
from litmine.lake.download_journal import list_unfinished_fetches
from litmine.lake.duckdb_errors import report_damaged_files
from litmine.lake.folders import parquet_files
from litmine.lake.freshness import count_revised_since_read
from litmine.lake.lake import Lake
from litmine.lake.lock import hold_lock
from litmine.lake.targets import TargetSet
from litmine.lake.term_lists import is_term_list
from litmine.lake.views import connect, run_interruptibly, write_catalogue
from litmine.pipeline.choose_vocabulary import other_vocabulary_messages
from litmine.pipeline.count_format import format_count
from litmine.pipeline.fetch_plan import SOURCE
from litmine.search.index_state import index_is_behind
from litmine.specs import annotate_advice, runs_always, spec_by_name

MAX_GAPS = 5
MAX_RUNS = 5

# The views that the queries on one connection read.
_VIEWS = ("gaps", "questions", "runs")
# The row after MAX_GAPS shows that there are more.
_GAPS = f"""
select concat_ws(', ', what, model) as what, why from gaps
order by all
limit {MAX_GAPS + 1}
"""
_READERS = """
select model, count(*) as questions, count(*) filter (active) as active, sum(read)::bigint as read,
       sum(unread)::bigint as unread, sum(failed)::bigint as failed, sum(outdated)::bigint as outdated,
       count(*) filter (active and outdated > 0) as stale_questions
from question_coverage group by model order by model
"""
_RUNS = f"""
select started, command, outcome, len(gaps) as gaps, counts from runs order by started desc limit {MAX_RUNS}
"""
_LAST = """
select command, max(finished) as finished from runs where outcome in ('done', 'gaps') group by command
order by finished desc
"""


@dataclass(frozen=True, slots=True)
class LakeStatus:
    """What `status` shows. Times are in UTC.

    versions: article versions, without repeated records and deletions.
    models: rows of the view `coverage`.
    readers: sums of the view `question_coverage` for each reader.
    stale: messages about what is out of date, each with its remedy.
    gaps: what could not be read, at most MAX_GAPS + 1 rows.
    complete: when each command last ended without an error, the latest first.
    runs: the latest MAX_RUNS runs.
    """

    size_bytes: int
    articles: int
    retracted: int
    versions: int
    parts: int
    as_of: datetime | None
    models: list[dict[str, Any]]
    readers: list[dict[str, Any]]
    stale: list[str]
    gaps: list[dict[str, Any]]
    complete: dict[str, datetime]
    runs: list[dict[str, Any]]


def read_status(lake: Lake) -> LakeStatus:
    """Read the status of a lake, and update its catalogue if it can be written. Raises LakeError for a damaged lake."""
    with suppress(LakeError):
        write_catalogue(lake.location)
    counts = count_articles(lake.location, SOURCE)
    # The models that somebody chose come before those that link, and those that run always.
    coverage = read_coverage(lake.location)
    models = sorted(coverage, key=lambda one: (_runs_always(one), bool(spec_by_name(one.task).extends), one))
    with report_damaged_files(lake.location), connect(lake.location, _VIEWS) as connection:

        def rows(query: str) -> list[dict[str, Any]]:
            table = run_interruptibly(connection, lambda: connection.sql(query).to_arrow_table())
            found: list[dict[str, Any]] = table.to_pylist()
            return found

        gaps, runs = rows(_GAPS), rows(_RUNS)
        complete = {row["command"]: row["finished"] for row in rows(_LAST)}
        questions = rows("select count(*) as count from questions")[0]["count"]
    # The view reads every article, which is not worth it in a lake without questions.
    readers = lake.sql(_READERS).to_pylist() if questions else []
    return LakeStatus(
        size_bytes=sum(file.stat().st_size for file in parquet_files(lake.location)),
        articles=counts.articles,
        retracted=counts.retracted,
        versions=counts.versions,
        parts=len(lake.parts()),
        as_of=counts.as_of,
        models=[{**asdict(model), "inputs": model.inputs or None} for model in models],
        readers=readers,
        stale=[*_outdated_messages(counts), *_stale_messages(lake, models, readers)],
        gaps=gaps,
        complete=complete,
        runs=[{**row, "counts": dict(row["counts"])} for row in runs],
    )


def _outdated_messages(counts: ArticleCounts) -> Iterator[str]:
    """Messages about articles whose records an earlier version of litmine read."""
    if counts.fetched_before:
        articles = format_count(counts.fetched_before, "articles")
        remedy = "run `litmine fetch --refresh` with their query to read them again"
        yield f"{articles} fetched by an earlier version of litmine; {remedy}"
    if counts.imported_before:
        articles = format_count(counts.imported_before, "articles")
        yield f"{articles} imported by an earlier version of litmine; import their files again"


def _runs_always(coverage: Coverage) -> bool:
    return runs_always(coverage.task)


def _stale_input_messages(lake: Lake) -> Iterator[str]:
    for stale in with_stale_inputs(lake.active_models()):
        advice = annotate_advice(spec_by_name(stale.task).table, stale.model)
        yield f"{stale_inputs_message(stale)}; {advice}"


def _stale_messages(lake: Lake, models: Sequence[Coverage], readers: list[dict[str, Any]]) -> Iterator[str]:
    behind = [model for model in without_repeats(models) if model.active and model.parts_unread]
    # A run of another model adds what those that run always lack, so only the others are named.
    for model in [model for model in behind if not _runs_always(model)] or behind:
        table = spec_by_name(model.task).table
        revised = count_revised_since_read(lake.location, TargetSet(table, model.model, model.inputs))
        lacks = f", so `{table}` lacks {format_count(revised, 'revised articles')}" if revised else ""
        unread = format_count(model.texts_unread, "texts")
        advice = annotate_advice(table, model.model, in_lake=is_term_list(lake.location, model.model))
        yield f"{model.model} has not read {unread} yet{lacks}; {advice}"
    yield from other_vocabulary_messages(lake)
    yield from _stale_input_messages(lake)
    if lake.parts() and not any(model.active and not _runs_always(model) for model in models):
        if any(model.texts_read and not _runs_always(model) for model in models):
            yield "no model has read the whole lake yet, so the views show no results; run `litmine annotate` again"
        else:
            yield "no model has read the lake yet; run `litmine annotate`"
    for reader in readers:
        if reader["stale_questions"]:
            yield (
                f"answers to {format_count(reader['stale_questions'], 'questions')} rest on articles that were revised,"
                " deleted or retracted since; run `litmine annotate --questions` again"
            )
    if index_is_behind(lake):
        yield "the search index lacks the newest articles; the next question updates it"
    for journal_id, request in list_unfinished_fetches(lake.location).items():
        try:
            with hold_lock(lake.location, f"fetch-{journal_id}"):
                yield f"`litmine {request}` was interrupted; run the same command again to continue it"
        except LakeLockedError:
            continue
        except LakeError:
            # The lock cannot be tried, in a folder that cannot be written for example.
            yield f"`litmine {request}` is running or was interrupted; run the same command again to continue it"
