"""A linker as a task's model: it links the mentions that a tagger found, and repeats the tagger's rows."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

from litmine.lake.articles import NewTexts
from litmine.lake.targets import TargetRow, UpstreamRows
from litmine.nn.failure_isolation import FailedItem
from litmine.tasks.linking.folder import open_linker
from litmine.tasks.linking.linker import LINKED_TYPES, Link, Linker
from litmine.tasks.linking.mention_names import Mention, title_end
from litmine.tasks.linking.settings import identify as identify_linker
from litmine.types import Entity
from litmine.vocabulary.catalogue import BUILTIN, locate, open_vocabulary
from litmine.vocabulary.storage import read_manifest

# What linked types are called elsewhere, in lower case: by other taggers and their corpora. A protein is linked to its
# gene, as in the corpora that linkers learn from.
_TYPES = {
    **{name.lower(): name for name in LINKED_TYPES},
    "protein": "Gene",
    "cell_line": "CellLine",
    "cell line": "CellLine",
    "drug": "Chemical",
    "organism": "Species",
    # Effects of drugs are diseases, symptoms and findings of MeSH.
    "adverseeffect": "Disease",
}


class LinkedMention(NamedTuple):
    """A row of a tagger's target with what a linker adds, in the columns of `links` after pmid and text_hash."""

    start_char: int
    end_char: int
    mention: str
    entity_type: str
    score: float
    identifier: str | None
    identifier_score: float | None


def identify(folder: Path, name: str, vocabulary: str = "") -> str:
    """`name@digest` of the linker in a folder with a vocabulary, a reference (the built-in one if empty).

    Raises ModelError for a damaged folder, VocabularyError for a vocabulary that does not exist or is damaged.
    """
    return identify_linker(folder, name, read_manifest(locate(vocabulary or BUILTIN)).reference)


def load(folder: Path, name: str, *_how: object, vocabulary: str = "", **_more: object) -> "LinkerModel":
    """Load the linker in a folder with a vocabulary; device and precision have no effect. Raises as `identify`."""
    model = identify(folder, name, vocabulary)
    return _load(folder, model, vocabulary or BUILTIN)


@lru_cache(maxsize=1)
def _load(folder: Path, model: str, vocabulary: str) -> "LinkerModel":
    """Load a linker once in a process: the names of a vocabulary take seconds and hundreds of megabytes."""
    return LinkerModel(model, open_linker(folder, open_vocabulary(vocabulary)))


class LinkerModel:
    """A loaded linker: a `litmine.tasks.contract.StepModel` without a network."""

    def __init__(self, name: str, linker: Linker) -> None:
        self.name = name
        self._linker = linker
        # Units decode in several threads. The linker keeps what it has looked up, and makes indexes at their first use.
        self._lock = Lock()

    def decode(
        self, items: Sequence[str], _read: Sequence[Any], _labels: Any, inputs: Sequence[UpstreamRows]
    ) -> list[list[LinkedMention]]:
        """The rows of the tagger for each text, in their order, with identifiers."""
        (of_tagger,) = inputs
        return [self._link_rows(text, rows) for text, rows in zip(items, of_tagger.rows_by_text(), strict=True)]

    def link(self, text: str, entities: Sequence[Entity]) -> list[Entity]:
        """The entities of a text with identifiers. An identifier that an entity has is kept."""
        wanted = [
            None if one.identifier else _mention(one.entity_type, one.start_char, one.end_char) for one in entities
        ]
        return [
            one
            if link is None
            else replace(one, identifier="|".join(link.identifiers), identifier_score=float(link.score))
            for one, link in zip(entities, self._links(text, wanted), strict=True)
        ]

    def _link_rows(self, text: str, rows: Sequence[dict[str, Any]]) -> list[LinkedMention]:
        wanted = [
            None if row["identifier"] else _mention(row["entity_type"], row["start_char"], row["end_char"])
            for row in rows
        ]
        return [
            LinkedMention(
                row["start_char"],
                row["end_char"],
                row["mention"],
                row["entity_type"],
                row["score"],
                row["identifier"] if link is None else "|".join(link.identifiers),
                None if link is None else float(link.score),
            )
            for row, link in zip(rows, self._links(text, wanted), strict=True)
        ]

    def _links(self, text: str, wanted: Sequence[Mention | None]) -> list[Link | None]:
        """The link of each mention. Mentions that are equal, such as a gene that is a protein too, are linked once."""
        mentions = list(dict.fromkeys(one for one in wanted if one is not None))
        with self._lock:
            links = self._linker.link(text, mentions, title_end(text))
        found = dict(zip(mentions, links, strict=True))
        return [None if one is None else found[one] for one in wanted]


def link_rows(texts: NewTexts, results: Sequence[Sequence[LinkedMention] | FailedItem]) -> list[TargetRow]:
    """The rows of the `links` table, in the order of the tagger's target: by PMID, text hash and offsets."""
    return sorted(
        (
            (pmid, text_hash, *one)
            for pmid, text_hash, found in zip(texts.pmids, texts.text_hashes, results, strict=True)
            if not isinstance(found, FailedItem)
            for one in found
        ),
        key=lambda row: row[:2],
    )


def _mention(entity_type: str, start: int, end: int) -> Mention | None:
    """The mention for the linker; None if its type is not linked."""
    kind = _TYPES.get(entity_type.lower())
    return None if kind is None else Mention(start, end, kind)
