"""A tagger whose entities have identifiers, for Python."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from litmine.tasks.linking.model import LinkerModel
from litmine.types import Entity

if TYPE_CHECKING:
    from litmine.tasks.ner.tagger import Tagger


class LinkedTagger:
    """A tagger and a linker; `tagger` and `linker` are the models."""

    def __init__(self, tagger: "Tagger", linker: LinkerModel) -> None:
        self.tagger, self.linker = tagger, linker

    @property
    def name(self) -> str:
        """`name@digest` of the tagger."""
        return self.tagger.name

    def annotate(self, texts: Sequence[str]) -> list[list[Entity]]:
        """The entities of each text, ordered by offset, with identifiers where a concept is close enough.

        Raises ModelError as the tagger does.
        """
        found = self.tagger.annotate(texts)
        return [self.linker.link(text, entities) for text, entities in zip(texts, found, strict=True)]
