"""The settings of a tagger training: every hyperparameter, checked when set and saved beside the model."""

import json
from collections.abc import Mapping
from dataclasses import KW_ONLY, asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from litmine.errors import SettingError
from litmine.settings import setting, setting_with_default
from litmine.tasks.ner.settings import MENTION_RULES, TYPE_RULES
from litmine.training.pretrain_recipe import SEGMENT_TOKENS
from litmine.training.recipe import ModelRecipe

RECIPE_FILE = "recipe.json"

# Settings that had another name before. The `recipe.json` of the built-in model and of earlier trainings has the old
# names, and a recipe TOML with one of them is refused with the new name.
FORMER_NAMES = {
    "apart": "separate_heads",
    "often": "corpus_weights",
    "smooth": "ema_decay",
    "keep": "base_weight_share",
    "opinion": "distillation_weight",
    "renamed": "type_map",
    "alone": "single_sentence_share",
    "longest": "max_passage_tokens",
    "pretrain": "pretrain_tokens",
    "pretrain_batch": "pretrain_batch_tokens",
    "pretrain_rate": "pretrain_learning_rate",
}


@dataclass(frozen=True, slots=True)
class TaggerRecipe(ModelRecipe):
    """Train an entity recogniser. Each entity type has its own head, which learns only from the corpora annotating it.

    \b
    litmine train ner --base ./encoder --corpus ./BC5CDR --corpus ./BC2GM -o ./my-model --epochs 6
    litmine train ner --base builtin --corpus Reactions=./reactions.tsv -o ./mine
    litmine train ner --recipe builtin --unlabelled texts.jsonl.gz -o ./mine
    litmine train ner --recipe builtin --base ./encoder --then none -o ./mine --gpus 4

    The output folder gets the weights, the recipe, the loss of every step, the scores on the corpora's dev splits and a
    model card. To continue a killed run from its last checkpoint, run the same command again.
    """

    former_names: ClassVar[Mapping[str, str]] = FORMER_NAMES
    # The task of the model.
    task: ClassVar[str] = "ner"
    # Whether `annotate` uses the heads of all guidelines, not one head for each type.
    every_guideline: ClassVar[bool] = False

    corpora: tuple[str, ...] = setting(
        "Corpus to train on: a folder with train.tsv and dev.tsv (or .pubtator), a file, or a name that `litmine"
        " corpora list` shows.",
        flag="--corpus",
        metavar="[NAME=]PATH|NAME",
    )
    _: KW_ONLY
    separate_heads: tuple[str, ...] = setting(
        "Give the types of this corpus their own heads, because it follows another annotation guideline. Corpora with"
        " the same NAME share heads; CORPUS:TYPE=NAME is for one type, and an empty NAME for the heads of all others.",
        (),
        metavar="CORPUS[:TYPE][=NAME]",
    )
    preferred: tuple[str, ...] = setting(
        "Let `annotate` use the heads of this guideline, one that --separate-heads names, for the types that it has.",
        (),
        metavar="NAME",
    )
    judged: tuple[str, ...] = setting(
        "Let `litmine evaluate ner` judge the heads of this guideline on the corpora that they learnt from, in place of"
        " the heads that `annotate` uses. One guideline for a type.",
        (),
        metavar="NAME",
    )
    type_map: tuple[tuple[str, str], ...] = setting(
        "Rename an entity type of the files ('-' drops it). CORPUS:NAME renames the type in one corpus only. A tag"
        " without a type, such as a plain B, has the type Entity.",
        (),
        flag="--map",
        metavar="NAME=TYPE",
    )
    tags: Literal["auto", "iob2", "iob1", "iobes"] = setting(
        "Tag scheme of two-column files; auto detects it from the tags.", "auto"
    )
    strict_leaks: bool = setting(
        "Refuse corpora that contain passages of a dev split, instead of dropping these passages.", False
    )
    corpus_weights: tuple[tuple[str, float], ...] = setting(
        "How often an epoch reads this corpus (default 1): 2 reads it twice, 0.5 about half of its passages.",
        (),
        flag="--corpus-weight",
        metavar="NAME=TIMES",
        above=0,
        at_most=100,
    )
    unmarked_share: float = setting(
        "Share of the passages without a mention that an epoch reads, others in each epoch. Less than 1 raises recall"
        " where mentions are rare.",
        1.0,
        above=0,
        at_most=1,
    )
    ema_decay: float = setting(
        "Decay of the exponential moving average of the weights, which becomes the model (Polyak 1992); 0 uses the last"
        " weights.",
        0.0,
        at_least=0,
        below=1,
    )
    base_weight_share: float = setting(
        "Share of the base's weights in the final model, which is an interpolation of both (Wortsman et al. 2022). It"
        " reduces forgetting. The base must be a litmine model with all heads of this one.",
        0.0,
        at_least=0,
        below=1,
    )
    epochs: int = setting("Passes over the corpora.", 6, at_least=1)
    learning_rate: float = setting("Peak learning rate.", 2e-4, above=0)
    batch_tokens: int = setting_with_default(ModelRecipe, "batch_tokens", 3_800)
    passage_tokens: int = setting(
        "Join consecutive sentences up to this many tokens, because `annotate` reads whole abstracts.",
        256,
        at_least=1,
    )
    max_passage_tokens: int = setting("Split passages with more tokens than this.", 510, at_least=1)
    type_rules: bool = setting(
        "Let the types compete where they cannot both be right, call words for people Person instead of Species, give"
        " one Gene for a Gene and a Protein, end a gene's mention where its name ends, and add names such as COVID-19.",
        False,
    )
    single_sentence_share: float = setting(
        "Share of the sentences that stay single instead of being joined.", 0.4, at_least=0, at_most=1
    )
    window: int = setting("Tokens per window in `annotate`.", 192, at_least=8)
    overlap: int = setting("Minimum overlap of two windows of a text, in tokens.", 48, at_least=0)
    unlabelled: str | None = setting(
        "JSONL of abstracts (plain or gzip), used for the vocabulary, pretraining and the teachers.",
        None,
        metavar="FILE",
        none=True,
    )
    pretrain_tokens: int = setting(
        "Tokens of masked language modelling before the training, on the corpora and the unlabelled texts.",
        0,
        at_least=0,
    )
    pretrain_batch_tokens: int = setting(
        "Tokens per pretraining step; smaller steps do not use a GPU fully.", 16_384, at_least=SEGMENT_TOKENS + 2
    )
    pretrain_learning_rate: float = setting("Peak learning rate of pretraining.", 5e-4, above=0)
    teachers: int = setting(
        "Number of teacher models to train first, with the same recipe and the following seeds. The model learns their"
        " mean probabilities for types that a corpus does not annotate.",
        0,
        at_least=0,
    )
    averaged: int = setting(
        "Train this many times, with consecutive seeds, and average the weights (Wortsman et al. 2022). On a GPU the"
        " runs train side by side.",
        1,
        at_least=1,
    )
    distillation_weight: float = setting("Weight of the teacher loss relative to the corpus loss.", 0.5, at_least=0)
    top_layers: int = setting(
        "Train only a top of this many layers, and the heads, on the frozen trunk of the base; 0 trains all layers. The"
        " model shares the trunk with others, and its window and overlap are the trunk's.",
        0,
        at_least=0,
    )
    top_after: int = setting("The top continues after this layer of the trunk.", 3, at_least=1)
    balance: bool = setting(
        "After the training, lower or raise the logit of 'no mention' of each head to its best F1 on training passages:"
        " heads with rare mentions leave out too many.",
        False,
    )
    then: str = setting(
        "Recipe that continues from this model, in the same command. It keeps this recipe's name, types, heads, window"
        " and weight format (--int8), and its settings of corpora that both recipes name.",
        "",
        metavar="NAME|FILE",
        none=True,
    )
    naive_union: bool = setting(
        "Treat types that a corpus does not annotate as absent, as merged files would; for comparison only.", False
    )

    def __post_init__(self) -> None:
        ModelRecipe.__post_init__(self)
        if not self.corpora:
            raise SettingError("training needs at least one corpus; name one with --corpus")
        if self.batch_tokens < self.max_passage_tokens + 2:
            raise SettingError(
                f"batch_tokens must be at least max_passage_tokens + 2 ({self.max_passage_tokens + 2}), not"
                f" {self.batch_tokens}"
            )
        if self.overlap >= self.window - 2:
            raise SettingError(f"overlap must be less than window - 2 ({self.window - 2}), not {self.overlap}")
        if self.passage_tokens > self.max_passage_tokens:
            raise SettingError(
                f"passage_tokens must be at most max_passage_tokens ({self.max_passage_tokens}), not"
                f" {self.passage_tokens}"
            )
        excluded = ("vocabulary", "pretrain_tokens", "teachers", "base_weight_share", "then")
        if self.top_layers and (used := [name for name in excluded if getattr(self, name)]):
            raise SettingError(f"top_layers trains on a frozen trunk, which excludes {', '.join(used)}; omit these")

    @property
    def rules(self) -> int:
        """The version of the rules that correct the model's mentions (`TaggerSettings.rules`)."""
        return TYPE_RULES if self.type_rules else MENTION_RULES

    def save(self, file: Path, first: "TaggerRecipe | None" = None) -> None:
        """Write all settings as JSON, paths reduced to their names; the preceding recipe's go under the key `first`."""
        settings = self._without_folders() | ({"first": first._without_folders()} if first else {})
        file.write_text(json.dumps(settings, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

    def _without_folders(self) -> dict[str, Any]:
        """The settings without folders of this machine, because models are published."""
        return asdict(self) | {
            "base": self.base_name,
            "corpora": [reference.rpartition("=")[0] or Path(reference).name for reference in self.corpora],
            "unlabelled": Path(self.unlabelled).name if self.unlabelled else None,
            "then": Path(self.then).name,
        }
