"""A classifier on a shared trunk: from texts to the labels of texts and sentences."""

from collections.abc import Mapping, Sequence

import numpy as np

from litmine.errors import ModelError
from litmine.nn.failure_isolation import FailedItem
from litmine.nn.hidden_states import TopLayers
from litmine.nn.network_model import NetworkModel
from litmine.nn.tokenizer import TokenizedText
from litmine.nn.trunk import Trunk
from litmine.tasks.classification.found import FoundLabel
from litmine.tasks.classification.network import ClassifierNetwork, place_numbers
from litmine.tasks.classification.pooling import (
    Floats,
    Ints,
    contributions,
    logits,
    pool,
    probabilities,
    starts_of,
    stored_labels,
)
from litmine.tasks.classification.settings import SENTENCE, ClassifierSettings, Scheme
from litmine.tasks.classification.top import ClassifierOutput, ClassifierTop
from litmine.tasks.classification.word_votes import WordVotes
from litmine.text.sentences import split_sentences

Sentences = Sequence[tuple[int, int]]
# The scheme of the sentences that decided the label of a text.
EVIDENCE = "{scheme}_evidence"


class Classifier(NetworkModel):
    """A loaded classifier, a `litmine.tasks.contract.StepModel`; `settings` has its schemes."""

    def __init__(
        self,
        name: str,
        trunk: Trunk,
        layers: TopLayers,
        network: ClassifierNetwork,
        settings: ClassifierSettings,
        words: Mapping[str, WordVotes],
        batch_tokens: int | None = None,
    ) -> None:
        top = ClassifierTop(name, layers, network, settings.schemes)
        super().__init__(name, trunk, top, batch_tokens, depth=settings.trunk.after)
        self.settings, self._words = settings, words
        self._places = {int(key): value.detach().float().cpu().numpy() for key, value in network.places.items()}

    def annotate(self, texts: Sequence[str]) -> list[list[FoundLabel]]:
        """The labels of each text and of its sentences. Raises ModelError when the model fails on a text."""
        words = self.read(texts)
        found = []
        for number, one in enumerate(self.decode(texts, words, self.label(words))):
            if isinstance(one, FailedItem):
                raise ModelError(f"{self.name} fails on text {number} ({one.why}); leave it out")
            found.append(one)
        return found

    def decode(
        self,
        items: Sequence[str],
        read: Sequence[TokenizedText | FailedItem],
        labels: ClassifierOutput,
        inputs: Sequence[object] = (),  # noqa: ARG002 - a classifier does not use other models' results
    ) -> list[list[FoundLabel] | FailedItem]:
        """The labels of each text: those of the text, then those of its sentences. A text without words gets none."""
        found: list[list[FoundLabel] | FailedItem] = []
        sentences_matter = any(one.needs_sentences for one in self.settings.schemes)
        for number, (text, words) in enumerate(zip(items, read, strict=True)):
            if number in labels.failed or isinstance(words, FailedItem):
                found.append(words if isinstance(words, FailedItem) else labels.failed[number])
            elif not len(words):
                found.append([])
            else:
                sentences = split_sentences(text) if sentences_matter else ()
                found.append(self._labels_of(labels, number, text, words, sentences))
        return found

    def scores(
        self, texts: Sequence[str], scheme: Scheme, sentences: Sequence[Sentences] | None = None
    ) -> list[Floats]:
        """Uncalibrated logits of each text (1, labels), or of its sentences (sentences, labels).

        sentences: for a scheme of sentences, those of each text, by default litmine's own. A text or sentence without
        words has zeros. Raises ModelError when the model fails on a text.
        """
        read = self.read(texts)
        output: ClassifierOutput = self.label(read)
        found = []
        for number, (text, words) in enumerate(zip(texts, read, strict=True)):
            failed = words if isinstance(words, FailedItem) else output.failed.get(number)
            if isinstance(words, FailedItem) or failed is not None:
                assert failed is not None
                raise ModelError(f"{self.name} fails on text {number} ({failed.why}); leave it out")
            if scheme.unit == SENTENCE:
                spans = split_sentences(text) if sentences is None else sentences[number]
                found.append(self._sentence_logits(output, number, scheme, words, spans))
            else:
                votes = self._votes(output, number, scheme)
                empty = np.zeros((1, len(scheme.labels)), dtype=np.float32)
                found.append(self._text_logits(scheme, text, votes) if len(votes) else empty)
        return found

    def _labels_of(
        self, output: ClassifierOutput, number: int, text: str, words: TokenizedText, sentences: Sentences
    ) -> list[FoundLabel]:
        found: list[FoundLabel] = []
        for scheme in self.settings.schemes:
            if scheme.unit == SENTENCE:
                scores = probabilities(scheme, self._sentence_logits(output, number, scheme, words, sentences))
                for (start, end), chosen, row in zip(sentences, stored_labels(scheme, scores), scores, strict=True):
                    found += [FoundLabel(scheme.name, scheme.labels[i], float(row[i]), start, end) for i in chosen]
                continue
            votes = self._votes(output, number, scheme)
            scores = probabilities(scheme, self._text_logits(scheme, text, votes))
            for label in stored_labels(scheme, scores)[0]:
                found.append(FoundLabel(scheme.name, scheme.labels[label], float(scores[0, label])))
                if scheme.evidence:
                    found += self._evidence(scheme, label, votes, text, words, sentences)
        return found

    def _evidence(
        self, scheme: Scheme, label: int, votes: Floats, text: str, words: TokenizedText, sentences: Sentences
    ) -> list[FoundLabel]:
        """The sentences that add most to the logit of a label, with the probability that each would have alone."""
        owner = _sentence_of(words, sentences)
        starts = starts_of(owner)
        parts = pool(votes, starts)
        numbers = owner[starts]
        added, apart = contributions(parts, label), logits(parts)
        if scheme.name in self._words:
            by_words = self._words[scheme.name].by_sentence(text, sentences)[numbers]
            others = by_words.mean(axis=1) if len(scheme.labels) > 1 else 0.0
            added = added + by_words[:, label] - others
            sentence = [text[slice(*sentences[int(one)])] for one in numbers]
            apart = apart + np.concatenate([self._words[scheme.name].logits(one) for one in sentence])
        alone = probabilities(scheme, apart)[:, label]
        best = [int(i) for i in np.argsort(-added, kind="stable")[: scheme.evidence] if added[i] > 0]
        name = EVIDENCE.format(scheme=scheme.name)
        return [
            FoundLabel(name, scheme.labels[label], float(alone[i]), *sentences[int(numbers[i])]) for i in sorted(best)
        ]

    def _text_logits(self, scheme: Scheme, text: str, votes: Floats) -> Floats:
        """Logits (1, labels) of a text with words."""
        found = logits(pool(votes, np.zeros(1, dtype=np.int64)))
        return found + self._words[scheme.name].logits(text) if scheme.name in self._words else found

    def _sentence_logits(
        self, output: ClassifierOutput, number: int, scheme: Scheme, words: TokenizedText, sentences: Sentences
    ) -> Floats:
        """Logits (sentences, labels); zeros for a sentence without words, beside what its place adds."""
        places = self._places[self.settings.schemes.index(scheme)]
        found: Floats = places[place_numbers(len(sentences))]
        if len(words):
            owner = _sentence_of(words, sentences)
            starts = starts_of(owner)
            found[owner[starts]] += logits(pool(self._votes(output, number, scheme), starts))
        return found

    def _votes(self, output: ClassifierOutput, number: int, scheme: Scheme) -> Floats:
        place = self.settings.schemes.index(scheme)
        first, last = output.edges[place][number : number + 2]
        return output.schemes[place][first:last]


def _sentence_of(words: TokenizedText, sentences: Sentences) -> Ints:
    """The number of the sentence in which each word begins; a word before the first counts as in the first."""
    starts = np.array([start for start, _ in sentences])
    return np.maximum(np.searchsorted(starts, words.start, side="right") - 1, 0)
