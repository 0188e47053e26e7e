"""Jobs as TOML: those that come with litmine, by name, and one's own, by path.

What a job is: the values of a `jobs/*.toml`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from litmine.errors import SettingError
from litmine.pipeline.job.after import AFTER, After
from litmine.resources import packaged_path
from litmine.runtime.executor import Executor
from litmine.settings import did_you_mean, find_settings, from_toml, read_toml, settings_names, validate_types
from litmine.specs import BUILTIN, BUILTIN_READER


@dataclass(frozen=True, slots=True)
class Resources:
    """Who does the work: the options of `annotate` by the same names; import_workers: processes that share files."""

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
    def workforce(self) -> Executor:
        """Who annotates and answers."""
        return Executor(self.workers, self.gpus, self.address)


@dataclass(frozen=True, slots=True)
class Questions:
    """A file of standing questions, and who reads how many articles for each; `where` is a condition on `articles`."""

    file: Path
    reader: str = BUILTIN_READER
    top_k: int = 10
    where: str | None = None

    def __post_init__(self) -> None:
        if self.top_k < 1:
            raise SettingError("top_k must be at least 1")


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be done, in this order; paths are from the folder that `litmine run` is started in.

    about: a sentence for people.
    inbox: files and folders to import.
    queries, queries_file: PubMed searches, each fetched since its last complete fetch; in the file one a line, blank
    lines and those that begin with # passed over.
    models: what annotates; none: nothing is annotated.
    resources, questions, after: see there.
    """

    name: str
    about: str = ""
    inbox: tuple[Path, ...] = ()
    queries: tuple[str, ...] = ()
    queries_file: Path | None = None
    models: tuple[str, ...] = (BUILTIN,)
    resources: Resources = Resources()
    questions: tuple[Questions, ...] = ()
    after: tuple[After, ...] = ()

    def __post_init__(self) -> None:
        if any(not query.strip() for query in self.queries):
            raise SettingError("a query is empty; say what to search for")
        if not (self.inbox or self.queries or self.queries_file or self.models or self.questions or self.after):
            raise SettingError("the job has nothing to do; give it an inbox, queries, models, questions or after")


def jobs_folder() -> Path:
    """The jobs that come with litmine."""
    return packaged_path("jobs")


def job_names() -> list[str]:
    """The jobs that come with litmine."""
    return settings_names(jobs_folder())


def read_job(reference: str) -> Job:
    """The job of that name or in that file, called as the file is.

    Raises SettingError for one that is not there, for keys that no job has, with the nearest one, and for values that
    make no sense.
    """
    file = find_settings(reference, jobs_folder(), "job")
    read = read_toml(file)
    if "name" in read:
        raise SettingError(f"{file} sets name; a job is called as its file is")
    try:
        after = _after(file, read.pop("after", []))
        return Job(**validate_types(file, Job, {**read, "name": file.stem}, "job"), after=after)
    except SettingError as error:
        if str(error).startswith(str(file)):
            raise
        raise SettingError(f"{file}: {error}") from None


def _after(file: Path, read: Any) -> tuple[After, ...]:
    if not isinstance(read, list) or not all(isinstance(one, dict) for one in read):
        raise SettingError(f"{file}: each of after must be a table: [[after]] and its settings")
    return tuple(_step(file, one) for one in read)


def _step(file: Path, read: Mapping[str, Any]) -> After:
    do = read.get("do")
    if not isinstance(do, str) or do not in AFTER:
        meant = did_you_mean(do, list(AFTER)) if isinstance(do, str) else ""
        raise SettingError(f"{file}: do in [[after]] is one of {', '.join(AFTER)}, and not {do!r}{meant}")
    step: After = from_toml(
        file, AFTER[do], {name: value for name, value in read.items() if name != "do"}, f"{do} step"
    )
    return step
