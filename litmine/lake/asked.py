"""What was asked, and over which articles: written when the readings are done, so that answers change all at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from litmine.lake.files import write_bytes
from litmine.lake.hashing import question_digest
from litmine.lake.place import Place
from litmine.lake.tables import encode
from litmine.schema import arrow_schema
from litmine.types import Question


@dataclass(frozen=True, slots=True)
class Retrieved:
    """An article that a question is read over: the hash of its text, BM25, and its place, from 1."""

    pmid: int
    text_hash: int
    score: float
    rank: int


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, the reader (name@digest), how articles were looked for, and what was found, the best first."""

    question: Question
    model: str
    top_k: int
    filter: str | None
    retrieved: tuple[Retrieved, ...]

    @property
    def digest(self) -> int:
        return question_digest(self.question)


def record_asked(lake: Place, asked: Sequence[Asked], run: str, asked_at: datetime) -> None:
    """Note what a run asked: from now on these are the questions' retrievals. Raises LakeError when it cannot."""
    found = {(one.digest, hit): None for one in asked for hit in one.retrieved}
    retrieved = [
        {
            "question_digest": digest,
            "run": run,
            "pmid": hit.pmid,
            "text_hash": hit.text_hash,
            "score": hit.score,
            "rank": hit.rank,
        }
        for digest, hit in found
    ]
    questions = [
        {
            "question_digest": one.digest,
            "question_id": one.question.question_id,
            "question": one.question.text,
            "question_type": one.question.question_type,
            "guessed": one.question.guessed,
            "model": one.model,
            "top_k": one.top_k,
            "filter": one.filter,
            "asked_at": asked_at,
            "run": run,
        }
        for one in asked
    ]
    # The questions last: without them the rest is not seen.
    for table, rows in (("retrieved", retrieved), ("questions", questions)):
        data = encode(table, pa.Table.from_pylist(rows, schema=arrow_schema(table)))
        write_bytes(lake / table / f"{run}.parquet", data, exclusive=True)
