"""How many of the tagger's layers a task of its own needs: quality on dev, and what each layer costs.

    python -m benchmarks.layers DATA [--only StudyType] [--seeds 2] [--rate R] [--epochs N] [--held-out] [--json FILE]

DATA holds `classification/StudyType` and `relations/ChemProt`, each with `train.jsonl.gz` and `dev.jsonl.gz`. The
built-in tagger's lower layers are the trunk, which is frozen: its hidden states are computed once. A top is a copy of
the last k layers and a head, and learns. The head is the same for all: it reads the mean state of some spans of tokens
through one hidden layer. A document is one span. A pair of a chemical and a gene in one sentence is three: the two
mentions, and what stands between. A probe is a head alone, on the states after some layer; `linear` has no hidden
layer. All six layers over the frozen embeddings are the ceiling.

Each text is read alone: a document up to 128 tokens, or a sentence with a candidate pair. A
relation that no sentence holds counts as missed. Nothing is chosen on dev: a training has a fixed length, and its last
weights are judged. `--held-out` takes a tenth of train for dev, to choose a rate by. Figures are written after each
training, and a run that was stopped goes on. Seconds are CPU time of one thread.
"""

import argparse
import copy
import json
import math
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pad_sequence

from benchmarks.layers_read import CLASSES, Ask, Json, Part, Reader, Text, read_documents, read_pairs
from benchmarks.machine import machine
from litmine.models.bert import BertEncoder
from litmine.models.folder import read_network
from litmine.models.heads import Settings
from litmine.models.home import BUILTIN, builtin_folder
from litmine.models.network import bfloat16_is_fast

CPU = torch.device("cpu")
BF16 = bfloat16_is_fast(CPU)
LAYERS, BATCH, WARMUP = 6, 16, 0.1


@dataclass(frozen=True)
class Arm:
    """What is trained: so many layers of its own on the states after a layer, and a head.

    `after`: that layer, 0 for the embeddings; several for a head that reads all of them side by side. The layers are
    copies of those that the tagger has there, or random. `hidden`: the head has a hidden layer.
    """

    after: tuple[int, ...]
    layers: int = 0
    hidden: bool = True
    copied: bool = True

    @property
    def name(self) -> str:
        where = f"after layer {self.after[0]}" if len(self.after) == 1 else "after every layer"
        if not self.layers:
            return f"{'probe' if self.hidden else 'linear probe'} {where}"
        return f"{self.layers} {'own' if self.copied else 'random'} {where}"


EVERY = tuple(range(LAYERS + 1))
PROBES = (
    *(Arm((after,), hidden=False) for after in (6, 5, 4, 3)),
    *(Arm((after,)) for after in (6, 5, 4, 3, 2, 1)),
    Arm(EVERY),
)
# The last k layers; and k layers that leave the trunk lower, so that they end before the last.
TOPS = (Arm((5,), 1), Arm((3,), 1), Arm((4,), 2), Arm((3,), 3), Arm((3,), 2), Arm((4,), 1))
ONCE = (Arm((0,), LAYERS), Arm((4,), 2, copied=False))


class States:
    """The encoder's states of some texts after each layer, in float16."""

    def __init__(self, encoder: BertEncoder, texts: Sequence[Text]) -> None:
        self.texts = texts
        self._after = [[torch.empty(0)] * len(texts) for _ in EVERY]
        order = sorted(range(len(texts)), key=lambda i: len(texts[i].ids))
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=BF16):
            for chosen in (order[i : i + BATCH] for i in range(0, len(order), BATCH)):
                ids = pad_sequence([torch.tensor(texts[i].ids) for i in chosen], batch_first=True)
                mask = _mask([len(texts[i].ids) for i in chosen])
                hidden = encoder.embeddings(ids, None)
                self._keep(0, chosen, hidden)
                for level, layer in enumerate(encoder.encoder.layer, 1):
                    hidden = layer(hidden, mask)
                    self._keep(level, chosen, hidden)

    def batch(self, after: Sequence[int], chosen: Sequence[int]) -> tuple[Tensor, Tensor, list[tuple[int, Ask]]]:
        """States (texts, tokens, width), the mask, and what is asked of which text."""
        states = [torch.cat([self._after[level][i] for level in after], 1).float() for i in chosen]
        asks = [(row, ask) for row, i in enumerate(chosen) for ask in self.texts[i].asks]
        return pad_sequence(states, batch_first=True), _mask([len(one) for one in states]), asks

    def _keep(self, level: int, chosen: Sequence[int], hidden: Tensor) -> None:
        for row, i in enumerate(chosen):
            self._after[level][i] = hidden[row, : len(self.texts[i].ids)].half().clone()


def _mask(lengths: Sequence[int]) -> Tensor:
    return (torch.arange(max(lengths))[None, :] < torch.tensor(lengths)[:, None])[:, None, None, :]


class Top(nn.Module):
    """The layers and the head that a task owns: hidden states to the logits of what is asked."""

    def __init__(self, arm: Arm, encoder: BertEncoder, spans: int, labels: int) -> None:
        super().__init__()
        # transformers' own beginning, for layers that are not the tagger's.
        source = encoder if arm.copied else BertEncoder(encoder.config).apply(_begin)
        own = list(source.encoder.layer)[arm.after[0] : arm.after[0] + arm.layers]
        self.layers = nn.ModuleList(copy.deepcopy(layer).requires_grad_(True) for layer in own)
        width = encoder.config.hidden_size
        inputs = spans * width * len(arm.after)
        hidden = [nn.Dropout(0.1), nn.Linear(inputs, width), nn.GELU()] if arm.hidden else []
        self.head = nn.Sequential(*hidden, nn.Dropout(0.1), nn.Linear(width if hidden else inputs, labels))

    def forward(self, hidden: Tensor, mask: Tensor, asks: Sequence[tuple[int, Ask]]) -> Tensor:
        logits: Tensor = self.head(self.read(hidden, mask, asks))
        return logits

    def read(self, hidden: Tensor, mask: Tensor, asks: Sequence[tuple[int, Ask]]) -> Tensor:
        """What the head is given: the mean states of the spans, side by side."""
        with torch.autocast("cpu", torch.bfloat16, enabled=BF16):
            for layer in self.layers:
                hidden = layer(hidden, mask)
        sums = nn.functional.pad(hidden.float().cumsum(1), (0, 0, 1, 0))
        rows = torch.tensor([row for row, _ in asks])[:, None]
        first, after = torch.tensor([ask.spans for _, ask in asks]).unbind(2)
        means = (sums[rows, after] - sums[rows, first]) / (after - first).clamp(min=1)[:, :, None]
        return means.flatten(1)


def _begin(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=0.02)
        nn.init.zeros_(module.bias)


@dataclass(frozen=True)
class Course:
    """How long, how fast and in how many texts a step an arm learns: `rate` of the head, `slow` of the layers.

    An epoch of a head alone costs next to nothing. A head that learns as slowly as the layers has not learnt in four
    epochs: on StudyType a top stayed below the probe on the same states.
    """

    epochs: int
    rate: float
    slow: float = 0.0
    batch: int = BATCH

    @classmethod
    def of(cls, arm: Arm) -> "Course":
        if not arm.layers:
            return cls(40, 2e-3 if arm.hidden else 1e-2, batch=4 * BATCH)
        return cls(4, 2e-3, 3e-4 if arm.layers < LAYERS else 2e-4)


def train(top: Top, after: Sequence[int], states: States, course: Course, seed: int) -> None:
    """AdamW with a rate that rises for a tenth of the steps and falls to nothing; texts of like length together."""
    drawn = random.Random(seed)
    groups = [{"params": [*top.head.parameters()]}, {"params": [*top.layers.parameters()], "lr": course.slow}]
    descent = torch.optim.AdamW(groups, course.rate, weight_decay=0.01)
    steps = course.epochs * math.ceil(len(states.texts) / course.batch)
    pace = torch.optim.lr_scheduler.LambdaLR(
        descent, lambda step: min((step + 1) / (WARMUP * steps), (steps - step) / steps / (1 - WARMUP))
    )
    top.train()
    # Without layers of its own, what the head is given never changes.
    fixed = [] if top.layers else [top.read(*states.batch(after, [i])) for i in range(len(states.texts))]
    for _ in range(course.epochs):
        for chosen in _batches(states.texts, course.batch, drawn):
            gold = torch.tensor([ask.label for i in chosen for ask in states.texts[i].asks])
            logits = top.head(torch.cat([fixed[i] for i in chosen])) if fixed else top(*states.batch(after, chosen))
            loss = cross_entropy(logits, gold)
            descent.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(top.parameters(), 1.0)
            descent.step()
            pace.step()


def _batches(texts: Sequence[Text], size: int, drawn: random.Random) -> list[list[int]]:
    order = list(range(len(texts)))
    drawn.shuffle(order)
    groups = [sorted(order[i : i + 256], key=lambda i: len(texts[i].ids)) for i in range(0, len(order), 256)]
    batches = [group[i : i + size] for group in groups for i in range(0, len(group), size)]
    drawn.shuffle(batches)
    return batches


@torch.inference_mode()
def judge(top: Top, after: Sequence[int], states: States, missed: int, pairs: bool) -> dict[str, float]:
    """Micro F1 over the five relations, or macro F1 and accuracy, in per cent."""
    top.eval()
    said, gold = [], []
    for i in range(0, len(states.texts), BATCH):
        hidden, mask, asks = states.batch(after, range(i, min(i + BATCH, len(states.texts))))
        said += top(hidden, mask, asks).argmax(1).tolist()
        gold += [ask.label for _, ask in asks]
    count = len(CLASSES) if pairs else max(gold) + 1
    right = np.array([sum(s == g == c for s, g in zip(said, gold, strict=True)) for c in range(count)])
    both = np.array([said.count(c) + gold.count(c) for c in range(count)])
    if pairs:
        return {"micro F1": round(200 * float(right.sum()) / float(both.sum() + missed), 2)}
    macro = float((200 * right / np.maximum(both, 1)).mean())
    return {"macro F1": round(macro, 2), "accuracy": round(100 * float(right.sum()) / len(gold), 2)}


READ = {"StudyType": ("classification", read_documents, 1), "ChemProt": ("relations", read_pairs, 3)}


def measure(name: str, options: argparse.Namespace, encoder: BertEncoder, figures: Json) -> None:
    """Train and judge every arm on one set, the first seed of all before the second of some."""
    kind, read, spans = READ[name]
    reader = Reader(builtin_folder(BUILTIN), encoder.config)
    parts = {split: read(options.data / kind / name, split, reader) for split in ("train", "dev")}
    if options.held_out:
        parts = _held_out(parts["train"])
    states = {split: States(encoder, part.texts) for split, part in parts.items()}
    labels = 1 + max(ask.label for text in parts["train"].texts for ask in text.asks)
    own = figures.setdefault(name, {})
    own["sizes"] = {split: _sizes(part) for split, part in parts.items()}
    arms = figures[name].setdefault("arms", {})
    for seed in range(options.seeds):
        for arm in PROBES + TOPS + (ONCE if seed == 0 else ()):
            runs = arms.setdefault(arm.name, [])
            if len(runs) > seed or (options.arm and arm.name != options.arm):
                continue
            course = Course.of(arm)
            course = replace(course, epochs=options.epochs or course.epochs, slow=options.rate or course.slow)
            started = time.process_time()
            torch.manual_seed(seed)
            top = Top(arm, encoder, spans, labels)
            with sdpa_kernel(SDPBackend.MATH):  # the quicker one to learn with on a processor
                train(top, arm.after, states["train"], course, seed)
            judged = judge(top, arm.after, states["dev"], parts["dev"].missed, name == "ChemProt")
            taken = round(time.process_time() - started)
            runs.append(
                judged
                | {
                    "epochs": course.epochs,
                    "rate": course.rate,
                    "rate of the layers": course.slow,
                    "CPU seconds": taken,
                }
            )
            print(name, arm.name, runs[-1], flush=True)
            write(options.json, figures)


def _held_out(train: Part) -> dict[str, Part]:
    """Every tenth document of train for dev."""
    split: dict[bool, list[Text]] = {True: [], False: []}
    for text in train.texts:
        split[text.document % 10 == 9].append(text)
    return {"train": Part(split[False]), "dev": Part(split[True])}


def _sizes(part: Part) -> Json:
    found = {"texts": len(part.texts), "tokens": sum(len(text.ids) for text in part.texts)}
    if part.tokens:
        asks = [ask for text in part.texts for ask in text.asks]
        related = sum(ask.label < len(CLASSES) for ask in asks)
        found |= {"pairs": len(asks), "related": related, "missed": part.missed, "tokens of all sentences": part.tokens}
    return found


def write(file: Path | None, figures: Json) -> None:
    """The figures so far."""
    if file:
        file.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def load_encoder() -> BertEncoder:
    """The built-in tagger's, frozen."""
    folder = builtin_folder(BUILTIN)
    encoder = read_network(folder, Settings.load(folder), quick=True).encoder
    assert isinstance(encoder, BertEncoder)
    return encoder.eval().requires_grad_(False)


def main() -> None:
    """Measure what is not in the file yet."""
    options = _options()
    torch.set_num_threads(1)
    encoder = load_encoder()
    figures = json.loads(options.json.read_text()) if options.json and options.json.exists() else {}
    figures |= {"machine": machine(CPU), "precision": "bf16" if BF16 else "float32"}
    for name in options.only or READ:
        measure(name, options, encoder, figures)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of the two sets")
    parser.add_argument("--only", action="append", choices=READ, help="one set (default: both)")
    parser.add_argument("--arm", help="one arm, by its name")
    parser.add_argument("--seeds", type=int, default=2, help="default: 2")
    parser.add_argument("--epochs", type=int, help="instead of those chosen")
    parser.add_argument("--rate", type=float, help="of the layers, instead of those chosen")
    parser.add_argument("--held-out", action="store_true", help="judge on a tenth of train")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    return parser.parse_args()


if __name__ == "__main__":
    main()
