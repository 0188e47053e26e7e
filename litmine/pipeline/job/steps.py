"""The job steps that bring a lake up to date: import, fetch, annotate, answer.

torch is imported only where a model runs, so that a job that only fetches, or is already running, starts fast.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from litmine.errors import DONE, NEW_GAPS, SettingError, SourceError
from litmine.lake.lake import MARKER_FILE, Lake
from litmine.lake.paths import PAIR_TASKS, PART_TASKS, LakePath
from litmine.lake.query import check_select
from litmine.pipeline import fetch
from litmine.pipeline.count_format import format_count
from litmine.pipeline.fetch_plan import FetchPlan, FetchRequest
from litmine.pipeline.import_files import import_files
from litmine.pipeline.import_result import ImportResult
from litmine.pipeline.job.job_file import Job, Resources, StandingQuestions
from litmine.pipeline.job.step import Forecast, JobObserver, JobStep, Rates, StepOutcome
from litmine.runtime.executor import RunProgress
from litmine.sources.bounded import read_file_up_to
from litmine.sources.entrez.eutils_settings import load_eutils_settings
from litmine.sources.files import find_files
from litmine.sources.questions import read_questions
from litmine.tasks.contract import Unit, UnitResult

if TYPE_CHECKING:
    from litmine.pipeline.annotate import AnnotationResult
    from litmine.pipeline.answer import AnswerResult

_FORECAST_PATIENCE_SECONDS = 20.0
_MAX_QUERIES_BYTES = 16 << 20
# Not an error, because a query may not have found anything yet.
_NO_ARTICLES = "the lake has no articles yet"


def job_steps(job: Job) -> list[JobStep]:
    """The steps of a job, in order."""
    steps: list[JobStep] = []
    if job.inbox:
        steps.append(ImportStep(job.inbox, job.resources.import_workers))
    steps += _fetch_steps(job)
    if job.models or job.terms:
        steps.append(AnnotateStep(job.models, job.resources, job.terms))
    steps += [AnswerStep(questions, job.resources) for questions in job.questions]
    return steps + list(job.after)


@dataclass(frozen=True, slots=True)
class ImportStep:
    """Import files and folders of files."""

    kind: ClassVar[str] = "import"
    writes_file: ClassVar[bool] = False

    paths: tuple[Path, ...]
    workers: int

    @property
    def subject(self) -> str:
        return " ".join(map(str, self.paths))

    def run(self, lake: LakePath, observer: JobObserver) -> StepOutcome:
        for path in self.paths:
            if path.exists() and not (path.is_file() or path.is_dir()):
                # A pipe without a writer would hold up every step of every night.
                raise SettingError(f"inbox names {path}, which is neither a file nor a folder; name one of these")
        result = import_files(
            lake, self.paths, on_progress=lambda count: observer.progress(count, "records"), workers=self.workers
        )
        return _outcome(result, result.counts())

    def forecast(self, lake: LakePath, rates: Rates, new_records: int) -> Forecast:  # noqa: ARG002
        files = find_files(self.paths)
        size = sum(file.stat().st_size for file in files)
        summary = f"check {format_count(len(files), 'files')} ({size / 1e6:,.1f} MB) for new records"
        return Forecast(summary, rates.seconds("import", "files", len(files)), uncounted_files=len(files))


@dataclass(frozen=True, slots=True)
class FetchStep:
    """Fetch the records of a query that PubMed created or revised since the last complete fetch of the query."""

    kind: ClassVar[str] = "fetch"
    writes_file: ClassVar[bool] = False

    query: str

    @property
    def subject(self) -> str:
        return self.query

    def run(self, lake: LakePath, observer: JobObserver) -> StepOutcome:
        settings = load_eutils_settings()
        if settings.email is None:
            observer.note("Set NCBI_EMAIL: NCBI asks callers for an e-mail address.")
        result = fetch.fetch(lake, self._request, settings, _JobFetchObserver(observer))
        return _outcome(result, {"found": len(result.plan.found), "fetched": result.fetched})

    def forecast(self, lake: LakePath, rates: Rates, new_records: int) -> Forecast:  # noqa: ARG002
        settings = load_eutils_settings(patience=_FORECAST_PATIENCE_SECONDS)
        try:
            plan = fetch.preview_fetch(lake, self._request, settings, fetch.FetchObserver())
        except SourceError as error:
            raise SourceError(f"PubMed is not available: {error}") from error
        wanted = len(plan.wanted)
        seconds = rates.seconds("fetch", "fetched", wanted)
        min_seconds = fetch.min_requests(wanted) / settings.per_second
        summary = f"{format_count(wanted, 'records')} to fetch" if wanted else "no new records"
        if plan.present:
            summary += f", {len(plan.present):,} already in the lake"
        if wanted and seconds is None:
            summary += " (time by PubMed's rate limit alone)"
        return Forecast(summary, max(min_seconds, seconds or 0.0), wanted)

    @property
    def _request(self) -> FetchRequest:
        return FetchRequest(" ".join(self.query.split()), since="last")


@dataclass(frozen=True, slots=True)
class UnreadableQueriesFile:
    """Stands for the fetch steps of a queries file that cannot be read; running it raises the reason."""

    kind: ClassVar[str] = "fetch"
    writes_file: ClassVar[bool] = False

    subject: str
    why: str

    def run(self, lake: LakePath, observer: JobObserver) -> StepOutcome:  # noqa: ARG002
        raise SettingError(self.why)

    def forecast(self, lake: LakePath, rates: Rates, new_records: int) -> Forecast:  # noqa: ARG002
        raise SettingError(self.why)


@dataclass(frozen=True, slots=True)
class AnnotateStep:
    """Run models over the texts that they have not read yet."""

    kind: ClassVar[str] = "annotate"
    writes_file: ClassVar[bool] = False

    models: tuple[str, ...]
    resources: Resources
    terms: tuple[Path, ...] = ()

    @property
    def subject(self) -> str:
        return ", ".join([*self.models, *map(str, self.terms)])

    def run(self, lake: LakePath, observer: JobObserver) -> StepOutcome:
        if not Lake(lake).parts():
            return StepOutcome(summary_lines=[_NO_ARTICLES])
        from litmine.pipeline.annotate import annotate

        resources, progress = self.resources, _JobRunProgress(observer, "articles")
        result = annotate(
            Lake(lake),
            self.models,
            resources.executor,
            resources.precision,
            resources.batch_tokens,
            progress,
            terms=self.terms,
            follow_up=True,
        )
        return _outcome(result, {"texts": result.texts, **result.rows})

    def forecast(self, lake: LakePath, rates: Rates, new_records: int) -> Forecast:
        opened = open_lake(lake)
        # The names first: a model or list that does not exist is an error, whether there is a lake or not.
        names = self._names()
        unread = sum(_count_unread_texts(opened, name) for name in names) if opened else 0
        new = new_records * len(names)
        parts = [format_count(unread, "unread texts")] if unread else []
        if new:
            parts.append(f"up to {format_count(new, 'new texts')}")
        summary = f"{' and '.join(parts) or 'no texts'} to read"
        return Forecast(summary, rates.seconds("annotate", "texts", unread + new))

    def _names(self) -> list[str]:
        """The name@digest of each model and term list."""
        from litmine.pipeline.term_lists import read_term_lists
        from litmine.tasks.registry import identify

        tasks = list(PART_TASKS.values())
        return [identify(ref, tasks) for ref in self.models] + [one.model for one in read_term_lists(self.terms)]


@dataclass(frozen=True, slots=True)
class AnswerStep:
    """Answer standing questions from the retrieved articles that the reader has not read yet."""

    kind: ClassVar[str] = "answers"
    writes_file: ClassVar[bool] = False

    questions: StandingQuestions
    resources: Resources

    @property
    def subject(self) -> str:
        return f"{self.questions.file} by {self.questions.reader}"

    def run(self, lake: LakePath, observer: JobObserver) -> StepOutcome:
        if not Lake(lake).parts():
            return StepOutcome(summary_lines=[_NO_ARTICLES])
        from litmine.pipeline.answer import answer, question_run_from_file

        questions, resources = self.questions, self.resources
        question_run = question_run_from_file(questions.file, questions.reader, questions.top_k, questions.where)
        progress = _JobRunProgress(observer, "pairs")
        result = answer(
            Lake(lake), question_run, resources.executor, resources.precision, resources.batch_tokens, progress
        )
        return _outcome(result, {"questions": result.questions, "read": result.pairs, "spans": result.spans})

    def forecast(self, lake: LakePath, rates: Rates, new_records: int) -> Forecast:  # noqa: ARG002
        from litmine.tasks.registry import find_model

        find_model(self.questions.reader, list(PAIR_TASKS.values()))
        if self.questions.where:
            check_select(lake, f"SELECT pmid FROM articles WHERE ({self.questions.where}\n)")
        questions, top_k = len(read_questions(self.questions.file)), self.questions.top_k
        articles = format_count(top_k, "articles")
        summary = f"{format_count(questions, 'questions')} to answer, each from at most {articles}"
        return Forecast(summary, rates.seconds("annotate --questions", "retrieved", questions * top_k))


def open_lake(lake: LakePath) -> Lake | None:
    """Open a lake. None when it does not exist yet."""
    return Lake(lake) if (lake / MARKER_FILE).exists() else None


def _count_unread_texts(lake: Lake, model: str) -> int:
    """How many texts of the lake a model, name@digest, has not read."""
    target_sets = [targets for targets in lake.target_sets() if targets.model == model]
    done = {part for targets in target_sets for part in targets.finished_parts(lake.location)}
    unread = ", ".join(f"'{part}'" for part in lake.parts() if part not in done) or "null"
    return int(lake.rows(f"select coalesce(sum(texts), 0) from parts where part in ({unread})")[0][0])


def _outcome(
    result: "ImportResult | fetch.FetchResult | AnnotationResult | AnswerResult", counts: dict[str, int]
) -> StepOutcome:
    code = NEW_GAPS if result.new_gaps else DONE
    return StepOutcome(code, result.summary_lines(), counts, result.new_gaps, result.changed)


class _JobFetchObserver(fetch.FetchObserver):
    def __init__(self, observer: JobObserver) -> None:
        self._observer = observer

    def planned(self, plan: FetchPlan) -> None:
        for note in plan.notes:
            self._observer.note(note)
        if plan.first_fetch:
            self._observer.note("no earlier complete fetch of this query: fetching all of it")

    def fetched(self, records: int) -> None:
        self._observer.progress(records, "records")

    def waiting(self, reason: str, seconds: float) -> None:
        self._observer.note(f"PubMed: {reason}" + (f"; retrying in {seconds:.1f} s" if seconds else ""))


class _JobRunProgress(RunProgress):
    def __init__(self, observer: JobObserver, unit: str) -> None:
        self._observer, self._unit = observer, unit
        self._done = 0

    def finished(self, done: UnitResult) -> None:
        self._done += done.unit.size
        self._observer.progress(self._done, self._unit)

    def under_way(self, unit: Unit, share: float) -> None:
        self._observer.progress(self._done + share * unit.size, self._unit)


def _fetch_steps(job: Job) -> list[JobStep]:
    """A step for each query, and an `UnreadableQueriesFile` for a queries file that cannot be read."""
    steps: list[JobStep] = [FetchStep(query) for query in job.queries]
    if job.queries_file is None:
        return steps
    try:
        content = read_file_up_to(job.queries_file, _MAX_QUERIES_BYTES, "a file of queries")
        lines = content.decode().splitlines()
    except (SourceError, OSError, ValueError) as error:
        reason = str(error) if isinstance(error, SourceError) else getattr(error, "strerror", None) or "it is not UTF-8"
        why = f"{job.queries_file} cannot be read ({reason}); write one PubMed query per line into it"
        return [*steps, UnreadableQueriesFile(str(job.queries_file), why)]
    return steps + [FetchStep(line.strip()) for line in lines if line.strip() and not line.startswith("#")]
