"""Mentions as a tagger finds them, which tell how sure a link is: some have other borders, some refer to no concept."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from litmine.tasks.linking.mention_names import Mention
from litmine.tasks.linking.train import CHOICE_FOLD
from litmine.tasks.linking.training_examples import GoldDocument, fold_of
from litmine.types import Entity


class Annotator(Protocol):
    """A tagger."""

    def annotate(self, texts: Sequence[str]) -> Sequence[Sequence[Entity]]:
        """The entities of each text."""
        ...


def add_found_mentions(
    documents: Sequence[GoldDocument], whole_types: Mapping[str, Sequence[str]], tagger: Annotator
) -> list[GoldDocument]:
    """The documents; those that calibrate the rankers with the mentions that a tagger finds in them.

    whole_types: by name of a document, the types that its corpus annotates wholly, so that a mention of such a type
    that the corpus does not have refers to no concept. Rankers do not learn from found mentions, since accuracy on gold
    mentions falls if they do.
    """
    chosen = [one for one in documents if fold_of(one.name) == CHOICE_FOLD and whole_types.get(one.name)]
    found = tagger.annotate([one.text for one in chosen])
    more = {
        id(one): with_found_mentions(one, [each for each in entities if each.entity_type in whole_types[one.name]])
        for one, entities in zip(chosen, found, strict=True)
    }
    return [more.get(id(one), one) for one in documents]


def with_found_mentions(document: GoldDocument, found: Sequence[Entity]) -> GoldDocument:
    """The document with the mentions that a tagger finds beside those of the corpus.

    A mention that overlaps one of the document's mentions of its type has the identifiers of the first such; one that
    overlaps nothing that the corpus annotates refers to no concept. Others are left out: their concept is not known.
    """
    mentions, gold = list(document.mentions), list(document.gold)
    for entity in found:
        mention = Mention(entity.start_char, entity.end_char, entity.entity_type)
        if mention in mentions:
            continue
        same = [
            identifiers
            for other, identifiers in zip(document.mentions, document.gold, strict=True)
            if other.entity_type == mention.entity_type and _overlap(mention, other.start, other.end)
        ]
        if same or not any(_overlap(mention, *span) for span in document.spans):
            mentions.append(mention)
            gold.append(same[0] if same else ())
    return replace(document, mentions=tuple(mentions), gold=tuple(gold))


def _overlap(mention: Mention, start: int, end: int) -> bool:
    return mention.start < end and start < mention.end
