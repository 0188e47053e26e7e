"""The registry of known corpora (`registry.toml`): entity types, guideline, licence, source, files."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from litmine.corpora.held_out import held_out
from litmine.corpora.relation_declarations import DECLARATIONS
from litmine.errors import CorpusError
from litmine.settings import did_you_mean


@dataclass(frozen=True, slots=True)
class CorpusEntry:
    """A corpus of the registry.

    types: entity types in its files, mapped to litmine's; `-` drops a type.
    guideline: what the corpus annotates.
    licence, terms: as its source states them, else "not stated".
    source: the corpus' web page. files, format: the contents of its folder.
    citation, doi: the article that describes it.
    url: the address that `litmine corpora get` downloads: a folder (with a final slash) or an archive.
    train, dev: the files of the splits there.
    obtain: how to obtain the corpus by hand, if `get` cannot. agreement: whether each user must sign an agreement.
    note: further remarks. held_out: whether a fixed tenth of its articles serves as its dev split, as it has none.
    article: regular expression whose group is the article of a document's name; empty if each document is one.
    labels: of its texts or sentences, in words.
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
    held_out: bool = False
    article: str = ""
    labels: str = ""

    @property
    def entity_types(self) -> list[str]:
        """Its entity types in litmine's names, sorted."""
        return sorted(set(self.types.values()) - {"-"})

    def is_held_out(self, document: str) -> bool:
        """Whether the document of this name belongs to the tenth that no training may read."""
        found = re.match(self.article, document) if self.article else None
        return held_out(found[1] if found else document)

    @property
    def relations(self) -> list[str]:
        """Its relation types in litmine's names; empty for a corpus of mentions only."""
        declaration = DECLARATIONS.get(self.name)
        return [] if declaration is None else [kind.name for kind in declaration.kinds]

    @property
    def how_to_obtain(self) -> str:
        """What to do when the corpus is missing, as the end of a sentence."""
        return f"run `litmine corpora get {self.name}`" if self.url else self.obtain


@cache
def registry() -> dict[str, CorpusEntry]:
    """All known corpora by name, in the order of the registry."""
    declared = tomllib.loads((files("litmine.corpora") / "registry.toml").read_text(encoding="utf-8"))
    return {name: CorpusEntry(name, **{**entry, "files": tuple(entry["files"])}) for name, entry in declared.items()}


def find_corpus(name: str) -> CorpusEntry:
    """The corpus with this name. Raises CorpusError, listing the names, when there is none."""
    entry = registry().get(name)
    if entry is None:
        known = list(registry())
        raise CorpusError(f"unknown corpus {name!r}{did_you_mean(name, known)}; use one of {', '.join(known)}")
    return entry
