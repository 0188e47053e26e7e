"""What a report says: queries over the views, each section only where the lake has something for it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from litmine.errors import LakeError
from litmine.lake.lake import Lake
from litmine.lake.view_definitions import view_descriptions
from litmine.output.hidden_paths import HiddenPaths
from litmine.output.rows import records
from litmine.pipeline.status import read_status

Rows = Sequence[dict[str, Any]]

_CONCEPTS_PER_TYPE, _TYPES = 8, 6
_NEW_ARTICLES, _NEW_CONCEPTS = 15, 15
_RELATIONS, _SIGNALS, _TRIALS, _RETRACTED = 20, 12, 20, 15
# What is new unless the user says since when, in days.
NEW_DAYS = 7

_YEARS = "SELECT year, count(*) AS articles FROM articles WHERE year IS NOT NULL GROUP BY year ORDER BY year"
_CONCEPTS = f"""
WITH types AS (SELECT entity_type FROM concepts GROUP BY entity_type ORDER BY sum(articles) DESC LIMIT {_TYPES}),
top AS (
    SELECT identifier, name, entity_type, articles, mentions, first_year
    FROM concepts SEMI JOIN types USING (entity_type)
    QUALIFY row_number() OVER (PARTITION BY entity_type ORDER BY articles DESC, mentions DESC, identifier)
            <= {_CONCEPTS_PER_TYPE}
),
found AS (
    SELECT DISTINCT identifier, pmid
    FROM (SELECT unnest(string_split(identifier, '|')) AS identifier, pmid FROM entities WHERE identifier IS NOT NULL)
    SEMI JOIN top USING (identifier)
),
by_year AS (
    SELECT identifier, year, count(*) AS articles FROM found JOIN articles USING (pmid)
    WHERE year IS NOT NULL GROUP BY ALL
)
SELECT top.*, (
    SELECT list({{'year': year, 'articles': by_year.articles}} ORDER BY year)
    FROM by_year WHERE by_year.identifier = top.identifier
) AS years
FROM top ORDER BY entity_type, articles DESC, mentions DESC, identifier"""
_ARRIVED = """
WITH arrived AS (
    SELECT pmid FROM article_versions WHERE new_text GROUP BY pmid HAVING min(as_of) >= TIMESTAMPTZ '{since}'
)"""
_NEW_COUNT = f"{_ARRIVED} SELECT count(*) AS articles FROM articles SEMI JOIN arrived USING (pmid)"
_NEW_ARTICLES_QUERY = f"""{_ARRIVED}
SELECT pmid, title, journal, year, retracted FROM articles SEMI JOIN arrived USING (pmid)
ORDER BY as_of DESC, pmid DESC LIMIT {_NEW_ARTICLES}"""
_NEW_CONCEPTS_QUERY = f"""{_ARRIVED},
here AS (
    SELECT identifier, count(DISTINCT pmid) AS new_articles
    FROM (SELECT unnest(string_split(identifier, '|')) AS identifier, pmid FROM entities SEMI JOIN arrived USING (pmid)
          WHERE identifier IS NOT NULL)
    GROUP BY identifier
)
SELECT identifier, name, entity_type, articles FROM concepts JOIN here USING (identifier)
WHERE new_articles = articles ORDER BY articles DESC, mentions DESC, identifier LIMIT {_NEW_CONCEPTS}"""
_RELATIONS_QUERY = f"""
SELECT relation_type, subject_id, subject_type, mode(subject) AS subject,
       object_id, object_type, mode(object) AS object, count(DISTINCT pmid) AS articles,
       max(score) AS score, arg_max(quote, score) AS quote, arg_max(pmid, score) AS pmid
FROM document_relations WHERE asserted AND NOT retracted
GROUP BY relation_type, subject_id, subject_type, object_id, object_type
ORDER BY articles DESC, score DESC, subject_id, object_id, relation_type LIMIT {_RELATIONS}"""
_SIGNALS_QUERY = f"""
WITH quoted AS (
    SELECT unnest(string_split(drug_id, '|')) AS drug_id, event_id, pmid, score,
           substr(text, evidence_start + 1, evidence_end - evidence_start) AS quote
    FROM adverse_events JOIN articles USING (pmid) WHERE NOT negated AND NOT speculated AND NOT retracted
),
best AS (
    SELECT drug_id, unnest(string_split(event_id, '|')) AS event_id, pmid, score, quote FROM quoted
)
SELECT drug, drug_id, event, event_id, articles, prr, ror, ic, ic025, first_year, last_year,
       (SELECT {{'quote': arg_max(quote, score), 'pmid': arg_max(pmid, score)}} FROM best
        WHERE best.drug_id = signals.drug_id AND best.event_id = signals.event_id) AS best
FROM adverse_event_signals AS signals ORDER BY ic025 DESC, articles DESC, drug, event LIMIT {_SIGNALS}"""
_RETRACTED_QUERY = f"""
SELECT pmid, title, journal, year FROM articles
WHERE retracted ORDER BY year DESC NULLS LAST, pmid LIMIT {_RETRACTED}"""
_LABELS = """
SELECT scheme, label, count(DISTINCT pmid) AS articles FROM labels
WHERE score >= 0.5 GROUP BY ALL ORDER BY scheme, articles DESC, label"""
_TRIALS_QUERY = f"""
SELECT trials.*, title FROM trials JOIN articles USING (pmid)
WHERE design.randomised AND NOT coalesce(trials.retracted, false)
ORDER BY trials.year DESC NULLS LAST, pmid DESC LIMIT {_TRIALS}"""


@dataclass(frozen=True, slots=True)
class ReportContents:
    """The content of a report, without folders of the machine.

    written: end of the last run, so that equal lakes give equal reports. since: what came into the lake from then on is
    new. status: as `read_status`. concepts: with `years`, by type. signals: None if no model of adverse events has read
    the lake, as `relations`; `labels` and `trials` are None without their views.
    """

    title: str
    written: datetime | None
    since: date
    status: dict[str, Any]
    years: Rows
    concepts: Rows
    new_count: int
    new_articles: Rows
    new_concepts: Rows
    relations: Rows | None
    signals: Rows | None
    labels: Rows | None
    trials: Rows | None
    retracted: Rows


def read_contents(lake: Lake, title: str, since: date | int = NEW_DAYS) -> ReportContents:
    """Read what a report says. A number as `since` means so many days before the newest date of the lake's sources.

    Raises LakeError for a lake that is empty or damaged.
    """
    status = read_status(lake)
    if not status.articles:
        raise LakeError("the lake has no articles to report on; run `litmine import PATH` first")
    newest = (status.as_of or datetime.now(UTC)).date()
    if isinstance(since, int):
        since = newest - timedelta(days=since)
    hidden = HiddenPaths(lake.location)

    def rows(query: str) -> Rows:
        found: Rows = hidden.value(list(records(lake.select(query))))
        return found

    def rows_of(view: str, query: str) -> Rows | None:
        return rows(query) if view in view_descriptions() else None

    has_relations = any(one.task == "relations" for one in lake.active_models())
    arrived = {"since": since.isoformat()}
    return ReportContents(
        title=title,
        written=rows("SELECT max(finished) AS written FROM runs")[0]["written"],
        since=since,
        status=hidden.value(asdict(status)),
        years=rows(_YEARS),
        concepts=rows(_CONCEPTS),
        new_count=rows(_NEW_COUNT.format(**arrived))[0]["articles"],
        new_articles=rows(_NEW_ARTICLES_QUERY.format(**arrived)),
        new_concepts=rows(_NEW_CONCEPTS_QUERY.format(**arrived)),
        relations=rows(_RELATIONS_QUERY) if has_relations else None,
        signals=rows(_SIGNALS_QUERY) if has_relations else None,
        labels=rows_of("labels", _LABELS),
        trials=rows_of("trials", _TRIALS_QUERY),
        retracted=rows(_RETRACTED_QUERY),
    )
