"""The settings of a training of relations, checked when set and saved beside the model."""

import json
from dataclasses import KW_ONLY, asdict, dataclass
from pathlib import Path

from litmine.errors import SettingError
from litmine.settings import check_ranges, setting
from litmine.tasks.relations.marked.settings import MarkedOptions

RECIPE_FILE = "recipe.json"


@dataclass(frozen=True, slots=True)
class RelationData:
    """A corpus to learn from, and how it is used."""

    data: tuple[str, ...] = setting(
        "Documents with relations to learn from, with the name of their corpus if litmine knows it (`litmine corpora"
        " list`); a path relative to the data folder.",
        (),
        metavar="[NAME=]FILE",
    )
    held_out: bool = setting(
        "Do not learn from a tenth of the articles, chosen by their names; it is scored as the dev split.", False
    )
    times: float = setting("Passes over the corpus in each epoch; 0.5 reads a random half.", 1.0, above=0)
    negatives: float = setting(
        "Share of the documents without any relation that are learnt from, drawn at random.", 1.0, above=0, at_most=1
    )
    terms: str = setting("Terms of the data, for the model card.", "", metavar="TEXT", unset="see its source")

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclass(frozen=True, slots=True)
class RelationRecipe(MarkedOptions):
    """Train a model of relations between mentions.

    \b
    litmine train relations --data ChemProt=ChemProt/train.jsonl.gz --dev ChemProt=ChemProt/dev.jsonl.gz -o ./mine
    litmine train relations --recipe builtin --data-folder ./corpora -o ./builtin-relations
    litmine train relations --base ./biobert --data BC5CDR=CDR_train.pubtator --dev BC5CDR=CDR_dev.pubtator -o ./mine

    Without --base, it trains the upper layers and the head of a model on a trunk that other models share, which stays
    as it is. With --base, it trains all layers of a BERT, which reads one pair at a time; such a model takes longer to
    train and to run, and needs more annotated articles.

    Each corpus teaches only the relations that it annotates. Documents of the dev files, and other sentences of their
    articles, are never learnt from. A tenth of the articles of each corpus chooses the threshold of each head. The
    output folder gets the model, the recipe, its scores and a model card.
    """

    name: str = setting("Name of the model.", unset="the output folder's name")
    corpora: tuple[RelationData, ...] = setting("Corpora to learn from.", repeat_by="data")
    data_folder: str = setting("Folder of the files.", ".", metavar="FOLDER")
    _: KW_ONLY
    base: str = setting(
        "Train all layers of this encoder: a folder with a BERT-family encoder in safetensors, a litmine model, or a"
        " Hugging Face Hub id.",
        "",
        metavar="REF",
        unset="a top on the trunk",
    )
    trunk: str = setting("Trunk to put the top on: a built-in one, or a folder.", "builtin-trunk", metavar="REF")
    after: int = setting("Trunk layers below the top.", 3, at_least=1)
    layers: int = setting("Layers of the top.", 1, at_least=1)
    first_layers: str = setting(
        "Model whose next layers the top starts from: builtin, or a folder.", "builtin", metavar="REF"
    )
    inner: int = setting("Width of the head; a multiple of 6.", 168, at_least=6)
    dev: tuple[str, ...] = setting(
        "Documents to score the model on; the training never uses them.", (), metavar="[NAME=]FILE"
    )
    tagger: str = setting(
        "Tagger that marks mentions of types that a corpus does not annotate, and finds pairs in sentences without a"
        " relation.",
        "builtin",
        metavar="REF",
    )
    epochs: int = setting("Passes over the corpora.", 3, at_least=1)
    batch_tokens: int = setting("Tokens per step, without padding.", 600, at_least=1)
    learning_rate: float = setting("Peak learning rate of the head.", 2e-3, above=0)
    layer_rate: float = setting("Peak learning rate of the top's layers, as a share of the head's.", 0.15, above=0)
    warmup: float = setting(
        "Share of the steps during which the learning rate rises to its peak.", 0.1, at_least=0, at_most=1
    )
    weight_decay: float = setting("Weight decay of AdamW.", 0.01, at_least=0)
    clip: float = setting("Maximum norm of the gradient; larger ones are scaled down.", 1.0, above=0)
    dropout: float = setting("Dropout of the hidden states.", 0.15, at_least=0, at_most=0.9)
    mention_dropout: float = setting(
        "Share of the tokens of mentions whose states are left out in a step, so that their surroundings count.",
        0.3,
        at_least=0,
        at_most=0.9,
    )
    ema_decay: float = setting(
        "Share that each step keeps of the moving average of the weights, which the model gets; 0 takes the last"
        " weights.",
        0.995,
        at_least=0,
        below=1,
    )
    seed: int = setting("Random seed of batch order, dropout and new weights.", 1, at_least=0)
    int8: bool = setting("Store the weights of the top in 8 bits.", True)

    def __post_init__(self) -> None:
        check_ranges(self)
        if "@" in self.name or "/" in self.name or not self.name:
            raise SettingError(f"{self.name!r} is not a valid model name; use a name without '@' and '/'")
        if not any(one.data for one in self.corpora):
            raise SettingError("training needs at least one file of documents; name one with --data")
        if self.inner % 6:
            raise SettingError(f"--inner is {self.inner}, which is no multiple of 6; use {6 * (self.inner // 6 + 1)}")

    def path(self, file: str) -> Path:
        """The path of a file that the recipe names."""
        return Path(self.data_folder) / file

    def save(self, file: Path) -> None:
        """Write all settings as JSON, paths reduced to their names, because models are published."""
        settings = asdict(self) | {
            "data_folder": ".",
            "corpora": [asdict(one) | {"data": _without_folders(one.data)} for one in self.corpora],
            "dev": _without_folders(self.dev),
            "base": Path(self.base).name,
            "trunk": Path(self.trunk).name,
        }
        file.write_text(json.dumps(settings, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def split_reference(reference: str) -> tuple[str, str]:
    """Corpus and file of `[NAME=]FILE`; the corpus is empty if there is none."""
    name, equals, file = reference.partition("=")
    return (name, file) if equals and name else ("", reference)


def _without_folders(references: tuple[str, ...]) -> list[str]:
    return [f"{name}={Path(file).name}" if name else Path(file).name for name, file in map(split_reference, references)]
