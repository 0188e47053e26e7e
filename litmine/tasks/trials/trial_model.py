"""A trial model: a tagger whose heads belong to the guidelines of corpora of trials, all in use, and rules."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from litmine.errors import ModelError
from litmine.nn.failure_isolation import FailedItem
from litmine.nn.references import model_folder_errors
from litmine.tasks.ner.folder import load_folder
from litmine.tasks.ner.settings import Head, TaggerSettings
from litmine.tasks.ner.tagger import Tagger
from litmine.tasks.trials.mentions import TrialMention, all_mentions
from litmine.tasks.trials.settings import model_digest


class TrialModel(Tagger):
    """A loaded model of trials. `extract` gives the mentions of texts; the types of `annotate` are names of heads."""

    @staticmethod
    def digest_of(tagger: str) -> str:
        """The digest of tagger and rules."""
        return model_digest(tagger)

    @staticmethod
    def decoded_labels(head: Head) -> tuple[str, ...]:
        """Labels with the head's name as the type, so that mentions of two guidelines stay apart."""
        return (head.labels[0], *(f"{label[0]}-{head.name}" for label in head.labels[1:]))

    def decode(  # type: ignore[override]
        self, texts: Sequence[str], words: Sequence[Any], labels: Any, inputs: Sequence[object] = ()
    ) -> list[list[TrialMention] | FailedItem]:
        """The mentions of each text, or its failure; the first are those of the heads, then those of rules."""
        found = super().decode(texts, words, labels, inputs)
        return [
            one if isinstance(one, FailedItem) else all_mentions(text, one)
            for text, one in zip(texts, found, strict=True)
        ]

    def extract(self, texts: Sequence[str]) -> list[list[TrialMention]]:
        """The mentions of each text. Raises ModelError when the model fails on a text."""
        words = self.read(texts)
        results = []
        for i, found in enumerate(self.decode(texts, words, self.label(words))):
            if isinstance(found, FailedItem):
                raise ModelError(f"{self.name} fails on text {i} ({found.why}); leave it out")
            results.append(found)
        return results


def load_trials(folder: Path, name: str, device: str = "auto", precision: str = "auto", **more: Any) -> TrialModel:
    """Load a model of trials with all its heads. Raises ModelError as `litmine.tasks.ner.folder.load_folder`."""
    with model_folder_errors(folder):
        heads = [head.name for head in TaggerSettings.load(folder).heads]
    return cast("TrialModel", load_folder(folder, name, device, precision, heads, kind=TrialModel, **more))
