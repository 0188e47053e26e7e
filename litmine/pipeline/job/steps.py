"""The steps that bring a lake up to date: import, fetch, annotate, answer.

torch is loaded where a model runs: a night that only fetches, or finds the job running, does without.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from litmine.errors import DONE, NEW_GAPS, SettingError, SourceError
from litmine.lake.lake import MARK, Lake
from litmine.lake.paths import PART_TASKS, Place
from litmine.pipeline import fetch
from litmine.pipeline.fetch_plan import FetchPlan, FetchRequest
from litmine.pipeline.import_files import ImportResult, ingest
from litmine.pipeline.job.job_file import Job, Questions, Resources
from litmine.pipeline.job.step import Forecast, JobStep, Outcome, Rates, Watch
from litmine.runtime.executor import RunProgress
from litmine.sources.entrez.eutils_settings import load_eutils_settings
from litmine.sources.files import find_files
from litmine.sources.questions import read_questions
from litmine.tasks.contract import Unit, UnitResult

if TYPE_CHECKING:
    from litmine.pipeline.annotate import AnnotationResult
    from litmine.pipeline.answer import Answered

# Seconds that a forecast waits for PubMed.
_SHORT_PATIENCE = 20.0
# A query may have found nothing yet: no fault of the night.
_EMPTY = "the lake has no articles yet"


def steps_of(job: Job) -> list[JobStep]:
    """The steps of a job, in order."""
    steps: list[JobStep] = []
    if job.inbox:
        steps.append(Import(job.inbox, job.resources.import_workers))
    steps += _searches(job)
    if job.models:
        steps.append(Annotate(job.models, job.resources))
    steps += [Answer(questions, job.resources) for questions in job.questions]
    return steps + list(job.after)


@dataclass(frozen=True, slots=True)
class Import:
    """Files and folders of files into the lake."""

    kind: ClassVar[str] = "import"
    hands_out: ClassVar[bool] = False

    paths: tuple[Path, ...]
    workers: int

    @property
    def what(self) -> str:
        return " ".join(map(str, self.paths))

    def do(self, lake: Place, watch: Watch) -> Outcome:
        done = ingest(lake, self.paths, watch=lambda count: watch.at(count, "records"), workers=self.workers)
        return _outcome(done, done.counts())

    def forecast(self, lake: Place, rates: Rates, coming: int) -> Forecast:  # noqa: ARG002
        files = find_files(self.paths)
        size = sum(file.stat().st_size for file in files)
        says = f"look through {len(files):,} file{'' if len(files) == 1 else 's'} ({size / 1e6:,.1f} MB)"
        return Forecast(says, rates.seconds("import", "files", len(files)))


@dataclass(frozen=True, slots=True)
class Fetch:
    """What PubMed created or revised for a query since the query's last complete fetch."""

    kind: ClassVar[str] = "fetch"
    hands_out: ClassVar[bool] = False

    query: str

    @property
    def what(self) -> str:
        return self.query

    def do(self, lake: Place, watch: Watch) -> Outcome:
        access = load_eutils_settings()
        if access.email is None:
            watch.note("PubMed asks who calls: put your e-mail address into NCBI_EMAIL")
        done = fetch.fetch(lake, self._wish, access, _Fetching(watch))
        return _outcome(done, {"found": len(done.survey.found), "fetched": done.fetched})

    def forecast(self, lake: Place, rates: Rates, coming: int) -> Forecast:  # noqa: ARG002
        access = load_eutils_settings(patience=_SHORT_PATIENCE)
        try:
            survey = fetch.look(lake, self._wish, access, fetch.Progress())
        except SourceError as error:
            return Forecast(f"PubMed cannot be asked now: {error}")
        wanted = len(survey.wanted)
        seconds = rates.seconds("fetch", "fetched", wanted)
        at_least = fetch.requests_for(wanted) / access.per_second
        says = f"{len(survey.found):,} records found, {len(survey.there):,} in the lake already, {wanted:,} to fetch"
        if seconds is None:
            says += ", by PubMed's limit alone"
        return Forecast(says, max(at_least, seconds or 0.0), wanted)

    @property
    def _wish(self) -> FetchRequest:
        return FetchRequest(" ".join(self.query.split()), since="last")


@dataclass(frozen=True, slots=True)
class Refused:
    """A step that could not even be made; doing it says why."""

    kind: ClassVar[str] = "fetch"
    hands_out: ClassVar[bool] = False

    what: str
    why: str

    def do(self, lake: Place, watch: Watch) -> Outcome:  # noqa: ARG002
        raise SettingError(self.why)

    def forecast(self, lake: Place, rates: Rates, coming: int) -> Forecast:  # noqa: ARG002
        return Forecast(self.why)


@dataclass(frozen=True, slots=True)
class Annotate:
    """Models over what they have not read yet."""

    kind: ClassVar[str] = "annotate"
    hands_out: ClassVar[bool] = False

    models: tuple[str, ...]
    resources: Resources

    @property
    def what(self) -> str:
        return ", ".join(self.models)

    def do(self, lake: Place, watch: Watch) -> Outcome:
        if not Lake(lake).parts():
            return Outcome(said=[_EMPTY])
        from litmine.pipeline.annotate import annotate

        by = self.resources
        done = annotate(
            Lake(lake), self.models, by.workforce, by.precision, by.batch_tokens, _Reading(watch, "articles")
        )
        return _outcome(done, {"texts": done.texts, **done.rows})

    def forecast(self, lake: Place, rates: Rates, coming: int) -> Forecast:
        opened = open_lake(lake)
        texts = sum(unread_texts(opened, ref) for ref in self.models) if opened else 0
        coming *= len(self.models)
        says = f"{texts:,} texts to read" + (f", and up to {coming:,} that come" if coming else "")
        return Forecast(says, rates.seconds("annotate", "texts", texts + coming))


@dataclass(frozen=True, slots=True)
class Answer:
    """Standing questions over what is retrieved for them, as far as the reader has not read it yet."""

    kind: ClassVar[str] = "answers"
    hands_out: ClassVar[bool] = False

    questions: Questions
    resources: Resources

    @property
    def what(self) -> str:
        return f"{self.questions.file} by {self.questions.reader}"

    def do(self, lake: Place, watch: Watch) -> Outcome:
        if not Lake(lake).parts():
            return Outcome(said=[_EMPTY])
        from litmine.pipeline.answer import answer, inquiry_of

        asked, by = self.questions, self.resources
        inquiry = inquiry_of(asked.file, asked.reader, asked.top_k, asked.where)
        done = answer(Lake(lake), inquiry, by.workforce, by.precision, by.batch_tokens, _Reading(watch, "pairs"))
        return _outcome(done, {"questions": done.questions, "read": done.pairs, "spans": done.spans})

    def forecast(self, lake: Place, rates: Rates, coming: int) -> Forecast:  # noqa: ARG002
        questions = len(read_questions(self.questions.file))
        most = questions * self.questions.top_k
        says = f"{questions:,} questions over at most {self.questions.top_k:,} articles each, what is new of them read"
        return Forecast(says, rates.seconds("annotate --questions", "retrieved", most))


def open_lake(lake: Place) -> Lake | None:
    """The lake there; None when there is none yet."""
    return Lake(lake) if (lake / MARK).exists() else None


def unread_texts(lake: Lake, ref: str) -> int:
    """How many texts of the lake a model has yet to read."""
    from litmine.tasks.registry import find, identify_folder

    spec, folder, name = find(ref, list(PART_TASKS.values()))
    model = identify_folder(spec, folder, name)
    done = {part for own in lake.target_sets() if own.model == model for part in own.done(lake.place)}
    unread = ", ".join(f"'{part}'" for part in lake.parts() if part not in done) or "null"
    return int(lake.rows(f"select coalesce(sum(texts), 0) from parts where part in ({unread})")[0][0])


def _outcome(done: "ImportResult | fetch.FetchResult | AnnotationResult | Answered", counts: dict[str, int]) -> Outcome:
    code = NEW_GAPS if done.new_gaps else DONE
    return Outcome(code, done.account(), counts, done.new_gaps, done.news)


class _Fetching(fetch.Progress):
    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def surveyed(self, survey: FetchPlan) -> None:
        for note in survey.notes:
            self._watch.note(note)
        if survey.first_time:
            self._watch.note("no complete fetch of this query has been recorded yet: all of it is fetched")

    def fetched(self, records: int) -> None:
        self._watch.at(records, "records")

    def waiting(self, reason: str, seconds: float) -> None:
        self._watch.note(f"PubMed: {reason}" + (f"; trying again in {seconds:.1f} s" if seconds else ""))


class _Reading(RunProgress):
    def __init__(self, watch: Watch, unit: str) -> None:
        self._watch, self._unit = watch, unit
        self._done = 0

    def finished(self, done: UnitResult) -> None:
        self._done += done.unit.size
        self._watch.at(self._done, self._unit)

    def under_way(self, unit: Unit, share: float) -> None:
        self._watch.at(self._done + share * unit.size, self._unit)


def _searches(job: Job) -> list[JobStep]:
    """A step for each search; one that says why when the file of searches cannot be read."""
    steps: list[JobStep] = [Fetch(query) for query in job.queries]
    if job.queries_file is None:
        return steps
    try:
        lines = job.queries_file.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        why = f"{job.queries_file} cannot be read ({reason}); write a PubMed search a line into it"
        return [*steps, Refused(str(job.queries_file), why)]
    return steps + [Fetch(line.strip()) for line in lines if line.strip() and not line.startswith("#")]
