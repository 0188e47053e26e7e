"""What a job is: the values of a `jobs/*.toml`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from litmine.errors import SettingError
from litmine.specs import BUILTIN, BUILTIN_READER
from litmine.work.job.after import After
from litmine.work.workforce import Workforce


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
    def workforce(self) -> Workforce:
        """Who annotates and answers."""
        return Workforce(self.workers, self.gpus, self.address)


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
