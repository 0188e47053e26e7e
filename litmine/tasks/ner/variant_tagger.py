"""The tagger of genetic variants: rules, without a network."""

from collections.abc import Sequence
from typing import Any

from litmine.tasks.ner.texts import check_texts
from litmine.tasks.rules import rules_name
from litmine.text.variants import RULES_VERSION, find_variants
from litmine.types import Entity

VARIANT = "Variant"


def variants_name(name: str) -> str:
    """`name@digest` of the rules."""
    return rules_name(name, "variants", RULES_VERSION)


class VariantTagger:
    """The rules as a `litmine.tasks.contract.StepModel` without a network. Every mention has the score 1."""

    def __init__(self, name: str) -> None:
        self.name = variants_name(name)
        self.entity_types = [VARIANT]

    def annotate(self, texts: Sequence[str]) -> list[list[Entity]]:
        """The variants of each text with their identifiers (`litmine.text.variant_names`), ordered by offset."""
        check_texts(texts)
        return [
            [
                Entity(text[one.start_char : one.end_char], VARIANT, one.start_char, one.end_char, 1.0, one.identifier)
                for one in find_variants(text)
            ]
            for text in texts
        ]

    def decode(
        self, texts: Sequence[str], _read: Sequence[Any], _labels: Any, _inputs: Sequence[object] = ()
    ) -> list[list[Entity]]:
        """As `annotate`."""
        return self.annotate(texts)
