"""The settings of one reader's training, in stages, checked when they are made and saved beside what they made."""

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path

from litmine.errors import SettingError


@dataclass(frozen=True, slots=True)
class Stage:
    """One part of a training: what is learnt, how often and how fast.

    data: files in SQuAD's, BioASQ's or PubMedQA's JSON, as paths from the recipe's data folder.
    epochs, learning_rate: passes over them, and the peak of the learning rate; each stage warms up anew.
    unanswered: of a question that has an answer, the share of its windows without one that teach "no answer"; what
    SQuAD 2.0 marks as unanswerable always does.
    window, one_window: texts are cut into windows of so many tokens (0: the reader's), overlapping by a third; of a
    question and a text one window alone is learnt from, drawn among those with an answer where there are any.
    verdict_texts: so many texts of a yes/no question are learnt from, the first ones (0: all).
    irrelevant: beside each question so many texts of other questions of its file are learnt from, as texts without an
    answer; half of them are such as a search would find.
    """

    data: tuple[str, ...] = ()
    epochs: int = 2
    learning_rate: float = 1e-4
    unanswered: float = 0.0
    window: int = 0
    one_window: bool = False
    verdict_texts: int = 0
    irrelevant: int = 0

    def __post_init__(self) -> None:
        if not self.data:
            raise SettingError("a stage learns from at least one file; name one with --data")
        if self.epochs < 1 or not 0 < self.learning_rate < math.inf or not 0 <= self.unanswered <= 1:
            raise SettingError(
                "epochs must be at least 1, the learning rate above 0 and unanswered a share, from 0 to 1"
            )
        if min(self.window, self.verdict_texts, self.irrelevant) < 0:
            raise SettingError("a stage's window, verdict_texts and irrelevant are no less than 0")


@dataclass(frozen=True, slots=True)
class ReaderRecipe:
    """How to train a reader.

    base: the encoder to start from: a folder, ours or any of the BERT family in safetensors, or a Hub id.
    data_folder: where the files of the stages are.
    dev, dev_batches: the file that judges, and those of its batches that do, by the beginnings of their names (none:
    all); its questions are never learnt from.
    strict_leaks: refuse files with other copies of dev questions, instead of leaving these out.
    held_out: share of the last stage's questions, yes/no ones apart, that only calibrate the scores.
    warmup (share of the steps), weight_decay, clip (norm of the gradient): AdamW, linear decay.
    batch_tokens: tokens a step, padding included; a few have up to a tenth more.
    dropout: of the hidden states and the heads' input; attention has none.
    window, overlap: of the reader, in tokens, the question included; training cuts texts by them too.
    most_words: an answer has at most so many; longer ones are not learnt from.
    yes_no_weight: of a yes/no example against one with spans; 0 leaves the yes/no head out.
    vocabulary: keep so many tokens, the most frequent in the data and in `unlabelled` (JSONL); 0 keeps all.
    averaged: train the last stage so many times, each with the next seed, and give the mean of the weights.
    int8: keep the weights in 8 bits.
    seed: of the order, the dropout, the windows and texts that teach "no answer" and the new layers.
    """

    name: str
    base: str
    stages: tuple[Stage, ...]
    data_folder: str = "."
    dev: str | None = None
    dev_batches: tuple[str, ...] = ()
    strict_leaks: bool = False
    held_out: float = 0.05
    warmup: float = 0.1
    weight_decay: float = 0.01
    clip: float = 1.0
    batch_tokens: int = 6_144
    dropout: float = 0.1
    window: int = 320
    overlap: int = 96
    most_words: int = 12
    yes_no_weight: float = 1.0
    vocabulary: int = 0
    unlabelled: str | None = None
    averaged: int = 1
    int8: bool = False
    seed: int = 1

    def __post_init__(self) -> None:
        if not self.stages:
            raise SettingError("a reader is trained in at least one stage; name its data with --data")
        if not 0 <= self.overlap < self.window // 2 or self.batch_tokens < self.window or self.most_words < 1:
            raise SettingError(
                f"the overlap must be shorter than half the window, a batch at least as long as a window ({self.window}"
                " tokens) and an answer at least a word"
            )
        if any(stage.window > self.window for stage in self.stages):
            raise SettingError(f"a stage's window is at most the reader's ({self.window} tokens)")
        if not (0 <= self.warmup <= 1 and 0 <= self.dropout < 1 and 0 <= self.held_out < 1):
            raise SettingError("warmup, dropout and held_out are shares, from 0 to 1")
        if not (self.clip > 0 and min(self.weight_decay, self.yes_no_weight, self.vocabulary, self.seed) >= 0):
            raise SettingError(
                "clip must be above 0, and weight_decay, yes_no_weight, vocabulary and seed no less than 0"
            )
        if self.averaged < 1:
            raise SettingError("the last stage is trained at least once; averaged is above 0")
        if "@" in self.name or "/" in self.name or not self.name:
            raise SettingError(f"{self.name!r} cannot name a model: no '@', no '/'")

    @property
    def base_name(self) -> str:
        """The base without the folders of this machine: models are published."""
        return Path(self.base).resolve().name if Path(self.base).is_dir() else self.base

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
