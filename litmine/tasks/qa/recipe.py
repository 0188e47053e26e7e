"""The settings of a reader training, in stages, checked when set and saved beside the model."""

import json
from dataclasses import KW_ONLY, asdict, dataclass
from pathlib import Path

from litmine.errors import SettingError
from litmine.settings import check_ranges, setting, setting_with_default
from litmine.training.recipe import ModelRecipe


@dataclass(frozen=True, slots=True)
class ReaderStage:
    """A stage of the training: its files, and how they are used."""

    data: tuple[str, ...] = setting(
        "Questions to train on, as SQuAD, BioASQ or PubMedQA JSON or JSON Lines of Evidence Inference, plain or gzip; a"
        " path relative to the data folder. Each file is a stage of its own, in the order given.",
        (),
        metavar="FILE",
    )
    epochs: int = setting("Passes over the data of a stage.", 2, at_least=1)
    learning_rate: float = setting("Peak learning rate of a stage; each stage has its own warm-up.", 1e-4, above=0)
    unanswered: float = setting(
        "Share of the windows without an answer to train on, if the text has an answer. Windows of questions"
        " that SQuAD 2.0 marks as unanswerable are always used.",
        0.0,
        at_least=0,
        at_most=1,
    )
    window: int = setting(
        "Tokens per window in this stage, with an overlap of a third; 0 uses the reader's windows.",
        0,
        flag="--stage-window",
        at_least=0,
    )
    one_window: bool = setting(
        "Train on one random window per question and text, with an answer if any window has one.", False
    )
    verdict_texts: int = setting("Train on only the first N texts of each yes/no question; 0 uses all.", 0, at_least=0)
    irrelevant: int = setting(
        "Also train each question on this many texts of other questions of its file, as texts without an answer. Half"
        " of them are similar to the question.",
        0,
        at_least=0,
    )

    def __post_init__(self) -> None:
        if not self.data:
            raise SettingError("a stage needs at least one file; name one with --data")
        check_ranges(self)


@dataclass(frozen=True, slots=True)
class ReaderRecipe(ModelRecipe):
    """Train a reader, which answers questions.

    It answers with spans of a text, and with yes or no.

    \b
    litmine train qa --base ./encoder --data squad.json --data bioasq.json --dev-batch 6B --dev bioasq.json -o ./mine
    litmine train qa --recipe builtin-reader --base ./encoder --data-folder ./qa -o ./mine

    The output folder gets the weights, the recipe, the loss of every step, the scores on the dev questions and a model
    card. To continue a killed run from its last checkpoint, run the same command again.
    """

    stages: tuple[ReaderStage, ...] = setting("Stages of the training, in order.", repeat_by="data")
    data_folder: str = setting("Folder of the question files.", ".", metavar="FOLDER")
    _: KW_ONLY
    dev: str | None = setting(
        "Questions to score the reader on; the training never uses them.", None, metavar="FILE", none=True
    )
    dev_batches: tuple[str, ...] = setting(
        "Use only the batches of a BioASQ file whose names begin with this (6B) as dev questions, and train on the"
        " others.",
        (),
        flag="--dev-batch",
        metavar="TEXT",
    )
    strict_leaks: bool = setting(
        "Refuse files that contain copies of dev questions, instead of dropping these questions.", False
    )
    held_out: float = setting(
        "Share of the last stage's questions that only calibrate the scores; yes/no questions are not held out.",
        0.05,
        at_least=0,
        below=1,
    )
    batch_tokens: int = setting_with_default(ModelRecipe, "batch_tokens", 6_144)
    window: int = setting("Tokens per window, including the question.", 320, at_least=16)
    overlap: int = setting("Minimum overlap of two windows of a text, in tokens.", 96, at_least=0)
    most_words: int = setting("Maximum number of words of an answer; longer answers do not train.", 12, at_least=1)
    yes_no_weight: float = setting(
        "Weight of the loss of yes/no questions; 0 trains a reader without a yes/no head.", 1.0, at_least=0
    )
    unlabelled: str | None = setting(
        "JSONL of abstracts (plain or gzip), used for the vocabulary.",
        None,
        metavar="FILE",
        none=True,
    )
    averaged: int = setting(
        "Train the last stage this many times, with consecutive seeds, and average the weights.", 1, at_least=1
    )
    base_weight_share: float = setting(
        "Share of the base's weights in the final reader, which is an interpolation of both (Wortsman et al. 2022). It"
        " needs a base that is a reader.",
        0.0,
        at_least=0,
        below=1,
    )

    def __post_init__(self) -> None:
        ModelRecipe.__post_init__(self)
        if not self.stages:
            raise SettingError("training needs at least one stage; name its data with --data")
        if self.overlap >= self.window // 2:
            raise SettingError(f"overlap must be less than half of window ({self.window // 2}), not {self.overlap}")
        if self.batch_tokens < self.window:
            raise SettingError(f"batch_tokens must be at least window ({self.window}), not {self.batch_tokens}")
        if windows := [stage.window for stage in self.stages if stage.window > self.window]:
            raise SettingError(f"the window of a stage must be at most window ({self.window}), not {windows[0]}")

    def path(self, file: str) -> Path:
        """The path of a file that the recipe names."""
        return Path(self.data_folder) / file

    def optimizer_settings(self, number: int) -> "StageOptimizerSettings":
        """The optimiser's settings in stage `number`, counted from 0."""
        rate = self.stages[number].learning_rate
        seed = self.seed * 10 + number
        return StageOptimizerSettings(rate, self.warmup, self.weight_decay, self.clip, self.dropout, seed)

    def save(self, file: Path) -> None:
        """Write all settings as JSON, paths reduced to their names, because models are published."""
        settings = asdict(self) | {
            "base": self.base_name,
            "data_folder": ".",
            "dev": Path(self.dev).name if self.dev else None,
            "stages": [asdict(stage) | {"data": [Path(name).name for name in stage.data]} for stage in self.stages],
            "unlabelled": Path(self.unlabelled).name if self.unlabelled else None,
        }
        file.write_text(json.dumps(settings, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


@dataclass(frozen=True, slots=True)
class StageOptimizerSettings:
    """The settings of one stage in the form that `train_network` takes."""

    learning_rate: float
    warmup: float
    weight_decay: float
    clip: float
    dropout: float
    seed: int
