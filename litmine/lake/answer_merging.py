"""The answers that the view `all_answers` makes of readings, in a lake or of what a reader says where there is none."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from litmine.lake.readings import Pair, readings_table
from litmine.lake.view_definitions import statement
from litmine.lake.views import interruptibly, quiet_duckdb
from litmine.types import ReaderOutput


@dataclass(frozen=True, slots=True)
class TextsRead:
    """A question of one of QUESTION_TYPES, its texts, and the reply to each."""

    question_type: str
    texts: Sequence[str]
    replies: Sequence[ReaderOutput]


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as its surest text spells it, the scores of its texts in sum, and their number.

    `yes` or `no` to a yes/no question.
    """

    answer: str
    score: float
    support: int


# A row for each question and answer of a view, the best first.
RANKED = """
SELECT question_id, first(answer ORDER BY score DESC, pmid), sum(score), any_value(support)
FROM {view} WHERE rank IS NOT NULL
GROUP BY question_id, rank ORDER BY question_id, rank"""

# What the view reads, of replies instead of a lake: each text stands, and was retrieved for its question.
_INSTEAD = """
CREATE VIEW readings AS SELECT 'reader' AS model, *, '' AS slice FROM replies;
CREATE VIEW questions AS
SELECT question_id, '' AS question, question_type, 'reader' AS model, true AS active, question_id AS question_digest
FROM asked;
CREATE VIEW retrieved AS
SELECT DISTINCT question_digest AS question_id, model, pmid, text_hash, question_digest FROM readings;
CREATE VIEW unretracted_texts AS SELECT DISTINCT pmid, text_hash FROM readings;
"""


def merge_replies(read: Sequence[TextsRead]) -> list[list[Answer]]:
    """For each question the answers of its texts, the best first, by the statement that makes the view `all_answers`.

    Raises SchemaError for a reply that could not stand in a lake.
    """
    pairs = [Pair(number, place, 0) for number, one in enumerate(read) for place in range(len(one.texts))]
    texts = [text for one in read for text in one.texts]
    replies = [reply for one in read for reply in one.replies]
    asked = pa.table(
        {
            "question_id": pa.array(range(len(read)), pa.int64()),
            "question_type": pa.array([one.question_type for one in read], pa.string()),
        }
    )
    with quiet_duckdb() as connection:
        connection.register("asked", asked)
        connection.register("replies", readings_table("the reader", pairs, texts, replies))
        connection.execute(_INSTEAD + statement("all_answers"))
        rows = interruptibly(connection, lambda: connection.execute(RANKED.format(view="all_answers")).fetchall())
    found: list[list[Answer]] = [[] for _ in read]
    for number, *row in rows:
        found[number].append(Answer(*row))
    return found
