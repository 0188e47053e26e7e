"""The tops that `layers.py` trains: heads, with or without layers, on frozen states of the built-in tagger."""

import copy
import math
import random
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pad_sequence

from benchmarks.layers_read import CLASSES, Target, TokenizedInput
from litmine.nn.devices import bfloat16_is_fast
from litmine.nn.encoder import BertEncoder
from litmine.specs import BUILTIN
from litmine.training.base import read_base

CPU = torch.device("cpu")
BF16 = bfloat16_is_fast(CPU)
LAYERS, BATCH, WARMUP = 6, 16, 0.1
ALL_LEVELS = tuple(range(LAYERS + 1))


def load_encoder() -> BertEncoder:
    """The frozen encoder of the built-in tagger."""
    encoder = read_base(BUILTIN, 128).encoder
    assert isinstance(encoder, BertEncoder)
    return encoder.eval().requires_grad_(False)


@dataclass(frozen=True)
class LayerVariant:
    """A top to train: `layers` layers on the states after some encoder layer, and a head.

    `after`: that layer, 0 for the embeddings; several for a head on their concatenated states. `copied`: start from the
    tagger's layers, not from random ones. `hidden`: the head has a hidden layer.
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


class CachedStates:
    """The encoder's hidden states of some inputs after some layers, in float16."""

    def __init__(self, encoder: BertEncoder, texts: Sequence[TokenizedInput], after: AbstractSet[int]) -> None:
        self.texts = texts
        self._after = {level: [torch.empty(0)] * len(texts) for level in after}
        order = sorted(range(len(texts)), key=lambda i: len(texts[i].ids))
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=BF16):
            for chosen in (order[i : i + BATCH] for i in range(0, len(order), BATCH)):
                ids = pad_sequence([torch.tensor(texts[i].ids) for i in chosen], batch_first=True)
                mask = _mask([len(texts[i].ids) for i in chosen])
                hidden = encoder.embeddings(ids, None)
                self._keep(0, chosen, hidden)
                for level, layer in enumerate(list(encoder.encoder.layer)[: max(after)], 1):
                    hidden = layer(hidden, mask)
                    self._keep(level, chosen, hidden)

    def batch(self, after: Sequence[int], chosen: Sequence[int]) -> tuple[Tensor, Tensor, list[tuple[int, Target]]]:
        """States (texts, tokens, width), the mask, and the targets with the row of their text."""
        states = [torch.cat([self._after[level][i] for level in after], 1).float() for i in chosen]
        targets = [(row, target) for row, i in enumerate(chosen) for target in self.texts[i].targets]
        return pad_sequence(states, batch_first=True), _mask([len(state) for state in states]), targets

    def _keep(self, level: int, chosen: Sequence[int], hidden: Tensor) -> None:
        for row, i in enumerate(chosen if level in self._after else ()):
            self._after[level][i] = hidden[row, : len(self.texts[i].ids)].half().clone()


def _mask(lengths: Sequence[int]) -> Tensor:
    return (torch.arange(max(lengths))[None, :] < torch.tensor(lengths)[:, None])[:, None, None, :]


class TrainedTop(nn.Module):
    """The layers and the head of a task: hidden states to the logits of the targets."""

    def __init__(self, variant: LayerVariant, encoder: BertEncoder, spans: int, labels: int) -> None:
        super().__init__()
        # Random layers are initialized as in transformers.
        source = encoder if variant.copied else BertEncoder(encoder.config).apply(_initialize)
        source_layers = list(source.encoder.layer)[variant.after[0] : variant.after[0] + variant.layers]
        self.layers = nn.ModuleList(copy.deepcopy(layer).requires_grad_(True) for layer in source_layers)
        width = encoder.config.hidden_size
        inputs = spans * width * len(variant.after)
        hidden = [nn.Dropout(0.1), nn.Linear(inputs, width), nn.GELU()] if variant.hidden else []
        self.head = nn.Sequential(*hidden, nn.Dropout(0.1), nn.Linear(width if hidden else inputs, labels))

    def forward(self, hidden: Tensor, mask: Tensor, targets: Sequence[tuple[int, Target]]) -> Tensor:
        logits: Tensor = self.head(self.read(hidden, mask, targets))
        return logits

    def read(self, hidden: Tensor, mask: Tensor, targets: Sequence[tuple[int, Target]]) -> Tensor:
        """Input of the head: the concatenated mean states of the spans."""
        with torch.autocast("cpu", torch.bfloat16, enabled=BF16):
            for layer in self.layers:
                hidden = layer(hidden, mask)
        sums = nn.functional.pad(hidden.float().cumsum(1), (0, 0, 1, 0))
        rows = torch.tensor([row for row, _ in targets])[:, None]
        first, after = torch.tensor([target.spans for _, target in targets]).unbind(2)
        means = (sums[rows, after] - sums[rows, first]) / (after - first).clamp(min=1)[:, :, None]
        return means.flatten(1)


def _initialize(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=0.02)
        nn.init.zeros_(module.bias)


@dataclass(frozen=True)
class Schedule:
    """Epochs, learning rates of the head (`rate`) and of the layers (`slow`), and texts of a batch.

    Epochs of a head alone are cheap. A head with the slow rate of the layers does not converge in four epochs: on
    StudyType, a top stayed below the probe on the same states.
    """

    epochs: int
    rate: float
    slow: float = 0.0
    batch: int = BATCH

    @classmethod
    def of(cls, variant: LayerVariant) -> "Schedule":
        if not variant.layers:
            return cls(40, 2e-3 if variant.hidden else 1e-2, batch=4 * BATCH)
        return cls(4, 2e-3, 3e-4 if variant.layers < LAYERS else 2e-4)


@sdpa_kernel(SDPBackend.MATH)  # the fastest for training on a CPU
def train(top: TrainedTop, after: Sequence[int], states: CachedStates, schedule: Schedule, seed: int) -> None:
    """Train with AdamW, linear warm-up over a tenth of the steps and linear decay; batches of similar lengths."""
    rng = random.Random(seed)
    groups: list[dict[str, Any]] = [
        {"params": [*top.head.parameters()]},
        {"params": [*top.layers.parameters()], "lr": schedule.slow},
    ]
    optimizer = torch.optim.AdamW(groups, schedule.rate, weight_decay=0.01)
    steps = schedule.epochs * math.ceil(len(states.texts) / schedule.batch)
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / (WARMUP * steps), (steps - step) / steps / (1 - WARMUP))
    )
    top.train()
    # Without layers, the input of the head never changes.
    fixed = [] if top.layers else [top.read(*states.batch(after, [i])) for i in range(len(states.texts))]
    for _ in range(schedule.epochs):
        for chosen in _batches(states.texts, schedule.batch, rng):
            gold = torch.tensor([target.label for i in chosen for target in states.texts[i].targets])
            logits = top.head(torch.cat([fixed[i] for i in chosen])) if fixed else top(*states.batch(after, chosen))
            loss = cross_entropy(logits, gold)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(top.parameters(), 1.0)
            optimizer.step()
            scheduler.step()


def _batches(texts: Sequence[TokenizedInput], size: int, rng: random.Random) -> list[list[int]]:
    order = list(range(len(texts)))
    rng.shuffle(order)
    groups = [sorted(order[i : i + 256], key=lambda i: len(texts[i].ids)) for i in range(0, len(order), 256)]
    batches = [group[i : i + size] for group in groups for i in range(0, len(group), size)]
    rng.shuffle(batches)
    return batches


@torch.inference_mode()
def judge(top: TrainedTop, after: Sequence[int], states: CachedStates, missed: int, pairs: bool) -> dict[str, float]:
    """Micro F1 over the five relations, or macro F1 and accuracy, in per cent."""
    top.eval()
    predicted, gold = [], []
    for i in range(0, len(states.texts), BATCH):
        hidden, mask, targets = states.batch(after, range(i, min(i + BATCH, len(states.texts))))
        predicted += top(hidden, mask, targets).argmax(1).tolist()
        gold += [target.label for _, target in targets]
    count = len(CLASSES) if pairs else max(gold) + 1
    right = np.array([sum(s == g == c for s, g in zip(predicted, gold, strict=True)) for c in range(count)])
    both = np.array([predicted.count(c) + gold.count(c) for c in range(count)])
    if pairs:
        return {"micro F1": round(200 * float(right.sum()) / float(both.sum() + missed), 2)}
    macro = float((200 * right / np.maximum(both, 1)).mean())
    return {"macro F1": round(macro, 2), "accuracy": round(100 * float(right.sum()) / len(gold), 2)}
