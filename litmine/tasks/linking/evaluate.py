"""Score a linker on gold documents: accuracy at 1 beside its ceiling and simpler linkers, and what thresholds do."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from litmine.tasks.linking.baselines import STAGES, Baselines
from litmine.tasks.linking.bootstrap import RESAMPLES, Interval, interval, share
from litmine.tasks.linking.concepts import Concepts
from litmine.tasks.linking.linker import Link
from litmine.tasks.linking.mention_names import Mention
from litmine.tasks.linking.metrics import MICRO, GoldLink, LinkedMention, accuracy_by_type
from litmine.tasks.linking.trained_linker import TrainedLinker, without_thresholds
from litmine.tasks.linking.training_examples import GoldDocument
from litmine.tasks.linking.vocabulary_names import VocabularyNames

# Finds the mentions of texts: offsets in code points, end exclusive, and types.
MentionFinder = Callable[[Sequence[str]], Sequence[Sequence[Mention]]]


@dataclass(frozen=True, slots=True)
class JudgedMention:
    """A gold mention with what the linker and simpler linkers say of it.

    document: its number. known: whether the vocabulary has a gold concept. best: the best concepts, whatever their
    score; linked: whether the score reaches the threshold. stages: the identifier by stage of
    `litmine.tasks.linking.baselines`.
    """

    document: int
    link: GoldLink
    known: bool
    linked: bool
    stages: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class LinkingScores:
    """The scores of one type, or of all (`micro`), in percent.

    ceiling: share of the mentions of which the vocabulary has a gold concept. stages: accuracy of simpler linkers.
    precision, recall: of the links that reach the threshold.
    """

    accuracy: float
    support: int
    interval: Interval
    ceiling: float
    stages: Mapping[str, float]
    precision: float
    recall: float

    def record(self) -> dict[str, Any]:
        """The scores as JSON."""
        return {
            "accuracy": self.accuracy,
            "support": self.support,
            "interval": list(self.interval),
            "ceiling": self.ceiling,
            "baselines": dict(self.stages),
            "with_threshold": {"precision": self.precision, "recall": self.recall},
        }


@dataclass(frozen=True, slots=True)
class LinkingJudge:
    """A linker over the concepts of a vocabulary, ready to be scored."""

    trained: TrainedLinker
    concepts: Concepts
    names: VocabularyNames

    def judge(self, documents: Sequence[GoldDocument]) -> list[JudgedMention]:
        """Link the gold mentions of documents."""
        linker = without_thresholds(self.trained).linker(self.concepts, self.names)
        baselines = Baselines(self.concepts, self.trained.learned)
        judged = []
        for number, document in enumerate(documents):
            links = linker.link(document.text, document.mentions, document.title)
            stages = baselines.links(document.text, document.mentions)
            for mention, gold, link, found in zip(document.mentions, document.gold, links, stages, strict=True):
                known = any(self.concepts.facts(one) is not None for one in gold)
                predicted = link.identifiers if link else ()
                judged.append(
                    JudgedMention(
                        number,
                        GoldLink(mention.entity_type, gold, predicted),
                        known,
                        self._reaches_threshold(mention.entity_type, link),
                        found,
                    )
                )
        return judged

    def from_raw_text(
        self, documents: Sequence[GoldDocument], find: MentionFinder, types: Sequence[str]
    ) -> list[tuple[list[LinkedMention], list[LinkedMention]]]:
        """Gold and predicted mentions of these types with their identifiers, for each document."""
        linker = self.trained.linker(self.concepts, self.names)
        pairs = []
        for document, found in zip(documents, find([one.text for one in documents]), strict=True):
            links = linker.link(document.text, found, document.title)
            predicted: list[LinkedMention] = [
                (one.start, one.end, one.entity_type, link.identifiers)
                for one, link in zip(found, links, strict=True)
                if link and one.entity_type in types
            ]
            gold: list[LinkedMention] = [
                (one.start, one.end, one.entity_type, identifiers)
                for one, identifiers in zip(document.mentions, document.gold, strict=True)
            ]
            pairs.append((gold, predicted))
        return pairs

    def _reaches_threshold(self, entity_type: str, link: Link | None) -> bool:
        return link is not None and link.score >= self.trained.thresholds.get(entity_type, 0.0)


def score(judged: Sequence[JudgedMention], resamples: int = RESAMPLES) -> dict[str, LinkingScores]:
    """The scores by type and `micro`. The interval is that of a bootstrap over documents."""
    judged = [one for one in judged if one.link.gold]
    accuracy = accuracy_by_type(one.link for one in judged)
    return {
        name: _scores(
            [one for one in judged if name in (one.link.entity_type, MICRO)],
            found["accuracy"],
            resamples,
        )
        for name, found in accuracy.items()
    }


def _scores(judged: Sequence[JudgedMention], accuracy: float, resamples: int) -> LinkingScores:
    support = len(judged)
    right = np.array([one.link.right for one in judged], dtype=float)
    linked = np.array([one.linked for one in judged], dtype=bool)
    _, document = np.unique([one.document for one in judged], return_inverse=True)
    counts = np.column_stack([np.bincount(document, right), np.bincount(document)])
    made = int(linked.sum())
    return LinkingScores(
        accuracy=accuracy,
        support=support,
        interval=interval(counts, share, resamples),
        ceiling=100 * sum(one.known for one in judged) / support,
        stages={stage: 100 * sum(one.stages[stage] in one.link.gold for one in judged) / support for stage in STAGES},
        precision=100 * float(right[linked].sum()) / made if made else 0.0,
        recall=100 * float(right[linked].sum()) / support,
    )
