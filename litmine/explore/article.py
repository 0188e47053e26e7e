"""One article with all that the models found in it."""

from collections.abc import Sequence
from typing import Any

from litmine.explore.concept_tables import ConceptTables
from litmine.explore.queries import LakeQueries
from litmine.output.rows import records
from litmine.pipeline.count_format import format_count

_MAX_ROWS = 500
# What the views show of an article, by name: each only if the lake has its view. `{pmid}` is the article's.
_SECTIONS = {
    "entities": "SELECT start_char, end_char, mention, entity_type, score, identifier, identifier_score, linker, model"
    " FROM entities WHERE pmid = {pmid} ORDER BY start_char, end_char DESC, entity_type, model",
    "all_entities": "SELECT start_char, end_char, mention, entity_type, score, identifier, model FROM all_entities"
    " WHERE pmid = {pmid} ORDER BY model, start_char, end_char DESC, entity_type",
    "abbreviations": "SELECT short_form, long_form, short_start FROM abbreviations WHERE pmid = {pmid}"
    " ORDER BY short_start",
    "relations": "SELECT relation_type, arg_max(subject, score) AS subject, subject_type, subject_id,"
    " arg_max(object, score) AS object, object_type, object_id, count(*) AS mention_pairs, max(score) AS score,"
    " bool_and(negated) AS negated, bool_and(speculated) AS speculated,"
    " arg_max(evidence_start, score) AS evidence_start, arg_max(evidence_end, score) AS evidence_end FROM relations"
    " WHERE pmid = {pmid} GROUP BY relation_type, subject_type, subject_id, object_type, object_id,"
    " coalesce(subject_id, lower(subject)), coalesce(object_id, lower(object)) ORDER BY score DESC, subject, object",
    "answers": "SELECT question, answer, rank, score, start_char, end_char FROM answers"
    " WHERE pmid = {pmid} AND answer IS NOT NULL AND question_type <> 'yesno' ORDER BY question, rank",
    "labels": "SELECT scheme, label, score, start_char, end_char, model FROM labels WHERE pmid = {pmid}"
    " ORDER BY scheme, start_char NULLS FIRST, score DESC, label",
    "trials": "SELECT * EXCLUDE (pmid) FROM trials WHERE pmid = {pmid}",
}


def read_article(queries: LakeQueries, tables: ConceptTables, pmid: int) -> dict[str, Any] | None:
    """An article's record, its mentions, relations and so on; None if the lake does not have it.

    Raises as `LakeQueries.rows`.
    """
    shown = [name for name in _SECTIONS if name in queries.views and queries.has_rows(name)]
    record, *sections = queries.tables(
        [
            f"SELECT * FROM articles WHERE pmid = {pmid}",
            *(f"{_SECTIONS[name].format(pmid=pmid)} LIMIT {_MAX_ROWS}" for name in shown),
        ],
        [pmid],
        ["articles", *shown],
    )
    if not len(record):
        return None
    (article,) = records(record.to_reader())
    article |= {name: [] for name in _SECTIONS if name in queries.views}
    article |= {name: list(records(rows.to_reader())) for name, rows in zip(shown, sections, strict=True)}
    article["pmid"] = pmid
    article["adverse_events"] = tables.events_of(pmid)[:_MAX_ROWS]
    for name in ("relations", "adverse_events"):
        for one in article.get(name, ()):
            one["quote"] = article["text"][one["evidence_start"] : one["evidence_end"]]
    return article


def paragraphs(article: dict[str, Any]) -> list[tuple[str, int, int]]:
    """The abstract's paragraphs: label, and start and end of the words after the label, in code points of `text`."""
    text, title = article["text"] or "", article["title"] or ""
    start = len(title) + 1 if title and article["abstract"] else len(title)
    sections = [one for one in article["sections"] or () if one["end_char"] > one["start_char"]]
    found: list[tuple[str, int, int]] = []
    for section in sections:
        label = section["label"] or ""
        led_by = f"{label}: "
        before = section["start_char"] - len(led_by)
        is_labelled = bool(label) and before >= start and text[before : section["start_char"]] == led_by
        words_start = section["start_char"] if is_labelled else max(start, section["start_char"])
        if not is_labelled and found:
            label = ""
        found.append((label if is_labelled else "", words_start, section["end_char"]))
        start = section["end_char"]
    if not found and start < len(text):
        found.append(("", start, len(text)))
    return found


def label_groups(labels: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    """For each scheme, its labels of the article with scores, or those of sentences with the number of sentences."""
    groups: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for one in labels:
        groups.setdefault(one["scheme"], {}).setdefault(one["label"], []).append(one)
    return [
        (scheme, "; ".join(_label_text(label, rows) for label, rows in found.items()))
        for scheme, found in groups.items()
    ]


def _label_text(label: str, rows: Sequence[dict[str, Any]]) -> str:
    score = max(one["score"] for one in rows)
    if rows[0]["start_char"] is None:
        return f"{label} ({score:.2f})"
    return f"{label} ({format_count(len(rows), 'sentences')}, {score:.2f} at most)"


def banners(article: dict[str, Any]) -> list[dict[str, Any]]:
    """What warns about an article, worst first: that it is retracted, or corrected, or itself such a notice."""
    sentences = {
        "RetractionIn": ("bad", "This article is retracted"),
        "PartialRetractionIn": ("bad", "This article is partly retracted"),
        "ExpressionOfConcernIn": ("warn", "There is an expression of concern about this article"),
        "ErratumIn": ("warn", "This article has a published correction"),
        "CorrectedandRepublishedIn": ("warn", "This article is corrected and published again"),
        "RetractedandRepublishedIn": ("bad", "This article is retracted and published again"),
        "UpdateIn": ("info", "There is an update of this article"),
        "RetractionOf": ("info", "This is the notice of a retraction"),
        "ErratumFor": ("info", "This is a correction of another article"),
        "ExpressionOfConcernFor": ("info", "This is an expression of concern about another article"),
    }
    found = [
        {**one, "kind": sentences[one["kind"]][0], "text": sentences[one["kind"]][1]}
        for one in article["corrections"] or ()
        if one["kind"] in sentences
    ]
    if article["retracted"] and not any(one["kind"] == "bad" for one in found):
        found.append({"kind": "bad", "text": "This article is retracted", "pmid": None, "citation": None, "note": None})
    return sorted(found, key=lambda one: ("bad", "warn", "info").index(one["kind"]))


def entity_types(mentions: Sequence[dict[str, Any]]) -> dict[str, int]:
    """The number of mentions of each type, most frequent first."""
    counts: dict[str, int] = {}
    for one in mentions:
        counts[one["entity_type"]] = counts.get(one["entity_type"], 0) + 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
