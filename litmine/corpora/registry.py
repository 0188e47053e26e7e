"""The corpora known by name, from `registry.toml`: types, guideline, terms, source, files."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from litmine.errors import CorpusError


@dataclass(frozen=True, slots=True)
class Entry:
    """A corpus of the registry.

    types: as its files name them, to ours; `-` is one that is left out.
    licence, terms: as its source states them, "not stated" where it does not.
    source: where a person reads about it. files, format: what a folder of it holds.
    citation, doi: the article that describes it.
    url: what `get` fetches: a folder (it ends with a slash) or an archive. train, dev: the splits' files in there.
    obtain: how a person obtains it; empty where `get` does. agreement: each user must sign one first.
    note: what else one should know.
    """

    name: str
    types: dict[str, str]
    guideline: str
    licence: str
    terms: str
    source: str
    format: str
    citation: str
    doi: str = ""
    files: tuple[str, ...] = ("train.tsv", "dev.tsv")
    url: str = ""
    train: str = "train.tsv"
    dev: str = ""
    obtain: str = ""
    agreement: bool = False
    note: str = ""

    @property
    def entity_types(self) -> list[str]:
        """Its types as we name them."""
        return sorted(set(self.types.values()) - {"-"})

    @property
    def how_to_obtain(self) -> str:
        """What to do where it is missing, as the rest of a sentence."""
        return f"run `litmine corpora get {self.name}`" if self.url else self.obtain


@cache
def registry() -> dict[str, Entry]:
    """Every known corpus by its name, in the registry's order."""
    declared = tomllib.loads((files("litmine.corpora") / "registry.toml").read_text(encoding="utf-8"))
    return {name: Entry(name, **{**entry, "files": tuple(entry["files"])}) for name, entry in declared.items()}


def find(name: str) -> Entry:
    """The corpus of that name (CorpusError, which lists the names, when there is none)."""
    entry = registry().get(name)
    if entry is None:
        raise CorpusError(f"no corpus is called {name!r}; the known ones are {', '.join(registry())}")
    return entry
