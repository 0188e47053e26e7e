"""The settings of the training of a trial model: those of a tagger, with a guideline for each corpus."""

from dataclasses import dataclass
from typing import ClassVar

from litmine.errors import SettingError
from litmine.tasks.ner.recipe import TaggerRecipe
from litmine.tasks.ner.settings import NO_RULES


@dataclass(frozen=True, slots=True)
class TrialRecipe(TaggerRecipe):
    """Train a model of trials. Each type of mention of each corpus has its own head, since their guidelines differ.

    \b
    litmine train trials --recipe builtin --corpus EBM-NLP=./EBM-NLP --corpus PICO-Corpus=./PICO-Corpus -o ./trials
    litmine train trials --base builtin --corpus Mine=./mine.jsonl --top-layers 1 -o ./mine

    The output folder gets the weights, the recipe, the loss of every step, the scores on the corpora's dev splits and a
    model card. A corpus of the registry without a dev split has a tenth of its documents as one. To continue a killed
    run from its last checkpoint, run the same command again.
    """

    task: ClassVar[str] = "trials"
    every_guideline: ClassVar[bool] = True

    def __post_init__(self) -> None:
        TaggerRecipe.__post_init__(self)
        if self.type_rules:
            raise SettingError("type_rules are for the types of `litmine train ner`; omit them")

    @property
    def rules(self) -> int:
        """No rules: those for mentions are made for names of diseases, chemicals and genes."""
        return NO_RULES
