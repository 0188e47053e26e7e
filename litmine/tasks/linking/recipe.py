"""The settings of a linker's training, checked when set and saved beside the linker."""

import json
from dataclasses import KW_ONLY, asdict, dataclass
from pathlib import Path

from litmine.errors import SettingError
from litmine.settings import check_ranges, setting


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Files of annotated documents to learn from, and how they are used."""

    data: tuple[str, ...] = setting(
        "Documents with mentions and identifiers to learn from, as PubTator or JSON lines, plain or gzip; a path"
        " relative to the data folder.",
        (),
        metavar="[NAME=]FILE",
    )
    held_out: bool = setting(
        "Do not learn from a tenth of the documents, chosen by their ids, in whatever file they are; it is scored.",
        False,
    )
    panel_digits: int = setting(
        "Digits at the end of an id that only number the figures of an article, which count as one document.",
        0,
        at_least=0,
    )
    whole_types: tuple[str, ...] = setting(
        "Type that the files annotate wholly, so that a further mention of the tagger refers to no concept.",
        (),
        metavar="TYPE",
    )
    terms: str = setting("Terms of the data, for the model card.", "", metavar="TEXT", unset="see its source")

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclass(frozen=True, slots=True)
class LinkerRecipe:
    """Train a linker, which gives mentions the identifiers of their concepts.

    \b
    litmine train linking --data BC5CDR=train.pubtator --dev dev.pubtator -o ./mine
    litmine train linking --recipe builtin-linker --data-folder ./corpora -o ./mine

    It learns names that the vocabulary lacks, how to rank the concepts that a mention may refer to, and the least score
    of a link. Documents of the files to score are never learnt from, whichever file repeats them under the same id. The
    output folder gets the linker, the recipe, its scores and a model card.
    """

    name: str = setting("Name of the linker.", unset="the output folder's name")
    corpora: tuple[TrainingData, ...] = setting("Files to learn from.", repeat_by="data")
    data_folder: str = setting("Folder of the files.", ".", metavar="FOLDER")
    _: KW_ONLY
    dev: tuple[str, ...] = setting(
        "Documents to score the linker on; the training never uses them.", (), metavar="[NAME=]FILE"
    )
    type_map: tuple[tuple[str, str], ...] = setting(
        "Rename an entity type of the files ('-' drops it).", (), flag="--map", metavar="NAME=TYPE"
    )
    vocabulary: str = setting(
        "Vocabulary with the concepts: builtin, a name that `litmine vocabulary list` shows, or a folder.",
        "builtin",
        metavar="REF",
    )
    tagger: str = setting(
        "Tagger whose mentions help to tell which links are uncertain, in files with whole types.",
        "builtin",
        metavar="REF",
    )
    units: int = setting("Units of the hidden layer of a ranker.", 24, at_least=1)
    epochs: int = setting("Passes over the mentions that are no genes.", 40, at_least=1)
    gene_epochs: int = setting("Passes over the mentions of genes.", 20, at_least=1)
    dropout: float = setting("Dropout of the hidden layer.", 0.1, at_least=0, at_most=0.9)
    learning_rate: float = setting("Learning rate at the start; it falls to 0.", 5e-3, above=0)
    weight_decay: float = setting("Weight decay of AdamW.", 1e-3, at_least=0)
    averaged: int = setting(
        "Train each ranker this many times, with consecutive seeds, and average the scores.", 1, at_least=1
    )
    seed: int = setting("Random seed of the order of mentions, dropout and new layers.", 0, at_least=0)

    def __post_init__(self) -> None:
        check_ranges(self)
        if "@" in self.name or "/" in self.name or not self.name:
            raise SettingError(f"{self.name!r} is not a valid model name; use a name without '@' and '/'")
        if not any(one.data for one in self.corpora):
            raise SettingError("training needs at least one file of documents; name one with --data")

    def path(self, file: str) -> Path:
        """The path of a file that the recipe names."""
        return Path(self.data_folder) / file

    def save(self, file: Path) -> None:
        """Write all settings as JSON, paths reduced to their names, because models are published."""
        settings = asdict(self) | {
            "data_folder": ".",
            "corpora": [asdict(one) | {"data": _without_folders(one.data)} for one in self.corpora],
            "dev": _without_folders(self.dev),
            "vocabulary": Path(self.vocabulary).name,
        }
        file.write_text(json.dumps(settings, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def split_reference(reference: str) -> tuple[str, str]:
    """Name and file of `[NAME=]FILE`; the name is that of the file without its endings if there is none."""
    name, equals, file = reference.partition("=")
    return (name, file) if equals and name else (Path(reference).name.partition(".")[0], reference)


def _without_folders(references: tuple[str, ...]) -> list[str]:
    return [f"{name}={Path(file).name}" for name, file in map(split_reference, references)]
