"""The settings of one training, checked when they are made and saved beside what they made."""

import json
from dataclasses import KW_ONLY, asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from litmine.errors import SettingError
from litmine.settings import other_default, setting
from litmine.training.pretrain_settings import PIECE
from litmine.training.recipe import ModelRecipe

RECIPE_FILE = "recipe.json"


@dataclass(frozen=True, slots=True)
class Recipe(ModelRecipe):
    """Train an entity recogniser: a head a type, which learns only from the corpora that annotate it.

    \b
    litmine train ner --base ./encoder --corpus ./BC5CDR --corpus ./BC2GM -o ./my-model --epochs 6
    litmine train ner --base builtin --corpus Reactions=./reactions.tsv -o ./mine
    litmine train ner --recipe builtin --unlabelled texts.jsonl.gz -o ./mine
    litmine train ner --recipe builtin --base ./encoder --then none -o ./mine --gpus 4

    The folder gets the weights, the recipe, the loss of every step, the scores on the corpora's dev splits and a model
    card. A killed run goes on from its last checkpoint when the same command is given again.
    """

    corpora: tuple[str, ...] = setting(
        "Corpus to learn from: a folder with train.tsv and dev.tsv (or .pubtator), a file, or a name that `litmine"
        " corpora list` shows.",
        flag="--corpus",
        metavar="[NAME=]PATH|NAME",
    )
    _: KW_ONLY
    separate_heads: tuple[str, ...] = setting(
        "Give the types of this corpus heads of their own, as it follows another guideline.", (), metavar="NAME"
    )
    renamed: tuple[tuple[str, str], ...] = setting(
        "Rename a type of the files ('-' drops it); CORPUS:NAME is a type of that corpus alone, and Entity that of an"
        " untyped B.",
        (),
        flag="--map",
        metavar="NAME=TYPE",
    )
    tags: Literal["auto", "iob2", "iob1", "iobes"] = setting(
        "How the files of two columns are tagged; auto tells from the tags.", "auto"
    )
    strict_leaks: bool = setting("Refuse corpora with passages of a dev split, instead of leaving these out.", False)
    corpus_weights: tuple[tuple[str, float], ...] = setting(
        "Read this corpus so many times an epoch, if not once: 2 reads it twice, 0.5 about half of its passages.",
        (),
        flag="--corpus-weight",
        metavar="NAME=TIMES",
        above=0,
        at_most=100,
    )
    ema_decay: float = setting(
        "Make the model the moving mean of its weights, of which each step keeps this share (Polyak 1992); 0 for the"
        " last weights.",
        0.0,
        at_least=0,
        below=1,
    )
    base_weight_share: float = setting(
        "Leave the model this share of the weights of its base, one of our own models with all its heads (Wortsman et"
        " al. 2022): it learns something more and forgets less.",
        0.0,
        at_least=0,
        below=1,
    )
    epochs: int = setting("Passes over the corpora.", 6, at_least=1)
    learning_rate: float = setting("Peak of the learning rate.", 2e-4, above=0)
    batch_tokens: int = other_default(ModelRecipe, "batch_tokens", 3_800)
    passage_tokens: int = setting(
        "Read sentences that follow each other together, up to this many tokens; whole abstracts are what `annotate`"
        " reads.",
        256,
        at_least=1,
    )
    longest: int = setting("Cut a passage of more tokens into several.", 510, at_least=1)
    alone: float = setting("Share of the sentences that are read one by one all the same.", 0.4, at_least=0, at_most=1)
    window: int = setting("Tokens that `annotate` reads at a time.", 192, at_least=8)
    overlap: int = setting("Tokens that two windows of a text share at least.", 48, at_least=0)
    unlabelled: str | None = setting(
        "JSONL of abstracts (plain or gzip): for the vocabulary, for pretraining and for the teachers.",
        None,
        metavar="FILE",
        none=True,
    )
    pretrain: int = setting(
        "Tokens of masked words to learn before the corpora, from their texts and the unlabelled ones.", 0, at_least=0
    )
    pretrain_batch: int = setting(
        "Tokens a step of pretraining; a GPU is not full with less.", 16_384, at_least=PIECE + 2
    )
    pretrain_rate: float = setting("Peak of the learning rate of pretraining.", 5e-4, above=0)
    teachers: int = setting(
        "Train this many models of the recipe first, with the seeds that follow, and learn their mean opinion wherever"
        " no corpus annotates.",
        0,
        at_least=0,
    )
    distillation_weight: float = setting(
        "Weight of the mean loss against the teachers beside that against the corpora.", 0.5, at_least=0
    )
    then: str = setting(
        "Recipe that goes on from the model of this one, in the same command. Name, types, heads, window and bits stay,"
        " and a corpus that both read is read as this one says.",
        "",
        metavar="NAME|FILE",
        none=True,
    )
    naive_union: bool = setting(
        "Take what a corpus does not annotate for its absence, as merging files would; only to compare with.", False
    )

    def __post_init__(self) -> None:
        ModelRecipe.__post_init__(self)
        if not self.corpora:
            raise SettingError("a model is trained from at least one corpus; name one with --corpus")
        if self.batch_tokens < self.longest + 2:
            raise SettingError(f"a batch must be at least as long as the longest passage ({self.longest + 2} tokens)")
        if self.overlap >= self.window - 2 or self.passage_tokens > self.longest:
            raise SettingError("the overlap must be shorter than the window, and passages no longer than the longest")

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
