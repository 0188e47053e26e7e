"""`annotate --questions` and `ask`: retrieve articles for questions, read the unread ones, and log the run."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from litmine.errors import LakeError, QuestionError
from litmine.lake.freshness import pending_pairs
from litmine.lake.lake import Lake
from litmine.lake.readings import QuestionLogEntry, QuestionTextPair, RetrievedArticle, record_questions
from litmine.lake.runs import Gap
from litmine.nn.references import absolute_reference
from litmine.pipeline.count_format import format_count, format_nonzero
from litmine.pipeline.run_log import RunLogEntry, log_run
from litmine.runtime.executor import Executor, RunProgress
from litmine.search.evidence import IS_EVIDENCE
from litmine.search.index import SearchIndex
from litmine.sources.questions import read_questions
from litmine.specs import spec_by_name
from litmine.tasks.contract import ModelSpec, UnitResult
from litmine.tasks.qa.slice_unit import split_into_slices
from litmine.tasks.registry import identify
from litmine.types import Question

# Articles that are no evidence are counted up to this number, and so many of them are named.
_MAX_COUNTED, _MAX_SHOWN = 1_000, 10


@dataclass(frozen=True, slots=True)
class QuestionRun:
    """Questions for a reader, and the articles that it may read.

    reader: reference to the model.
    top_k: articles to retrieve for each question.
    where: SQL condition on `articles`; None for all articles.
    command, source: the command and the question or file of questions, as the log has them.
    """

    questions: Sequence[Question]
    reader: str
    top_k: int
    where: str | None
    command: str
    source: str


@dataclass(slots=True)
class AnswerResult:
    """Counts and gaps of a run.

    model: name@digest of the reader.
    questions: number of questions; the type of `guessed` of them was guessed from their words, and `summaries` of those
    are summary questions.
    retrieved: pairs of a question and an article retrieved for it.
    planned: pairs that no earlier run had read; `pairs` were read in this run.
    spans: answer spans found in this run.
    tokens: tokens read.
    gaps, new_gaps: what could not be read, and which of it no earlier run reported.
    device, precision: what the reader ran on.
    recorded: whether the questions or their retrieved articles changed.
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
    summaries: int = 0

    @property
    def changed(self) -> bool:
        """Whether the run added readings, questions or retrieved articles to the lake."""
        return self.recorded or self.pairs > 0

    def summary_lines(self) -> list[str]:
        """Messages for the user: what was done, guessed question types, and new gaps."""
        lines, questions = [self._summary()], format_count(self.questions, "questions")
        if self.guessed:
            lines.append(f"the type of {self.guessed:,} of {questions} was guessed; see `guessed` in `questions`")
        if self.summaries:
            ask = "asks" if self.summaries == 1 else "ask"
            lines.append(
                f"{self.summaries:,} of {questions} {ask} for a summary, which no reader writes; the answers are spans"
                " of articles, by the guessed type"
            )
        return lines + self.gap_lines()

    def _summary(self) -> str:
        questions = format_count(self.questions, "questions")
        if not self.planned and not self.recorded:
            return f"nothing to do: {self.model} has already read every article retrieved for {questions}"
        answers = format_count(self.spans, "new answers") if self.spans else "no new answers"
        device = f" on {self.device} in {self.precision}" if self.device else ""
        articles = (
            f"{format_count(self.retrieved, 'articles')} retrieved" if self.retrieved else "no articles retrieved"
        )
        read = format_nonzero({"newly read": self.pairs, "read before": self.skipped})
        return f"{answers} to {questions} found by {self.model}{device}: {articles}{f', {read}' if read else ''}"

    def gap_lines(self) -> list[str]:
        """Messages about new gaps."""
        return [f"could not be read: {gap}" for gap in self.new_gaps]

    @property
    def skipped(self) -> int:
        """Pairs that an earlier run had read."""
        return self.retrieved - self.planned

    def add(self, done: UnitResult) -> None:
        self.pairs += done.items
        self.spans += done.rows
        self.tokens += done.tokens
        self.device, self.precision = done.device or self.device, done.precision or self.precision
        self.gaps += done.gaps

    def update_log_entry(self, entry: RunLogEntry) -> None:
        entry.counts = {
            "questions": self.questions,
            "retrieved": self.retrieved,
            "read": self.pairs,
            "skipped": self.skipped,
            "spans": self.spans,
            "tokens": self.tokens,
        }
        entry.device, entry.precision = self.device, self.precision


def question_run_from_file(file: Path, reader: str, top_k: int, where: str | None) -> QuestionRun:
    """A run over the questions in a file. Raises QuestionError when the file cannot be read as questions."""
    return QuestionRun(read_questions(file), reader, top_k, where, "annotate --questions", str(file))


def answer(
    lake: Lake,
    question_run: QuestionRun,
    executor: Executor,
    precision: str = "auto",
    batch_tokens: int | None = None,
    progress: RunProgress | None = None,
) -> AnswerResult:
    """Retrieve articles for each question, and read the question and article pairs that the reader has not read yet.

    The questions and their retrieved articles are written at the end, even if there are gaps, so that the view
    `answers` changes all at once.

    Raises LakeError when the lake has no articles, QuestionError for an empty question, ModelError when the reader is
    not available, and QueryError for an invalid condition. A failed or interrupted run is logged as such and raises its
    error.
    """
    progress = progress or RunProgress()
    if not lake.parts():
        raise LakeError(f"{lake.location} has no articles yet; run `litmine import PATH` first")
    for question in question_run.questions:
        if not question.text.strip():
            raise QuestionError(f"the question {question.question_id!r} is empty; write a question")
    model = identify(question_run.reader, [spec_by_name("qa")])
    reader = absolute_reference(question_run.reader)
    model_spec = ModelSpec(reader, model, executor.device, precision, batch_tokens, task="qa")
    lake.create_missing_tables()
    questions = _retrieve(lake, question_run, model)
    pairs = dict.fromkeys(
        QuestionTextPair(question.digest, article.pmid, article.text_hash)
        for question in questions
        for article in question.retrieved
    )
    unread = pending_pairs(lake.location, model, list(pairs))
    question_texts = {question.digest: question.question.text for question in questions}
    units = list(split_into_slices(lake.location, unread, question_texts, model_spec))
    guessed = sum(question.guessed for question in question_run.questions)
    summaries = sum(question.summary for question in question_run.questions)
    result = AnswerResult(model, len(questions), len(pairs), len(unread), guessed=guessed, summaries=summaries)
    progress.planned(len(unread))
    parameters = {"asked": question_run.source, "top_k": str(question_run.top_k), "where": question_run.where or ""}
    with log_run(lake, question_run.command, **parameters, **executor.log_parameters) as entry:
        entry.models, entry.gaps, entry.known_gaps = [model], result.gaps, frozenset(lake.known_gaps())
        result.update_log_entry(entry)
        with closing(executor.run(units, progress.under_way)) as finished:
            for done in finished:
                result.add(done)
                result.update_log_entry(entry)
                progress.finished(done)
        result.new_gaps = entry.new_gaps
        changed = _changed_questions(lake, questions)
        if changed:
            record_questions(lake.location, changed, entry.run_id, datetime.now(UTC))
        result.recorded = bool(changed)
        entry.written = bool(units or changed)
    return result


def explain_nothing_retrieved(lake: Lake, question: str, where: str | None) -> str:
    """Why no article was retrieved: none has the question's words, none fulfils `where`, or those are no evidence."""
    if no_evidence := _explain_no_evidence(lake, question, where):
        return no_evidence
    if where is None:
        return "no article in the lake matches the question"

    def is_met(condition: str) -> bool:
        # `select` runs the condition in the sandbox for queries of users. The line break ends a SQL comment in it.
        rows = lake.select(f"SELECT count(*) FROM articles WHERE {condition}({where}\n)").read_all()
        return bool(rows.column(0)[0].as_py())

    if not is_met(""):
        return f"no article in the lake matches the condition {where!r}"
    if not is_met(f"{IS_EVIDENCE} AND "):
        return f"the articles that match the condition {where!r} are retracted or notices, which are no evidence"
    return f"no article that matches the condition {where!r} matches the question"


def _explain_no_evidence(lake: Lake, question: str, where: str | None) -> str | None:
    """A sentence on the retracted articles and notices that match a question; None if there are none."""
    hits = SearchIndex.open(lake).search(question, _MAX_COUNTED, where, f"({IS_EVIDENCE}) IS NOT TRUE")
    if not hits:
        return None
    listed = ", ".join(str(hit.pmid) for hit in hits)
    (retracted,) = lake.rows(f"SELECT count(*) FILTER (retracted) FROM articles WHERE pmid IN ({listed})")[0]
    notices = len(hits) - retracted
    kinds = ((retracted, "retracted articles", ""), (notices, "notices", " of a retraction or correction"))
    counted = " and ".join(f"{format_count(count, noun)}{more}" for count, noun, more in kinds if count)
    shown = ", ".join(str(hit.pmid) for hit in hits[:_MAX_SHOWN])
    best = f"the best {_MAX_SHOWN}" if len(hits) > _MAX_SHOWN else "them" if len(hits) > 1 else "it"
    match = "match" if len(hits) > 1 else "matches"
    most = "at least " if len(hits) == _MAX_COUNTED else ""
    return (
        f"only {most}{counted} {match} the question{' and the condition' if where else ''}, and litmine answers no"
        f' question from these; see {best} with `litmine sql "select pmid, title, retracted, publication_types from'
        f' articles where pmid in ({shown})"`'
    )


def _retrieve(lake: Lake, question_run: QuestionRun, model: str) -> list[QuestionLogEntry]:
    index = SearchIndex.open(lake)
    found: dict[str, tuple[RetrievedArticle, ...]] = {}
    for text in dict.fromkeys(question.text for question in question_run.questions):
        hits = index.search(text, question_run.top_k, question_run.where, IS_EVIDENCE)
        found[text] = tuple(RetrievedArticle(hit.pmid, hit.text_hash, hit.score, hit.rank) for hit in hits)
    return [
        QuestionLogEntry(question, model, question_run.top_k, question_run.where, found[question.text])
        for question in question_run.questions
    ]


def _changed_questions(lake: Lake, questions: Sequence[QuestionLogEntry]) -> list[QuestionLogEntry]:
    """The questions that are new to the lake, or have other settings or retrieved articles than in the lake.

    Scores do not count as a difference, because every new article changes all BM25 scores a little.
    """
    digests = ", ".join(str(question.digest) for question in questions) or "null"
    rows = lake.rows(
        "select question_id, guessed, questions.model, top_k, filter, question_digest,"
        " list((pmid, text_hash) order by rank) filter (pmid is not null)"
        " from questions left join retrieved using (question_id, model, question_digest)"
        f" where active and question_digest in ({digests}) group by all"
    )
    known = {tuple(row[:-1]): [tuple(pair.values()) for pair in row[-1] or []] for row in rows}
    return [
        one
        for one in questions
        if known.get((one.question.question_id, one.question.guessed, one.model, one.top_k, one.filter, one.digest))
        != [(article.pmid, article.text_hash) for article in one.retrieved]
    ]
