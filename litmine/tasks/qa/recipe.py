"""The settings of one reader's training, in stages, checked when they are made and saved beside what they made."""

import json
from dataclasses import KW_ONLY, asdict, dataclass
from pathlib import Path

from litmine.errors import SettingError
from litmine.settings import check_ranges, setting, setting_with_default
from litmine.training.recipe import ModelRecipe


@dataclass(frozen=True, slots=True)
class Stage:
    """One part of a training: what is learnt, how often and how fast."""

    data: tuple[str, ...] = setting(
        "Questions to learn from, in the JSON of SQuAD, BioASQ or PubMedQA, as a path from the data folder; each file"
        " is a stage of its own, after the one before.",
        (),
        metavar="FILE",
    )
    epochs: int = setting("Passes over the data of a stage.", 2, at_least=1)
    learning_rate: float = setting("Peak of the learning rate in a stage; each stage warms up anew.", 1e-4, above=0)
    unanswered: float = setting(
        'Of a question that has an answer, the share of its windows without one that teach "no answer"; what SQuAD'
        " 2.0 marks as unanswerable always does.",
        0.0,
        at_least=0,
        at_most=1,
    )
    window: int = setting(
        "Tokens of the windows that the texts of a stage are cut into, overlapping by a third; 0 for the reader's"
        " windows.",
        0,
        flag="--stage-window",
        at_least=0,
    )
    one_window: bool = setting(
        "Learn from one window of a question and a text, drawn among those with an answer where there are any.", False
    )
    verdict_texts: int = setting(
        "Learn from so many texts of a yes/no question, the first ones; 0 for all.", 0, at_least=0
    )
    irrelevant: int = setting(
        "Learn each question beside so many texts of other questions of its file too, as texts without an answer; half"
        " of them are such as a search would find.",
        0,
        at_least=0,
    )

    def __post_init__(self) -> None:
        if not self.data:
            raise SettingError("a stage learns from at least one file; name one with --data")
        check_ranges(self)


@dataclass(frozen=True, slots=True)
class ReaderRecipe(ModelRecipe):
    """Train a reader: spans of a text that answer a question, and yes or no.

    \b
    litmine train qa --base ./encoder --data squad.json --data bioasq.json --dev-batch 6B --dev bioasq.json -o ./mine
    litmine train qa --recipe builtin-reader --base ./encoder --data-folder ./qa -o ./mine

    The folder gets the weights, the recipe, the loss of every step, the scores on the dev questions and a model card.
    A killed run goes on from its last checkpoint when the same command is given again.
    """

    stages: tuple[Stage, ...] = setting("Stages of the training, one after another.", repeat_by="data")
    data_folder: str = setting("Folder that the files' names are looked for in.", ".", metavar="FOLDER")
    _: KW_ONLY
    dev: str | None = setting("Questions to judge on; they are never learnt from.", None, metavar="FILE", none=True)
    dev_batches: tuple[str, ...] = setting(
        "Of BioASQ's file, judge on the batches whose names begin so (6B), and learn from the others.",
        (),
        flag="--dev-batch",
        metavar="TEXT",
    )
    strict_leaks: bool = setting("Refuse files with copies of dev questions, instead of leaving these out.", False)
    held_out: float = setting(
        "Share of the last stage's questions, yes/no ones apart, that only calibrate the scores.",
        0.05,
        at_least=0,
        below=1,
    )
    batch_tokens: int = setting_with_default(ModelRecipe, "batch_tokens", 6_144)
    window: int = setting("Tokens that are read at a time, the question among them.", 320, at_least=16)
    overlap: int = setting("Tokens that two windows of a text share at least.", 96, at_least=0)
    most_words: int = setting("Words that an answer may have; longer ones are not learnt from.", 12, at_least=1)
    yes_no_weight: float = setting(
        "Weight of a yes/no example against one with spans; 0 leaves the yes/no head out.", 1.0, at_least=0
    )
    unlabelled: str | None = setting(
        "JSONL of abstracts (plain or gzip) whose tokens count for the vocabulary too.",
        None,
        metavar="FILE",
        none=True,
    )
    averaged: int = setting(
        "Train the last stage so many times, each with the next seed, and take the mean of the weights.", 1, at_least=1
    )

    def __post_init__(self) -> None:
        ModelRecipe.__post_init__(self)
        if not self.stages:
            raise SettingError("a reader is trained in at least one stage; name its data with --data")
        if self.overlap >= self.window // 2 or self.batch_tokens < self.window:
            raise SettingError(
                "the overlap must be shorter than half the window, and a batch at least as long as a window"
                f" ({self.window} tokens)"
            )
        if any(stage.window > self.window for stage in self.stages):
            raise SettingError(f"a stage's window is at most the reader's ({self.window} tokens)")

    def path(self, file: str) -> Path:
        """Where a file of the recipe is."""
        return Path(self.data_folder) / file

    def steps(self, number: int) -> "Steps":
        """What the steps of a stage, counted from 0, are taken with."""
        rate = self.stages[number].learning_rate
        seed = self.seed * 10 + number
        return Steps(rate, self.warmup, self.weight_decay, self.clip, self.dropout, seed)

    def save(self, file: Path) -> None:
        """Write every setting, places by their names alone."""
        settings = asdict(self) | {
            "base": self.base_name,
            "data_folder": ".",
            "dev": Path(self.dev).name if self.dev else None,
            "stages": [asdict(stage) | {"data": [Path(name).name for name in stage.data]} for stage in self.stages],
            "unlabelled": Path(self.unlabelled).name if self.unlabelled else None,
        }
        file.write_text(json.dumps(settings, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Steps:
    """What AdamW and the schedule of one stage need to know."""

    learning_rate: float
    warmup: float
    weight_decay: float
    clip: float
    dropout: float
    seed: int
