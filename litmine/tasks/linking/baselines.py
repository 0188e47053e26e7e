"""What simpler linkers find: names of the vocabulary alone, then with long forms, normal forms, and learnt names.

The evaluation shows them beside a linker, so that it is seen what each part of it adds.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from litmine.tasks.linking.concepts import Concepts, NameMatch
from litmine.tasks.linking.learned_names import LearnedNames
from litmine.tasks.linking.mention_names import Mention, full_names
from litmine.tasks.linking.words import Agreement, agreement

# EXACT: a name of the vocabulary that is the mention but for capitals. LONG_FORMS: the same for the long form of an
# abbreviation. NORMAL_FORMS: also names with the same words in another order or spelling. VOTING: the most frequent
# link of this name in training documents, if there is any.
EXACT, LONG_FORMS, NORMAL_FORMS, VOTING = STAGES = ("exact", "long_forms", "normal_forms", "voting")


@dataclass(frozen=True, slots=True)
class Baselines:
    """The simpler linkers over a vocabulary's concepts."""

    concepts: Concepts
    learned: LearnedNames

    def links(self, text: str, mentions: Sequence[Mention]) -> list[dict[str, str]]:
        """The identifier of each mention by stage, of which each goes further than the one before; empty for none."""
        return [
            self._stages(mention.of(text), name, mention.entity_type)
            for mention, name in zip(mentions, full_names(text, mentions), strict=True)
        ]

    def _stages(self, written: str, name: str, entity_type: str) -> dict[str, str]:
        long_form = self._named(name, entity_type, Agreement.CASE) or self._named(written, entity_type, Agreement.CASE)
        normal = long_form or self._named(name, entity_type, Agreement.NONE)
        counts = self.learned.counts(name, entity_type) or self.learned.counts(written, entity_type)
        return {
            EXACT: self._named(written, entity_type, Agreement.CASE),
            LONG_FORMS: long_form,
            NORMAL_FORMS: normal,
            VOTING: max(counts, key=lambda one: (counts[one], one)) if counts else normal,
        }

    def _named(self, name: str, entity_type: str, least: Agreement) -> str:
        """The first concept with a name that agrees at least so well, preferred names first; empty for none."""
        found = [one for one in self.concepts.lookup(name, entity_type) if agreement(name, one.name) >= least]

        def order(match: NameMatch) -> tuple[int, bool]:
            return -agreement(name, match.name), not match.preferred

        return min(found, key=order).identifier if found else ""
