"""A classifier of marked texts as a model of the task: from texts and their mentions to relations."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from litmine.corpora.documents import AnnotatedEntity
from litmine.lake.targets import UpstreamRows
from litmine.nn.engine import TextInputs, ignore_progress
from litmine.nn.failure_isolation import FailedItem
from litmine.tasks.relations.found import FoundRelation, ScoredPair, found_relations, relations_or_error
from litmine.tasks.relations.marked.folder import load_folder
from litmine.tasks.relations.marked.input import judged_pairs
from litmine.tasks.relations.marked.scorer import MarkedScorer, TextPairs, best_relations, softmax
from litmine.tasks.relations.mentions import mentions_by_text
from litmine.tasks.relations.pairs import candidate_pairs
from litmine.tasks.relations.stretches import Sentences
from litmine.text.sentences import split_sentences


class MarkedModel:
    """A loaded classifier, a `litmine.tasks.contract.StepModel` whose network reads the step's inputs.

    Attributes: `name` (name@digest), `scorer`, `settings`, `batch_tokens`.
    """

    reads_inputs = True

    def __init__(self, scorer: MarkedScorer) -> None:
        self.name, self.scorer, self.settings = scorer.name, scorer, scorer.settings
        self.batch_tokens = scorer.batch_tokens
        self._texts = TextInputs(scorer.trunk)

    @property
    def device(self) -> torch.device:
        return self.scorer.device

    @property
    def precision(self) -> str:
        """`float32` or `bf16`."""
        return self.scorer.precision

    def read(self, items: Sequence[str]) -> list[Any]:
        """Tokenize each text, to count its tokens; one that cannot be tokenized becomes a `FailedItem`."""
        return self._texts.read(items)

    def label_with_inputs(
        self,
        items: Sequence[str],
        read: Sequence[Any],
        inputs: Sequence[UpstreamRows],
        watch: Callable[[float], None] = ignore_progress,
    ) -> list[list[FoundRelation] | FailedItem]:
        """Run the network on the pairs of the texts, in batches over all texts."""
        texts = [*zip(items, read, mentions_by_text(inputs), strict=True)]
        judged = [
            one if isinstance(one, FailedItem) else self._judged(text, mentions, split_sentences(text))
            for text, one, mentions in texts
        ]
        return self._relations(judged, watch)

    def decode(
        self,
        items: Sequence[str],  # noqa: ARG002 - the labels are the relations
        read: Sequence[Any],  # noqa: ARG002
        labels: Sequence[list[FoundRelation] | FailedItem],
        inputs: Sequence[UpstreamRows],  # noqa: ARG002
    ) -> Sequence[list[FoundRelation] | FailedItem]:
        """The relations of each text that reach the least score, with evidence."""
        return labels

    def relate(
        self,
        texts: Sequence[str],
        mentions: Sequence[Sequence[AnnotatedEntity]],
        sentences: Sequence[Sentences] | None = None,
    ) -> list[list[FoundRelation]]:
        """The relations of each text between its mentions. Raises ModelError when the model fails on a text.

        sentences: those of each text, if they are known.
        """
        split = [split_sentences(text) for text in texts] if sentences is None else sentences
        judged = [self._judged(*one) for one in zip(texts, mentions, split, strict=True)]
        return relations_or_error(self.name, self._relations(judged))

    def _judged(self, text: str, mentions: Sequence[AnnotatedEntity], sentences: Sentences) -> TextPairs:
        pairs = candidate_pairs(mentions, sentences, self.settings.rule) if len(mentions) > 1 else []
        return TextPairs(text, judged_pairs(pairs, self.settings.nearest), sentences)

    def _relations(
        self, judged: Sequence[TextPairs | FailedItem], watch: Callable[[float], None] = ignore_progress
    ) -> list[list[FoundRelation] | FailedItem]:
        read = [one if isinstance(one, FailedItem) else self.scorer.read([one])[0] for one in judged]
        types = self.settings.relation_types
        results: list[list[FoundRelation] | FailedItem] = []
        for one, logits in zip(judged, self.scorer.label(read, watch), strict=True):
            if isinstance(one, FailedItem) or isinstance(logits, FailedItem):
                results.append(one if isinstance(one, FailedItem) else logits)
                continue
            scores = softmax(logits.reshape(-1, len(types)))
            scored = [
                ScoredPair(pair, name, min(score, 1.0))
                for pair, (score, name) in zip(one.pairs, best_relations(scores, types), strict=True)
                if score >= self.settings.least
            ]
            results.append(found_relations(one.text, one.sentences, scored) if scored else [])
        return results


def load_marked(folder: Path, name: str, device: str = "auto", precision: str = "auto", **more: Any) -> MarkedModel:
    """Load the classifier in a folder. Raises ModelError as `load_folder`."""
    return MarkedModel(load_folder(folder, name, device, precision, **more))
