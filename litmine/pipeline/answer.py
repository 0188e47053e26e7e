"""`annotate --questions` and `ask`: retrieve for each question, read what has not been read yet, log what was done."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from litmine.errors import LakeError, QuestionError
from litmine.lake.freshness import left_to_read
from litmine.lake.lake import Lake
from litmine.lake.readings import Asked, Pair, Retrieved, record_asked
from litmine.lake.runs import Gap
from litmine.nn.references import absolute_reference
from litmine.pipeline.run_log import RunLogEntry, log_run
from litmine.runtime.executor import Executor, RunProgress
from litmine.search.index import SearchIndex
from litmine.sources.questions import read_questions
from litmine.specs import spec_named
from litmine.tasks.contract import Loading, UnitResult
from litmine.tasks.qa.step import slices
from litmine.tasks.registry import identify
from litmine.types import Question


@dataclass(frozen=True, slots=True)
class QuestionRun:
    """What is asked of a lake: questions, a reader, and over how many articles, those of which a SQL condition holds.

    `command` and `source` are as the log says them: the command, and the question or the file of questions.
    """

    questions: Sequence[Question]
    reader: str
    top_k: int
    where: str | None
    command: str
    source: str


@dataclass(slots=True)
class Answered:
    """What a run did, in numbers that add up, and its gaps; `new_gaps` were in no earlier run's log.

    `retrieved` counts pairs of a question and an article: `planned` of them had to be read, the rest had been. `pairs`
    were read now, and gave so many `spans`. `recorded`: what was asked, or found for it, was news to the lake. Of so
    many questions the type was `guessed`.
    """

    model: str
    questions: int
    retrieved: int
    planned: int
    pairs: int = 0
    spans: int = 0
    tokens: int = 0
    gaps: list[Gap] = field(default_factory=list)
    new_gaps: list[Gap] = field(default_factory=list)
    device: str | None = None
    precision: str | None = None
    recorded: bool = False
    guessed: int = 0

    @property
    def news(self) -> bool:
        """Whether something was asked, found for a question or read that the lake did not know."""
        return self.recorded or self.pairs > 0

    def account(self) -> list[str]:
        """What was done, in sentences."""
        on = f" on {self.device} in {self.precision}" if self.device else ""
        said = self.unread()
        if self.guessed:
            said.append(
                f"the type of {self.guessed:,} of {self.questions:,} questions was guessed; the view `questions` says"
                " which"
            )
        said.append(
            f"{self.questions:,} questions over {self.retrieved:,} articles retrieved: {self.pairs:,} read now and"
            f" {self.skipped:,} before, {self.spans:,} answers found by {self.model}{on}"
            if self.planned or self.recorded
            else f"nothing to do: {self.model} has answered these questions over all that is retrieved for them"
        )
        return said

    def unread(self) -> list[str]:
        """What could not be read, in sentences."""
        return [f"could not be read: {gap}" for gap in self.new_gaps]

    @property
    def skipped(self) -> int:
        return self.retrieved - self.planned

    def add(self, done: UnitResult) -> None:
        self.pairs += done.items
        self.spans += done.rows
        self.tokens += done.tokens
        self.device, self.precision = done.device or self.device, done.precision or self.precision
        self.gaps += done.gaps

    def tell(self, entry: RunLogEntry) -> None:
        """Put the figures into the log's entry."""
        entry.counts = {
            "questions": self.questions,
            "retrieved": self.retrieved,
            "read": self.pairs,
            "skipped": self.skipped,
            "spans": self.spans,
            "tokens": self.tokens,
        }
        entry.device, entry.precision = self.device, self.precision


def inquiry_of(file: Path, reader: str, top_k: int, where: str | None) -> QuestionRun:
    """The questions of a file, to be asked. Raises QuestionError for a file that cannot be read as questions."""
    return QuestionRun(read_questions(file), reader, top_k, where, "annotate --questions", str(file))


def answer(
    lake: Lake,
    inquiry: QuestionRun,
    workforce: Executor,
    precision: str = "auto",
    batch_tokens: int | None = None,
    progress: RunProgress | None = None,
) -> Answered:
    """Read every question over the articles retrieved for it, as far as the reader has not read them yet.

    What was asked, and over which articles, is written when all is read, gaps apart: `answers` shows it from then on.
    Raises LakeError when the lake has no articles, QuestionError for an empty question, ModelError when the reader
    cannot be had, QueryError for a condition that cannot be; an interrupted or failed run is logged and re-raised.
    """
    progress = progress or RunProgress()
    if not lake.parts():
        raise LakeError(f"{lake.place} has no articles yet; `litmine import PATH` brings some")
    for question in inquiry.questions:
        if not question.text.strip():
            raise QuestionError(f"the question {question.question_id!r} is empty; ask something")
    model = identify(inquiry.reader, [spec_named("qa")])
    loading = Loading(absolute_reference(inquiry.reader), model, workforce.device, precision, batch_tokens, task="qa")
    lake.make_tables()
    asked = _retrieve(lake, inquiry, model)
    wanted = dict.fromkeys(Pair(one.digest, hit.pmid, hit.text_hash) for one in asked for hit in one.retrieved)
    unread = left_to_read(lake.place, model, list(wanted))
    tasks = list(slices(lake.place, unread, {one.digest: one.question.text for one in asked}, loading))
    guessed = sum(question.guessed for question in inquiry.questions)
    result = Answered(model, len(asked), len(wanted), len(unread), guessed=guessed)
    progress.planned(len(unread))
    parameters = {"asked": inquiry.source, "top_k": str(inquiry.top_k), "where": inquiry.where or ""}
    with log_run(lake, inquiry.command, **parameters, **workforce.asked) as entry:
        entry.models, entry.gaps, entry.known_gaps = [model], result.gaps, frozenset(lake.known_gaps())
        result.tell(entry)
        with closing(workforce.do(tasks, progress.under_way)) as finished:
            for done in finished:
                result.add(done)
                result.tell(entry)
                progress.finished(done)
        result.new_gaps = entry.new_gaps
        news = _news(lake, asked)
        if news:
            record_asked(lake.place, news, entry.run_id, datetime.now(UTC))
        result.recorded = bool(news)
        entry.written = bool(tasks or news)
    return result


def _retrieve(lake: Lake, inquiry: QuestionRun, model: str) -> list[Asked]:
    index = SearchIndex.open(lake)
    # What a retracted article says is no answer. The line break ends a comment.
    where = f"not retracted and ({inquiry.where}\n)" if inquiry.where else "not retracted"
    found: dict[str, tuple[Retrieved, ...]] = {}
    for text in dict.fromkeys(question.text for question in inquiry.questions):
        hits = index.search(text, inquiry.top_k, where)
        found[text] = tuple(Retrieved(hit.pmid, hit.text_hash, hit.score, hit.rank) for hit in hits)
    return [Asked(one, model, inquiry.top_k, inquiry.where, found[one.text]) for one in inquiry.questions]


def _news(lake: Lake, asked: Sequence[Asked]) -> list[Asked]:
    """Those that the lake does not know as they are: asked otherwise before, or over other articles.

    Scores alone are no news: every new article moves all of them a little.
    """
    digests = ", ".join(str(one.digest) for one in asked) or "null"
    rows = lake.rows(
        "select question_id, guessed, questions.model, top_k, filter, question_digest,"
        " list((pmid, text_hash) order by rank) filter (pmid is not null)"
        " from questions left join retrieved using (question_id, model, question_digest)"
        f" where active and question_digest in ({digests}) group by all"
    )
    known = {tuple(row[:-1]): [tuple(pair.values()) for pair in row[-1] or []] for row in rows}
    return [
        one
        for one in asked
        if known.get((one.question.question_id, one.question.guessed, one.model, one.top_k, one.filter, one.digest))
        != [(hit.pmid, hit.text_hash) for hit in one.retrieved]
    ]
