"""The settings of one training, checked when they are made and saved beside what they made."""

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from litmine.errors import SettingError
from litmine.training.pretrain_settings import PIECE

RECIPE_FILE = "recipe.json"


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train an NER model.

    base: the encoder to start from: a folder, ours or any of the BERT family in safetensors, or a Hub id.
    corpora: `[NAME=]CORPUS`, a known name, a corpus folder (train.tsv, dev.tsv) or a file.
    apart: names of the corpora whose types get heads of their own, because they follow another guideline.
    renamed: types of the files to types of the model; `NAME:TYPE` is a type of that corpus alone.
    tags: scheme of two columns, told from them when `auto`.
    strict_leaks: refuse corpora that hold passages of a dev split, instead of leaving those out.
    often: how many times an epoch reads a corpus, if not once: 2 reads it twice, 0.5 about half of its passages.
    smooth: the model is the moving mean of its weights, of which each step keeps this share (0 for none: the last
    weights; Polyak 1992).
    keep: share of the base's weights in the model, when the base is one of our own and has all its heads (Wortsman et
    al. 2022, "Robust fine-tuning of zero-shot models").
    epochs, learning_rate, warmup (share of the steps), weight_decay, clip (norm of the gradient): AdamW, linear decay.
    batch_tokens: tokens a step, padding included; a few have up to a tenth more.
    passage_tokens: sentences that follow each other are read together, up to this many tokens; whole abstracts are what
    `annotate` reads.
    longest: a passage of more tokens becomes several.
    alone: share of the sentences that are read one by one all the same.
    dropout: of the hidden states and the heads' input; attention has none (random numbers are a third of a CPU's time).
    window, overlap: of the model, in tokens: how `annotate` cuts a text (chosen on what docs/decisions.md says).
    unlabelled: JSON Lines of abstracts without annotation, for what needs text alone.
    vocabulary: keep so many tokens, the most frequent in the corpora and the unlabelled texts; 0 keeps all.
    pretrain: tokens of masked words to learn first, from the corpora's and the unlabelled texts.
    pretrain_batch, pretrain_rate: tokens a step then (a GPU is not full with less), and its learning rate.
    teachers: models of this recipe, with the seeds that follow, to train first; the model then learns their mean
    opinion wherever no corpus annotates, in the unlabelled texts too.
    opinion: weight of the mean loss against the teachers beside that against the corpora.
    then: the recipe, by name or file, that goes on from the model of this one; empty for none. Name, types, heads,
    window and bits stay, and a corpus that both read is read as this one says.
    naive_union: take what a corpus does not annotate for its absence, as merging files would; to compare with.
    int8: keep the weights in 8 bits.
    seed: of the order, the dropout and the new layers.
    """

    name: str
    base: str
    corpora: tuple[str, ...]
    apart: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()
    tags: str = "auto"
    strict_leaks: bool = False
    often: tuple[tuple[str, float], ...] = ()
    smooth: float = 0.0
    keep: float = 0.0
    epochs: int = 6
    learning_rate: float = 2e-4
    warmup: float = 0.1
    weight_decay: float = 0.01
    clip: float = 1.0
    batch_tokens: int = 3_800
    passage_tokens: int = 256
    longest: int = 510
    alone: float = 0.4
    dropout: float = 0.1
    window: int = 192
    overlap: int = 48
    vocabulary: int = 0
    unlabelled: str | None = None
    pretrain: int = 0
    pretrain_batch: int = 16_384
    pretrain_rate: float = 5e-4
    teachers: int = 0
    opinion: float = 0.5
    then: str = ""
    naive_union: bool = False
    int8: bool = False
    seed: int = 1

    def __post_init__(self) -> None:
        if not self.corpora:
            raise SettingError("a model is trained from at least one corpus; name one with --corpus")
        if self.epochs < 1 or not 0 < self.learning_rate < math.inf or self.batch_tokens < self.longest + 2:
            raise SettingError(
                "epochs must be at least 1, the learning rate above 0 and a batch at least as long as the longest"
                f" passage ({self.longest + 2} tokens)"
            )
        if not 0 <= self.overlap < self.window - 2 or not 1 <= self.passage_tokens <= self.longest:
            raise SettingError("the overlap must be shorter than the window, and passages no longer than the longest")
        if not (0 <= self.warmup <= 1 and 0 <= self.alone <= 1 and 0 <= self.dropout < 1):
            raise SettingError("warmup, alone and dropout are shares, from 0 to 1")
        if not (self.clip > 0 and self.weight_decay >= 0 and self.vocabulary >= 0 and self.seed >= 0):
            raise SettingError("clip must be above 0, and weight_decay, vocabulary and seed no less than 0")
        if not (self.pretrain >= 0 and self.teachers >= 0 and 0 <= self.opinion < math.inf):
            raise SettingError("pretrain, teachers and opinion must be no less than 0")
        self._check_pretraining()
        if not (0 <= self.smooth < 1 and 0 <= self.keep < 1):
            raise SettingError("smooth and keep are shares, from 0 to below 1")
        if any(not 0 < times <= 100 for _, times in self.often):
            raise SettingError("an epoch reads a corpus more than 0 and at most 100 times")
        if "@" in self.name or "/" in self.name or not self.name:
            raise SettingError(f"{self.name!r} cannot name a model: no '@', no '/'")

    def _check_pretraining(self) -> None:
        if self.pretrain_batch < PIECE + 2 or not 0 < self.pretrain_rate < math.inf:
            raise SettingError(f"pretrain_batch must be at least {PIECE + 2} tokens, and pretrain_rate above 0")

    @property
    def base_name(self) -> str:
        """The base without the folders of this machine: models are published."""
        return Path(self.base).resolve().name if Path(self.base).is_dir() else self.base

    def save(self, file: Path, first: "Recipe | None" = None) -> None:
        """Write every setting, places by their names alone, and those of the recipe that came first under `first`."""
        settings = self._published() | ({"first": first._published()} if first else {})
        file.write_text(json.dumps(settings, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

    def _published(self) -> dict[str, Any]:
        return asdict(self) | {
            "base": self.base_name,
            "corpora": [reference.rpartition("=")[0] or Path(reference).name for reference in self.corpora],
            "unlabelled": Path(self.unlabelled).name if self.unlabelled else None,
            "then": Path(self.then).name,
        }
