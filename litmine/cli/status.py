"""The command `status`: a lake on one screen."""

from pathlib import Path

import click

from litmine.cli.options import lake_option
from litmine.cli.talk import printable

_ARTICLES = """
select (select count(*) from articles), (select count(*) from articles where retracted),
       (select count(*) from article_versions where not repeated and not deleted), (select count(*) from parts),
       (select max(as_of) from current_versions)
"""
# The texts that failed, and the parts that the latest run could not read; one more than are shown.
_GAPS = """
select 'PMID ' || pmid || ', ' || model, why from gaps
union all
select gap['where'], gap.why
from (
    select unnest(gaps) as gap
    from (from runs where command in ('annotate', 'annotate --questions')
          qualify row_number() over (partition by command order by finished desc) = 1)
)
where not starts_with(gap['where'], 'PMID ') and not starts_with(gap['where'], 'question ')
order by all
limit 6
"""
_READERS = """
select model, count(*), count(*) filter (active), sum(read), sum(unread), sum(failed), sum(outdated)
from question_coverage group by model order by model
"""
_RUNS = """
select strftime(started, '%Y-%m-%d %H:%M'), command, outcome, len(gaps),
       array_to_string(list_transform(map_entries(counts), lambda x: x.value || ' ' || x.key), ', ')
from runs order by started desc limit 5
"""


@click.command()
@lake_option
def status(lake: Path) -> None:
    """What the lake holds, what each model has read of it, and the latest runs, on one screen.

    \b
    litmine status --lake ./penicillin
    """
    from litmine.lake.lake import Lake

    opened = Lake(lake)
    current, retracted, versions, parts, as_of = opened.rows(_ARTICLES)[0]
    size = sum(file.stat().st_size for file in opened.path.rglob("*.parquet")) / 1e6
    click.echo(f"lake      {lake} ({size:,.1f} MB)")
    click.echo(
        f"articles  {current:,} current, {retracted:,} of them retracted; {versions:,} versions in {parts:,} parts"
    )
    if as_of:
        click.echo(f"as of     {as_of:%Y-%m-%d %H:%M} UTC")
    for model, active, read, unread, failed, parts_read, parts_unread in opened.rows("from coverage"):
        click.echo(
            f"model     {printable(model)}{' (active)' if active else ''}: {read:,} texts read, {unread:,} to read,"
            f" {failed:,} failed; {parts_read:,} of {parts_read + parts_unread:,} parts"
        )
    for model, asked, active, read, unread, failed, outdated in opened.rows(_READERS):
        click.echo(
            f"reader    {printable(model)}: {asked:,} questions, {active:,} of them as `answers` shows them;"
            f" {read:,} readings, {unread:,} to read, {failed:,} failed, {outdated:,} of articles that changed since"
        )
    gaps = opened.rows(_GAPS)
    for where, why in gaps[:5]:
        click.echo(f"gap       {printable(where)}: {printable(why)}")
    if len(gaps) > 5:
        click.echo('gap       and more: litmine sql "from gaps"')
    for started, command, outcome, gaps, counts in opened.rows(_RUNS):
        click.echo(f"run       {started}  {command}  {outcome}{f', {gaps} gap(s)' if gaps else ''}  ({counts})")
