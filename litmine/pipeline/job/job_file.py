"""Read jobs from TOML files: those that come with litmine by name, others by path."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from litmine.errors import JobFileError, SettingError
from litmine.pipeline.fetch_plan import FetchRequest
from litmine.pipeline.job.after import AFTER_STEPS
from litmine.pipeline.job.step import JobStep
from litmine.resources import packaged_path
from litmine.runtime.executor import Executor
from litmine.settings import did_you_mean, find_settings, from_toml, read_toml, settings_names, validate_types
from litmine.specs import BUILTIN_READER, spec_by_name

_NER = spec_by_name("ner")
_DEFAULT_MODELS = (_NER.builtin, *_NER.companions)


@dataclass(frozen=True, slots=True)
class Resources:
    """Workers and devices, as the options of `annotate`; import_workers: processes that share the files to import."""

    workers: int = 0
    gpus: int = 0
    address: str | None = None
    precision: Literal["auto", "float32", "bf16"] = "auto"
    batch_tokens: int | None = None
    import_workers: int = 1

    def __post_init__(self) -> None:
        if min(self.workers, self.gpus) < 0 or self.import_workers < 1:
            raise SettingError("workers and gpus must be at least 0, and import_workers at least 1")
        if self.batch_tokens is not None and self.batch_tokens < 1:
            raise SettingError("batch_tokens must be at least 1")

    @property
    def executor(self) -> Executor:
        return Executor(self.workers, self.gpus, self.address)


@dataclass(frozen=True, slots=True)
class StandingQuestions:
    """A file of questions that are answered again in every run, and how.

    file: JSON lines, CSV or BioASQ JSON.
    reader: reference to the model.
    top_k: articles to retrieve for each question.
    where: SQL condition on `articles`.
    """

    file: Path
    reader: str = BUILTIN_READER
    top_k: int = 10
    where: str | None = None

    def __post_init__(self) -> None:
        if self.top_k < 1:
            raise SettingError("top_k must be at least 1")


@dataclass(frozen=True, slots=True)
class Job:
    """A job: the settings of a `jobs/*.toml`, in the order of its steps.

    Paths are relative to the folder that `litmine run` is started in.

    name: the name of the file without suffix.
    about: a description for people.
    inbox: files and folders to import.
    queries, queries_file: PubMed queries, each fetched since its last complete fetch. The file has one query per line;
        blank lines and lines that start with # are ignored.
    models: references to models; with an empty list, and without terms, nothing is annotated.
    terms: files of term lists, whose names are found beside what the models find.
    resources: workers and devices to annotate and answer with.
    questions: files of standing questions.
    after: steps to run at the end.
    """

    name: str
    about: str = ""
    inbox: tuple[Path, ...] = ()
    queries: tuple[str, ...] = ()
    queries_file: Path | None = None
    models: tuple[str, ...] = _DEFAULT_MODELS
    terms: tuple[Path, ...] = ()
    resources: Resources = Resources()
    questions: tuple[StandingQuestions, ...] = ()
    after: tuple[JobStep, ...] = ()

    def __post_init__(self) -> None:
        if any(not query.strip() for query in self.queries):
            raise SettingError("a query is empty; write a PubMed query or remove it")
        for query in self.queries:
            FetchRequest(" ".join(query.split()))  # refuses what no query has
        steps = self.inbox, self.queries, self.queries_file, self.models, self.terms, self.questions, self.after
        if not any(steps):
            raise SettingError("the job has nothing to do; set inbox, queries, models, terms, questions or after")


def jobs_folder() -> Path:
    """The folder of the jobs that come with litmine."""
    return packaged_path("jobs")


def job_names() -> list[str]:
    """The names of the jobs that come with litmine."""
    return settings_names(jobs_folder())


def read_job(reference: str) -> Job:
    """Read a job by its name or path.

    Raises JobFileError for a job that does not exist, for a file that cannot be read, for an unknown key (naming the
    most similar one), and for an invalid value.
    """
    try:
        file = find_settings(reference, jobs_folder(), "job")
        values = read_toml(file)
    except SettingError as error:
        raise JobFileError(str(error)) from error
    if "name" in values:
        raise JobFileError(f"{file} sets name; remove it, because a job has the name of its file")
    try:
        after = _after_steps(file, values.pop("after", []))
        return Job(**validate_types(file, Job, {**values, "name": file.stem}, "job"), after=after)
    except SettingError as error:
        message = str(error)
        raise JobFileError(message if message.startswith(str(file)) else f"{file}: {message}") from None


def _after_steps(file: Path, tables: Any) -> tuple[JobStep, ...]:
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise SettingError(f"{file}: each of after must be a table: [[after]] and its settings")
    return tuple(_after_step(file, table) for table in tables)


def _after_step(file: Path, table: Mapping[str, Any]) -> JobStep:
    do = table.get("do")
    if not isinstance(do, str) or do not in AFTER_STEPS:
        meant = did_you_mean(do, list(AFTER_STEPS)) if isinstance(do, str) else ""
        raise SettingError(f"{file}: do in [[after]] must be one of {', '.join(AFTER_STEPS)}, not {do!r}{meant}")
    settings = {name: value for name, value in table.items() if name != "do"}
    step: JobStep = from_toml(file, AFTER_STEPS[do], settings, f"{do} step")
    return step
