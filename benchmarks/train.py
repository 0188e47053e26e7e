"""Training speed of `litmine train ner` and of the Hugging Face Trainer: tokens/s with the same encoder and sentences.

    python benchmarks/train.py [--corpus FOLDER ...] [--base FOLDER] [--sentences 4000] [--rounds 3] [--json FILE]

Three trainings take the same number of steps on the same sentences from the same weights, with the same dropout, one
linear layer, AdamW and gradient clipping:

- the Trainer with its defaults: float32, random order, sentences padded to the longest in their batch;
- the Trainer set with care: bf16 where it is fast, batches of similar lengths, and the faster of the attentions "sdpa"
  and "eager", chosen by two short runs;
- litmine with one of its recipes: neighbouring sentences joined, batches of similar lengths, bf16 where it is fast. The
  vocabulary is not reduced, because the Trainer's is not.

The Trainer's batch size is the one whose steps have as many tokens, on average, as litmine's. Tokens exclude padding
and special tokens. The careful Trainer sorts a quarter of the sentences (at most 50 batches) at a time, longest first.
Fewer steps than such a group has would measure only its long end, and are refused. Padding shrinks with the number of
sentences, so a small --sentences flatters litmine. Each run is a new process. The three take turns, so that other jobs
slow all of them alike; on a CPU, processor seconds tell more than wall time. The first step is not timed.
"""

import argparse
import json
import math
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.metadata import version
from itertools import cycle, islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from torch.optim.optimizer import register_optimizer_step_post_hook
from transformers import (
    AutoConfig,
    AutoModelForTokenClassification,
    BertConfig,
    BertModel,
    DataCollatorForTokenClassification,
    PreTrainedTokenizerFast,
    PrinterCallback,
    Trainer,
    TrainingArguments,
)
from transformers.utils import logging

from litmine.corpora.corpus import Corpus, open_corpus
from litmine.nn.crf import BIO
from litmine.nn.loading import read_tokenizer, special_ids
from litmine.nn.references import BUILTIN_TRUNK, builtin_folder
from litmine.nn.tokenizer import WordTokenizer
from litmine.specs import spec_by_name
from litmine.tasks.ner.examples import IGNORED, TaggerExample, make_examples, make_heads
from litmine.tasks.ner.recipe import TaggerRecipe
from litmine.tasks.ner.train import plan_epoch, train
from litmine.training.recipe import make_recipe, read_recipe
from litmine.training.trainer import TrainingDevice

SAMPLE = Path(__file__).parent.parent / "sample_data" / "ner"
PLAIN, CAREFUL, LITMINE = "Trainer, its defaults", "Trainer, set with care", "litmine"
ATTENTIONS = ("sdpa", "eager")
UNTIMED = 1
TRIED_STEPS = 2
# The Trainer lacks these settings, and some would make litmine's network smaller.
ONLY_LITMINE = {"vocabulary": 0, "int8": False, "separate_heads": ()}


@dataclass(frozen=True)
class Workload:
    """The task of all three trainings: a recipe whose base is a folder, and `sentences` sentences of each corpus."""

    recipe: TaggerRecipe
    sentences: int

    @cached_property
    def corpora(self) -> list[Corpus]:
        """The corpora, cut to `sentences` sentences, or repeated if they have fewer."""
        opened = [open_corpus(reference, "train") for reference in self.recipe.corpora]
        return [
            replace(corpus, passages=tuple(islice(cycle(corpus.passages), self.sentences)))
            for corpus in opened
            if corpus is not None
        ]

    @cached_property
    def examples(self) -> list[list[TaggerExample]]:
        """The tokens and labels of the sentences, by corpus."""
        recipe = self.recipe
        heads = make_heads(self.corpora, recipe.separate_heads)
        reader = WordTokenizer(read_tokenizer(Path(recipe.base)))
        return [
            make_examples(corpus, heads, recipe.separate_heads, reader, recipe.max_passage_tokens)
            for corpus in self.corpora
        ]

    @cached_property
    def steps(self) -> "list[StepSize]":
        """The steps of one epoch of litmine."""
        lengths = [len(example.ids) for examples in self.examples for example in examples]
        plan = plan_epoch(self.recipe, self.corpora, self.examples, 0)
        return [_step([sum(lengths[i] for i in passage) for passage in batch]) for batch in plan]

    @property
    def batch_size(self) -> int:
        """Sentences of a step that has as many tokens as litmine's steps on average."""
        return max(1, round(sum(map(len, self.examples)) / len(self.steps)))

    @property
    def group(self) -> int:
        """Number of steps with sentences that the Trainer sorts together."""
        return min(50, max(1, sum(map(len, self.examples)) // (self.batch_size * 4)))


@dataclass(frozen=True)
class StepSize:
    """Tokens of a step's sentences, and computed tokens, which include padding and special tokens."""

    tokens: int
    computed: int


@dataclass(frozen=True)
class TimedRun:
    """One run: its timed steps, their wall and CPU seconds, and the peak memory in MB, on a GPU that of the GPU."""

    steps: tuple[StepSize, ...]
    seconds: float
    cpu: float
    memory: float

    @property
    def speed(self) -> float:
        """Tokens per second."""
        return sum(step.tokens for step in self.steps) / self.seconds

    @property
    def cpu_speed(self) -> float:
        """Tokens per second of CPU time, which other jobs on the machine hardly affect."""
        return sum(step.tokens for step in self.steps) / self.cpu


class LastStepReached(BaseException):
    """Raised after the last timed step."""


class StepTimer:
    """Times the steps from the end of the first one to the end of the last; then raises LastStepReached."""

    def __init__(self, steps: int) -> None:
        self._ends = (UNTIMED, steps)
        self._steps = 0
        self._times: list[tuple[float, float]] = []
        register_optimizer_step_post_hook(self._step)

    @property
    def seconds(self) -> tuple[float, float]:
        """Wall and CPU seconds."""
        first, last = self._times
        return last[0] - first[0], last[1] - first[1]

    def _step(self, *_: Any) -> None:
        self._steps += 1
        if self._steps in self._ends:
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            self._times.append((time.monotonic(), time.process_time()))
        if self._steps == self._ends[-1]:
            raise LastStepReached


class CountingCollator:
    """Hugging Face's collator for token classification, which also records the size of each step."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        self.steps: list[StepSize] = []
        self._collate = DataCollatorForTokenClassification(tokenizer)

    def __call__(self, features: list[dict[str, Any]]) -> Any:
        self.steps.append(_step([len(feature["input_ids"]) - 2 for feature in features]))
        return self._collate(features)


def main() -> None:
    """Measure, print, and optionally write the figures."""
    options = _options()
    if options.device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    machine = TrainingDevice.current()
    with tempfile.TemporaryDirectory() as folder:
        base = options.base or _random_minilm(Path(folder) / "random-minilm")
        overrides = {"name": "benchmark", "base": str(base), "corpora": tuple(map(str, options.corpus)), "epochs": 1}
        spec = spec_by_name("ner")
        recipe = make_recipe(spec, {**read_recipe(spec, options.recipe), **overrides, **ONLY_LITMINE})
        task = Workload(recipe, options.sentences)
        steps = options.steps or task.group
        if not task.group <= steps < len(task.steps):
            raise SystemExit(f"give at least {task.group} and less than {len(task.steps)} --steps, or more --sentences")
        _announce(task, machine)
        runs = {name: _in_new_process(_trainer, task, TRIED_STEPS, True, name) for name in ATTENTIONS}
        tried = {name: run.speed if machine.device.type == "cuda" else run.cpu_speed for name, run in runs.items()}
        attention = max(tried, key=lambda name: tried[name])
        print(f"the attention of {CAREFUL!r} is {attention}", flush=True)
        known = _known(task, machine) | {
            "Trainer's attention, set with care": attention,
            "attention tried, tokens/s (of CPU time on a CPU)": {name: round(speed) for name, speed in tried.items()},
        }
        measured: dict[str, list[TimedRun]] = {PLAIN: [], CAREFUL: [], LITMINE: []}
        for done in range(1, options.rounds + 1):
            measured[PLAIN].append(_in_new_process(_trainer, task, steps, False, None))
            measured[CAREFUL].append(_in_new_process(_trainer, task, steps, True, attention))
            measured[LITMINE].append(_in_new_process(_litmine, task, steps))
            speeds = ", ".join(f"{name}: {runs[-1].speed:,.0f}" for name, runs in measured.items())
            print(f"round {done} of {options.rounds}, tokens/s: {speeds}", flush=True)
            figures = known | {name: _figures(runs, measured[LITMINE]) for name, runs in measured.items()}
            if options.json:
                options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    _table(figures)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--corpus",
        action="append",
        type=Path,
        help="folder with train.tsv, or a file; may be given again (default: the sample data)",
    )
    parser.add_argument("--base", type=Path, help="folder of an encoder (default: MiniLM's size, random weights)")
    parser.add_argument("--recipe", default="builtin", help="name or file of a litmine recipe (default: builtin)")
    parser.add_argument("--sentences", type=int, default=4_000, help="sentences of each corpus (default: 4000)")
    parser.add_argument("--steps", type=int, help="number of timed steps (default: one sorted group)")
    parser.add_argument("--rounds", type=int, default=3, help="default: 3")
    parser.add_argument("--device", choices=("auto", "cpu"), default="auto", help="auto: the GPU if there is one")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    options.corpus = options.corpus or sorted(SAMPLE.iterdir())
    return options


def _random_minilm(folder: Path) -> Path:
    """An encoder as large as all-MiniLM-L6-v2 with random weights and the built-in model's tokenizer."""
    torch.manual_seed(0)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(builtin_folder(BUILTIN_TRUNK) / "tokenizer.json"),
        cls_token="[CLS]",
        sep_token="[SEP]",
        pad_token="[PAD]",
    )
    config = BertConfig(
        vocab_size=30_522, hidden_size=384, intermediate_size=1_536, num_hidden_layers=6, num_attention_heads=12
    )
    BertModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _in_new_process(run: Any, *arguments: Any) -> TimedRun:
    """Run in a new process, with fresh caches and allocator settings."""
    with get_context("spawn").Pool(1) as pool:
        measured: TimedRun = pool.apply(run, arguments)
        return measured


def _litmine(task: Workload, steps: int) -> TimedRun:
    last_step = UNTIMED + steps
    clock = StepTimer(last_step)
    with tempfile.TemporaryDirectory() as folder, suppress(LastStepReached):
        train(task.recipe, task.corpora, Path(folder), _silent, checkpoint_seconds=math.inf)
    return TimedRun(tuple(task.steps[UNTIMED:last_step]), *clock.seconds, _memory())


def _trainer(task: Workload, steps: int, careful: bool, attention: str | None) -> TimedRun:
    """Run the Trainer, with dropout on hidden states only, as in litmine."""
    recipe = task.recipe
    config = AutoConfig.from_pretrained(recipe.base)
    config.hidden_dropout_prob, config.attention_probs_dropout_prob = recipe.dropout, 0.0
    special = special_ids(read_tokenizer(Path(recipe.base)), config)
    heads = len(make_heads(task.corpora, recipe.separate_heads))
    config.num_labels = 1 + heads * (len(BIO) - 1)
    # Hide the warning about the new, untrained layer.
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    chosen: dict[str, Any] = {"attn_implementation": attention} if attention else {}
    model = AutoModelForTokenClassification.from_pretrained(recipe.base, config=config, **chosen)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(recipe.base)
    collator = CountingCollator(tokenizer)
    careful_settings: dict[str, Any] = {}
    if careful:
        careful_settings = {"bf16": TrainingDevice.current().bf16, "train_sampling_strategy": "group_by_length"}
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            per_device_train_batch_size=task.batch_size,
            num_train_epochs=1,
            learning_rate=recipe.learning_rate,
            weight_decay=recipe.weight_decay,
            max_grad_norm=recipe.clip,
            warmup_steps=recipe.warmup,
            seed=recipe.seed,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            use_cpu=not torch.cuda.is_available(),
            dataloader_pin_memory=torch.cuda.is_available(),
            **careful_settings,
        )
        features = [_features(example, special) for examples in task.examples for example in examples]
        trainer = Trainer(model, arguments, data_collator=collator, train_dataset=features, processing_class=tokenizer)
        trainer.remove_callback(PrinterCallback)
        last_step = UNTIMED + steps
        clock = StepTimer(last_step)
        with suppress(LastStepReached):
            trainer.train()
    # The data loader is one batch ahead of the steps.
    return TimedRun(tuple(collator.steps[UNTIMED:last_step]), *clock.seconds, _memory())


def _features(example: TaggerExample, special: tuple[int, int, int]) -> dict[str, list[int]]:
    """An example in the form of Hugging Face's examples: the first token of each word has a label."""
    begin, end, _ = special
    labels = [-100] * (len(example.ids) + 2)
    for first, word_labels in zip(example.first, example.labels, strict=True):
        labels[first + 1] = next(
            (2 * head + int(label) for head, label in enumerate(word_labels) if label not in (IGNORED, 0)), 0
        )
    ids = [begin, *example.ids.tolist(), end]
    return {"input_ids": ids, "attention_mask": [1] * len(ids), "labels": labels}


def _step(lengths: Sequence[int]) -> StepSize:
    return StepSize(sum(lengths), (max(lengths) + 2) * len(lengths))


def _memory() -> float:
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def _silent(_: str) -> None:
    """Drop litmine's progress messages."""


def _known(task: Workload, machine: TrainingDevice) -> dict[str, Any]:
    return {
        "machine": _processor(machine),
        "precision": {PLAIN: "float32", CAREFUL: machine.precision, LITMINE: machine.precision},
        "versions": _versions(),
        "commit": _commit(),
        "base": task.recipe.base_name,
        "corpora": [corpus.name for corpus in task.corpora],
        "sentences": sum(map(len, task.examples)),
        "dropout": task.recipe.dropout,
        "Trainer's batch size": task.batch_size,
    }


def _announce(task: Workload, machine: TrainingDevice) -> None:
    tokens = sum(step.tokens for step in task.steps)
    print(f"{_processor(machine)}; torch {torch.__version__}, transformers {version('transformers')}")
    print(
        f"{sum(map(len, task.examples)):,} sentences, {tokens:,} tokens; litmine takes {len(task.steps)} steps of"
        f" {tokens / len(task.steps):,.0f} tokens, the Trainer {task.batch_size} sentences a step",
        flush=True,
    )


def _figures(runs: Sequence[TimedRun], litmine: Sequence[TimedRun]) -> dict[str, Any]:
    steps = runs[0].steps
    tokens = sum(step.tokens for step in steps)
    ratios = [ours.speed / theirs.speed for ours, theirs in zip(litmine, runs, strict=True)]
    cpu = [ours.cpu_speed / theirs.cpu_speed for ours, theirs in zip(litmine, runs, strict=True)]
    return {
        "steps": len(steps),
        "tokens": tokens,
        "tokens a step": round(tokens / len(steps)),
        "computed tokens a token": round(sum(step.computed for step in steps) / tokens, 3),
        "seconds, median": round(statistics.median(run.seconds for run in runs), 2),
        "tokens/s, median": round(statistics.median(run.speed for run in runs)),
        "tokens/s by round": [round(run.speed) for run in runs],
        "peak memory, MB": round(max(run.memory for run in runs)),
        "litmine as a multiple, median": round(statistics.median(ratios), 2),
        "litmine as a multiple, least and greatest": [round(min(ratios), 2), round(max(ratios), 2)],
        "CPU seconds, median": round(statistics.median(run.cpu for run in runs), 2),
        "litmine as a multiple, by CPU seconds, median": round(statistics.median(cpu), 2),
        "litmine as a multiple, by CPU seconds, least and greatest": [round(min(cpu), 2), round(max(cpu), 2)],
    }


def _table(figures: dict[str, Any]) -> None:
    heads = ("tokens/s", "seconds", "computed/token", "peak MB", "litmine: times", "by CPU seconds")
    print(f"{'':24}" + "".join(f"{head:>18}" for head in heads))
    for name in (PLAIN, CAREFUL, LITMINE):
        measured = figures[name]
        least, greatest = measured["litmine as a multiple, least and greatest"]
        cells = (
            f"{measured['tokens/s, median']:,}",
            f"{measured['seconds, median']:.1f}",
            f"{measured['computed tokens a token']:.2f}",
            f"{measured['peak memory, MB']:,}",
            f"{measured['litmine as a multiple, median']:.2f} ({least:.2f}-{greatest:.2f})",
            f"{measured['litmine as a multiple, by CPU seconds, median']:.2f}",
        )
        print(f"{name:24}" + "".join(f"{cell:>18}" for cell in cells))


def _versions() -> dict[str, str]:
    libraries = ["litmine", "torch", "transformers", "accelerate"]
    return {"python": platform.python_version(), **{name: version(name) for name in libraries}}


def _commit() -> str | None:
    """Commit of the checkout, with "-dirty" if tracked files have changed; None outside a checkout."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--exclude=*"]
    try:
        described = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return described.stdout.strip() or None


def _processor(machine: TrainingDevice) -> str:
    if machine.device.type == "cuda":
        return machine.name
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()}, {torch.get_num_threads()} threads"


if __name__ == "__main__":
    main()
