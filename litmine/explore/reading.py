"""What models make of texts and questions of a request: entities, relations, labels, and answers with evidence."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from litmine.errors import SettingError, UnknownNameError
from litmine.explore.queries import LakeQueries
from litmine.explore.scratch import ScratchLake, records_of_articles, records_of_texts
from litmine.explore.search import index_note
from litmine.explore.shared import Shared
from litmine.lake.lake import Lake
from litmine.lake.paths import PART_TASKS
from litmine.lake.view_definitions import view_descriptions
from litmine.output.rows import records
from litmine.pipeline.annotate import annotate
from litmine.pipeline.answer import QuestionRun, answer, explain_nothing_retrieved
from litmine.pipeline.choose_models import default_models, needed_models
from litmine.pipeline.ranked_answers import PaperAnswer, answers_to_show, load_answers, split_evidence
from litmine.pipeline.supporting_sentences import find_support
from litmine.search.evidence import IS_EVIDENCE
from litmine.search.index import SearchIndex
from litmine.settings import did_you_mean
from litmine.sources.questions import parse_question
from litmine.specs import BUILTIN_READER
from litmine.types import Article, Question

DEFAULT_TASKS = ("ner", "linking")
# The views whose rows an annotated text has, each only if there are such rows.
_VIEWS = ("entities", "relations", "labels", "trials", "abbreviations", "sentences")
_MAX_ANSWERS = 50
_MAX_PAPERS = 5


def task_names() -> list[str]:
    """The tasks that texts can be annotated with: those with a built-in model."""
    return [spec.name for spec in PART_TASKS.values() if spec.builtin]


def annotate_texts(
    scratch: ScratchLake, texts: Sequence[str], tasks: Sequence[str] = DEFAULT_TASKS
) -> list[dict[str, Any]]:
    """For each text, its entities, relations and so on, as the views of a lake show them, without PMIDs.

    Raises UnknownNameError for a task that does not exist, ModelError, BusyError.
    """
    known = task_names()
    if unknown := [task for task in tasks if task not in known]:
        meant = did_you_mean(unknown[0], known)
        raise UnknownNameError(f"no task {unknown[0][:40]!r}{meant}; choose from {', '.join(known)}")
    if not tasks:
        raise SettingError(f"name at least one task: {', '.join(known)}")
    specs = [PART_TASKS[spec.table] for spec in PART_TASKS.values() if spec.name in tasks]
    source_records = records_of_texts(texts)
    with scratch.filled(source_records) as lake:
        if any(texts):
            needed = needed_models(lake, specs)
            annotate(lake, default_models(lake, specs), scratch.executor, tasks=specs, needed=needed)
        found = {view: _by_text(lake, view) for view in _VIEWS if view in view_descriptions()}
    texts = [one.record.text if isinstance(one.record, Article) else "" for one in source_records]
    return [
        {"text": text, **{view: rows[number] for view, rows in found.items() if number in rows}}
        for number, text in enumerate(texts, 1)
    ]


def _by_text(lake: Lake, view: str) -> dict[int, list[dict[str, Any]]]:
    rows: dict[int, list[dict[str, Any]]] = {}
    for row in records(lake.select(f"FROM {view} ORDER BY ALL")):
        rows.setdefault(row.pop("pmid"), []).append(row)
    return rows


def ask(
    queries: LakeQueries,
    index: Shared[SearchIndex],
    scratch: ScratchLake,
    text: str,
    question_type: str = "",
    where: str = "",
    top_k: int = 10,
) -> dict[str, Any]:
    """The answers to a question with their evidence, from the best articles of the lake, which are read anew.

    Raises QuestionError for an empty question, SettingError for an unknown type, QueryError for an invalid condition,
    BusyError, and ModelError.
    """
    asked = replace(parse_question(text, question_type=question_type), question_id="asked")
    condition = where if where.strip() else None
    state = queries.articles_state()
    hits = index.get(state).search(asked.text, top_k, condition, IS_EVIDENCE)
    found: dict[str, Any] = {
        "question": asked.text,
        "question_type": asked.question_type,
        "guessed": asked.guessed,
        "retrieved": len(hits),
        "answers": [],
        "sentences": [],
        "note": index_note(index, state),
    }
    if not hits:
        found["note"] = explain_nothing_retrieved(queries.lake, asked.text, condition)
        return found
    source_records = records_of_articles(queries.lake, [hit.pmid for hit in hits])
    with scratch.filled(source_records) as lake:
        run = QuestionRun([asked], BUILTIN_READER, top_k, None, "ask", asked.text)
        result = answer(lake, run, scratch.executor)
        found["model"] = result.model
        found["unread"] = [str(gap) for gap in result.gaps]
        if asked.question_type == "yesno":
            found |= _support(lake, asked)
        else:
            found |= _answers(lake, asked)
    return found


def _answers(lake: Lake, asked: Question) -> dict[str, Any]:
    """The answers that a person reads, with the sentence of each paper before, in and after the answer."""
    shown = answers_to_show(asked, load_answers(lake, asked.question_id))
    return {
        "answers": [
            {
                "rank": number,
                "answer": one.best.answer,
                "support": one.support,
                "score": one.score,
                "papers": [_paper(paper) for paper in one.papers[:_MAX_PAPERS]],
            }
            for number, one in enumerate(shown[:_MAX_ANSWERS], 1)
        ],
        "likely": any(one.is_likely for one in shown),
    }


def _paper(paper: PaperAnswer) -> dict[str, Any]:
    before, found, after = split_evidence(paper)
    return {
        "pmid": paper.pmid,
        "title": paper.title,
        "journal": paper.journal,
        "year": paper.year,
        "publication_types": list(paper.publication_types),
        "score": paper.score,
        "before": before,
        "found": found,
        "after": after,
    }


def _support(lake: Lake, asked: Question) -> dict[str, Any]:
    support = find_support(lake, asked)
    return {
        "words": list(support.words),
        "sentences": [
            {
                "pmid": one.pmid,
                "year": one.year,
                "journal": one.journal,
                "title": one.title,
                "publication_types": list(one.publication_types),
                "sentence": one.sentence,
                "words": one.words,
                "relevant": support.is_about(one),
            }
            for one in support.sentences
        ],
    }
