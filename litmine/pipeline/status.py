"""A lake on one screen: what it holds, what has been read of it, and what is stale."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from litmine.errors import LakeError, LakeLockedError
from litmine.lake.active_models import name_of
from litmine.lake.download_journal import jobs
from litmine.lake.freshness import revised_since_read
from litmine.lake.lake import Lake
from litmine.lake.lock import exclusive
from litmine.lake.targets import TargetSet
from litmine.search.index_state import is_behind
from litmine.specs import spec_named

GAPS_SHOWN = 5
RUNS_SHOWN = 5

_ARTICLES = "select count(*), count(*) filter (retracted), max(as_of) from articles"
_VERSIONS = "select count(*) from article_versions where not repeated and not deleted"
# The texts that failed, and the parts that the latest run could not read; one more than are shown.
_GAPS = f"""
select 'PMID ' || pmid || ', ' || model as what, why from gaps
union all
select gap['where'], gap.why
from (
    select unnest(gaps) as gap
    from (from runs where command in ('annotate', 'annotate --questions')
          qualify row_number() over (partition by command order by finished desc) = 1)
)
where not starts_with(gap['where'], 'PMID ') and not starts_with(gap['where'], 'question ')
order by all
limit {GAPS_SHOWN + 1}
"""
_READERS = """
select model, count(*) as questions, count(*) filter (active) as active, sum(read)::bigint as read,
       sum(unread)::bigint as unread, sum(failed)::bigint as failed, sum(outdated)::bigint as outdated,
       count(*) filter (active and outdated > 0) as stale_questions
from question_coverage group by model order by model
"""
_RUNS = f"""
select started, command, outcome, len(gaps) as gaps, counts from runs order by started desc limit {RUNS_SHOWN}
"""
_LAST = """
select command, max(finished) as finished from runs where outcome in ('done', 'gaps') group by command
order by finished desc
"""


@dataclass(frozen=True, slots=True)
class Overview:
    """What `status` shows: times in UTC, and a sentence for each thing that is stale, with what brings it up to date.

    `models` are rows of `coverage`, `readers` sums of `question_coverage`; `gaps` has one more than GAPS_SHOWN where
    there are more; `complete` says when each command last ended well, the latest first; `runs` are the latest.
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


def overview(lake: Lake) -> Overview:
    """The lake as it stands. Raises LakeError when it is damaged."""
    articles, retracted, as_of = lake.rows(_ARTICLES)[0]
    ((versions,),) = lake.rows(_VERSIONS)
    models = lake.sql("from coverage").to_pylist()
    ((questions,),) = lake.rows("select count(*) from questions")
    # The view looks at every article even where nothing was asked.
    readers = lake.sql(_READERS).to_pylist() if questions else []
    return Overview(
        size_bytes=sum(file.stat().st_size for file in lake.place.rglob("*.parquet")),
        articles=articles,
        retracted=retracted,
        versions=versions,
        parts=len(lake.parts()),
        as_of=as_of,
        models=models,
        readers=readers,
        stale=list(_stale(lake, models, readers)),
        gaps=lake.sql(_GAPS).to_pylist(),
        complete=dict(lake.rows(_LAST)),
        runs=[{**row, "counts": dict(row["counts"])} for row in lake.sql(_RUNS).to_pylist()],
    )


def _annotate_command(model: dict[str, Any]) -> str:
    """The command that lets a model read the rest. A model without a built-in name is loaded from its own folder."""
    name = name_of(model["model"])
    if name == spec_named(model["task"]).builtin:
        return "`litmine annotate`"
    return f"`litmine annotate --model FOLDER`, with the folder of {name}"


def _stale(lake: Lake, models: list[dict[str, Any]], readers: list[dict[str, Any]]) -> Iterator[str]:
    for one in models:
        if one["active"] and one["parts_unread"]:
            table = spec_named(one["task"]).table
            revised = revised_since_read(lake.place, TargetSet(table, one["model"], one["inputs"] or ""))
            dropped = f", {revised:,} of them of revised articles, whose {table} dropped out" if revised else ""
            yield f"{one['model']} has yet to read {one['texts_unread']:,} texts{dropped}: {_annotate_command(one)}"
    if lake.parts() and not any(one["active"] for one in models):
        yield "no model has read the lake yet: `litmine annotate`"
    for one in readers:
        if one["stale_questions"]:
            yield (
                f"questions that rest on articles revised, deleted or retracted since: {one['stale_questions']:,};"
                " ask them again with `litmine annotate --questions`"
            )
    if is_behind(lake):
        yield "the search index has not seen the newest articles: the next question brings it up to date"
    for job in jobs(lake.place):
        try:
            with exclusive(lake.place, f"fetch-{job}"):
                yield f"a fetch was interrupted ({job}): the same command goes on with it"
        except LakeLockedError:
            continue
        except LakeError:
            yield f"a fetch is under way or was interrupted ({job}): the same command goes on with it"
