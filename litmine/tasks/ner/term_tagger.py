"""The dictionary tagger: finds the names of a term list. It has no network and needs no torch."""

from collections.abc import Sequence
from typing import Any

from litmine.tasks.ner.term_list import TermList
from litmine.tasks.ner.texts import check_texts
from litmine.text.term_matcher import TermMatcher
from litmine.types import Entity


class TermTagger:
    """A loaded term list: a `litmine.tasks.contract.StepModel` without a network. Every mention has the score 1."""

    def __init__(self, terms: TermList) -> None:
        self.name = terms.model
        self.entity_types = list(terms.entity_types)
        self._matcher = TermMatcher(terms.terms)

    def annotate(self, texts: Sequence[str]) -> list[list[Entity]]:
        """The entities of each text with the identifiers of the list, ordered by offset."""
        check_texts(texts)
        return [
            [
                Entity(text[one.start_char : one.end_char], one.entity_type, *one[:2], 1.0, one.identifier)
                for one in self._matcher.find(text)
            ]
            for text in texts
        ]

    def decode(
        self, texts: Sequence[str], _read: Sequence[Any], _labels: Any, _inputs: Sequence[object] = ()
    ) -> list[list[Entity]]:
        """As `annotate`."""
        return self.annotate(texts)
