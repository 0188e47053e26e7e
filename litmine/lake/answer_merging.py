"""Merge what a reader found in several texts into ranked answers, with the SQL of the view `all_answers`.

Evaluation needs no lake for this, and scores exactly the answers that a lake would show.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from litmine.lake.readings import QuestionTextPair, readings_table
from litmine.lake.view_definitions import view_statement
from litmine.lake.views import open_duckdb, run_interruptibly
from litmine.types import ReaderOutput


@dataclass(frozen=True, slots=True)
class QuestionReadings:
    """A question type (one of QUESTION_TYPES), the texts that were read, and the reader's output for each text."""

    question_type: str
    texts: Sequence[str]
    outputs: Sequence[ReaderOutput]


@dataclass(frozen=True, slots=True)
class MergedAnswer:
    """An answer merged across texts. For a yes/no question, `answer` is `yes` or `no`.

    answer: as spelled in the text with the highest score. score: the sum of the texts' scores. support: the number of
    texts.
    """

    answer: str
    score: float
    support: int


# One row per question and answer of a view, best answer first.
RANKED_ANSWERS_QUERY = """
SELECT question_id, first(answer ORDER BY score DESC, pmid), sum(score), any_value(support)
FROM {view} WHERE rank IS NOT NULL
GROUP BY question_id, rank ORDER BY question_id, rank"""

# The views that `all_answers` reads, made from two in-memory tables: every text is current and was retrieved.
_SOURCE_VIEWS = """
CREATE VIEW readings AS SELECT 'reader' AS model, *, '' AS slice FROM replies;
CREATE VIEW questions AS
SELECT question_id, '' AS question, question_type, 'reader' AS model, true AS active, question_id AS question_digest
FROM asked;
CREATE VIEW retrieved AS
SELECT DISTINCT question_digest AS question_id, model, pmid, text_hash, question_digest FROM readings;
CREATE VIEW unretracted_texts AS SELECT DISTINCT pmid, text_hash FROM readings;
"""


def merge_answers(questions: Sequence[QuestionReadings]) -> list[list[MergedAnswer]]:
    """The answers of each question, best first, as the view `all_answers` ranks them.

    Raises SchemaError for a reader output that a lake would refuse.
    """
    # The position of a question stands in for its digest, and the position of a text for its PMID.
    pairs = [
        QuestionTextPair(number, position, 0)
        for number, question in enumerate(questions)
        for position in range(len(question.texts))
    ]
    texts = [text for question in questions for text in question.texts]
    outputs = [output for question in questions for output in question.outputs]
    question_rows = pa.table(
        {
            "question_id": pa.array(range(len(questions)), pa.int64()),
            "question_type": pa.array([question.question_type for question in questions], pa.string()),
        }
    )
    query = RANKED_ANSWERS_QUERY.format(view="all_answers")
    with open_duckdb() as connection:
        connection.register("asked", question_rows)
        connection.register("replies", readings_table("the reader", pairs, texts, outputs))
        connection.execute(_SOURCE_VIEWS + view_statement("all_answers"))
        rows = run_interruptibly(connection, lambda: connection.execute(query).fetchall())
    answers: list[list[MergedAnswer]] = [[] for _ in questions]
    for number, *row in rows:
        answers[number].append(MergedAnswer(*row))
    return answers
