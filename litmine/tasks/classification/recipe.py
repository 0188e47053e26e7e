"""The settings of a training of a classifier, checked when set and saved beside the model."""

import json
from dataclasses import KW_ONLY, asdict, dataclass
from pathlib import Path

from litmine.errors import SettingError
from litmine.settings import check_ranges, setting

RECIPE_FILE = "recipe.json"


@dataclass(frozen=True, slots=True)
class LabelData:
    """A file of labelled texts or sentences to learn from, and how it is used."""

    data: tuple[str, ...] = setting(
        "Labelled texts to learn from: CSV with the columns pmid or id, text (or title and abstract) and label, or"
        " documents in JSON lines, with the name of their corpus if litmine knows it (`litmine corpora list`).",
        (),
        metavar="[NAME=]FILE",
    )
    scheme: str = setting(
        "Name of what is labelled; the view `labels` shows it. Files of one scheme share its labels.",
        "",
        metavar="NAME",
        unset="that of the corpus, else the model's name",
    )
    labels: tuple[str, ...] = setting(
        "Learn this label instead of the file's: texts whose label matches the pattern have NEW. `*` stands for any"
        " characters. Repeatable; texts that match no pattern have no label.",
        (),
        flag="--label",
        metavar="NEW=PATTERN",
    )
    whole: bool = setting("Learn labels of the text also where the file labels its sentences.", False)
    every: bool = setting("Store each label with its score for every text, however low the score.", False)
    held_out: bool = setting(
        "Do not learn from a tenth of the articles, chosen by their names; it is scored as the dev split.", False
    )
    share: float = setting("Share of the articles that are learnt from, drawn by their names.", 1.0, above=0, at_most=1)
    times: float = setting("Passes over the file in each epoch; 0.5 reads a random half.", 1.0, above=0)
    terms: str = setting("Terms of the data, for the model card.", "", metavar="TEXT", unset="see its source")

    def __post_init__(self) -> None:
        check_ranges(self)
        for one in self.labels:
            new, equals, pattern = one.partition("=")
            if not (new and equals and pattern):
                raise SettingError(f"--label {one} is not NEW=PATTERN, such as trial=*RCT*")


@dataclass(frozen=True, slots=True)
class ClassifierRecipe:
    """Train a classifier of texts or of sentences.

    \b
    litmine train classification --data labelled.csv -o ./screen
    litmine train classification --data included.csv --lake ./lake --recall 0.99 -o ./screen
    litmine train classification --data labelled.csv --base ./biobert -o ./screen
    litmine train classification --recipe builtin --data-folder ./corpora -o ./builtin-classifier

    Without --base, it trains the heads of a model on a trunk that other models share, which stays as it is. With --base
    it trains all layers of a BERT, and AutoModelForSequenceClassification of transformers loads the result.

    A file without splits is divided here: with --folds, each article is scored by a model that did not read it, and
    these scores calibrate the model, choose the mark and are reported. The mark of two labels keeps a share of the
    rarer one, --recall. The output folder gets the model, the recipe, its scores and a model card.
    """

    name: str = setting("Name of the model.", unset="the output folder's name")
    corpora: tuple[LabelData, ...] = setting("Files to learn from.", repeat_by="data")
    data_folder: str = setting("Folder of the files.", ".", metavar="FOLDER")
    _: KW_ONLY
    lake: str = setting(
        "Lake to look up the texts of PMIDs in.", "", metavar="DIR", unset="LITMINE_LAKE, where the file has no texts"
    )
    recall: float = setting(
        "With two labels, the share of the positive texts that the mark keeps.", 0.95, above=0, at_most=1
    )
    positive: str = setting("With two labels, the positive one.", "", metavar="LABEL", unset="the one that is rarer")
    folds: int = setting(
        "Parts for cross-validation; 0 holds out a tenth of the articles of each file instead, which calibrates.",
        3,
        at_least=0,
        at_most=20,
    )
    evidence: int = setting("Sentences to store as evidence for the label of a text.", 3, at_least=0, at_most=10)
    dev: tuple[str, ...] = setting(
        "Labelled texts to score the model on; the training never uses them.", (), metavar="[NAME=]FILE"
    )
    base: str = setting(
        "Train all layers of this encoder: a folder with a BERT in safetensors, a litmine model, or a Hugging Face Hub"
        " id.",
        "",
        metavar="REF",
        unset="a top on the trunk",
    )
    trunk: str = setting("Trunk to put the top on: a built-in one, or a folder.", "builtin-trunk", metavar="REF")
    after: int = setting("Trunk layers below the top.", 3, at_least=1)
    layers: int = setting("Layers of the top.", 0, at_least=0, at_most=2)
    first_layers: str = setting(
        "Model whose next layers the top starts from: builtin, or a folder.", "builtin", metavar="REF"
    )
    words: bool = setting(
        "Without --base, labels of texts are also learnt from words and pairs of words, by logistic regression; both"
        " count the same. It helps most with few positive texts.",
        True,
    )
    queries: int = setting("Attention queries that pool the words of a text.", 4, at_least=1, at_most=16)
    epochs: int = setting("Passes over the files.", 8, at_least=1)
    batch_tokens: int = setting("Tokens per step, with padding.", 4_096, at_least=1)
    learning_rate: float = setting("Peak learning rate of the heads.", 5e-3, above=0)
    layer_rate: float = setting("Peak learning rate of the top's layers, as a share of the heads'.", 0.15, above=0)
    base_learning_rate: float = setting("With --base, peak learning rate of all layers.", 5e-5, above=0)
    window: int = setting("With --base, most tokens of a text that are read at a time.", 256, at_least=16)
    warmup: float = setting(
        "Share of the steps during which the learning rate rises to its peak.", 0.1, at_least=0, at_most=1
    )
    weight_decay: float = setting("Weight decay of AdamW.", 0.01, at_least=0)
    clip: float = setting("Maximum norm of the gradient; larger ones are scaled down.", 1.0, above=0)
    dropout: float = setting("Dropout of the hidden states.", 0.1, at_least=0, at_most=0.9)
    seed: int = setting("Random seed of batch order, dropout and new weights.", 1, at_least=0)
    int8: bool = setting("Store the weights of the top in 8 bits.", True)

    def __post_init__(self) -> None:
        check_ranges(self)
        if "@" in self.name or "/" in self.name or not self.name:
            raise SettingError(f"{self.name!r} is not a valid model name; use a name without '@' and '/'")
        if not any(one.data for one in self.corpora):
            raise SettingError("training needs at least one file of labelled texts; name one with --data")
        if self.folds == 1:
            raise SettingError("--folds is 1, but each part needs others to learn from; use 2 or more, or 0")

    def path(self, file: str) -> Path:
        """The path of a file that the recipe names."""
        return Path(self.data_folder) / file

    def save(self, file: Path) -> None:
        """Write all settings as JSON, paths reduced to their names, because models are published."""
        settings = asdict(self) | {
            "data_folder": ".",
            "lake": Path(self.lake).name,
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
