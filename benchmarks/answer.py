"""The built-in reader end to end: BioASQ's questions answered from a lake, and from their gold snippets.

    python -m benchmarks.answer --questions FILE --articles FILE.jsonl.gz [--batch 6B] [--model REF] [--top-k 10]
        [--json FILE]

The lake is that of `retrieve.py`: an article for each document with a gold snippet, whose text is the document's
snippets, and the articles of the second file. Questions are answered as by `annotate --questions`, from the retrieved
articles, in float32. The ranked answers of the view `answers` are judged by BioASQ's official measures.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from benchmarks.retrieve import (
    make_article_lake,
    merge_articles,
    processor,
    read_articles,
    read_questions,
    recall,
    search_with,
)
from litmine import Lake
from litmine.lake.answer_merging import RANKED_ANSWERS_QUERY
from litmine.pipeline.answer import QuestionRun, answer
from litmine.runtime.executor import Executor
from litmine.search.index import SearchIndex
from litmine.tasks.qa.decontamination import DevQuestions
from litmine.tasks.qa.evaluate import make_prediction, predict, score_predictions
from litmine.tasks.qa.question_files import GoldQuestion, read_question_file
from litmine.tasks.registry import load_reader
from litmine.types import Question


def main() -> None:
    """Measure, print, and optionally write the figures."""
    options = _options()
    file = read_question_file(options.questions)
    reader = load_reader(options.model, precision="float32")
    gold_questions = [
        question
        for question in DevQuestions(file, (options.batch,)).questions
        if reader.settings.yes_no or question.yes is None
    ]
    questions, articles = read_questions(options.questions)
    figures: dict[str, Any] = {
        "machine": processor(),
        "torch": torch.__version__,
        "reader": reader.name,
        "questions": len(gold_questions),
        "gold snippets": _show("gold snippets", predict(reader, file, gold_questions, all_types=True).scores),
    }
    with tempfile.TemporaryDirectory() as folder:
        lake = make_article_lake(Path(folder), merge_articles(articles, list(read_articles(options.articles))))
        ((figures["articles"],),) = lake.rows("select count(*) from articles")
        batch_questions = [question for question in questions if question.batch.startswith(options.batch)]
        figures["retrieval"] = _show("retrieval", recall(search_with(SearchIndex.open(lake)), batch_questions))
        started = time.perf_counter()
        question_run = QuestionRun(
            [Question(question.question_id, question.question, question.question_type) for question in gold_questions],
            options.model,
            options.top_k,
            None,
            "benchmark",
            options.batch,
        )
        done = answer(lake, question_run, Executor(), "float32")
        figures["pairs"], figures["seconds"] = done.pairs, round(time.perf_counter() - started)
        figures[f"end to end, {options.top_k} articles"] = _show("end to end", _scores(lake, gold_questions))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def _scores(lake: Lake, gold_questions: Sequence[GoldQuestion]) -> dict[str, float]:
    """Scores of the ranked answers in the view `answers`."""
    ranked: dict[str, list[str]] = {question.question_id: [] for question in gold_questions}
    for question_id, text, *_ in lake.rows(RANKED_ANSWERS_QUERY.format(view="answers")):
        ranked[question_id].append(text)
    return score_predictions([make_prediction(question, ranked[question.question_id]) for question in gold_questions])


def _show(name: str, scores: dict[str, float]) -> dict[str, float]:
    rounded = {measure: round(score, 2) for measure, score in scores.items()}
    print(f"{name}: " + ", ".join(f"{measure} {score}" for measure, score in rounded.items()), flush=True)
    return rounded


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=Path, required=True, help="BioASQ's JSON with `batch` for each question")
    parser.add_argument("--articles", type=Path, required=True, help="JSON Lines with pmid, title, abstract; gzip")
    parser.add_argument("--batch", default="6B", help="prefix of the names of batches to use (default: 6B)")
    parser.add_argument("--model", default="builtin-reader", help="default: builtin-reader")
    parser.add_argument("--top-k", type=int, default=10, help="articles retrieved for each question (default: 10)")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    return parser.parse_args()


if __name__ == "__main__":
    main()
