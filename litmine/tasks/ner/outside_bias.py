"""Shift each head's logit of O after training, so that it finds neither too many nor too few mentions.

A head with rare mentions, or with few steps to learn, leaves most of them out: its precision is far above its recall.
One number for each head moves the border. It is chosen on training passages, as no other text may decide anything.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from litmine.nn.crf import BIO, best_labels
from litmine.tasks.ner.examples import IGNORED, TaggerExample, collate
from litmine.tasks.ner.network import MultiHeadNetwork
from litmine.tasks.ner.settings import Head
from litmine.text.tags import TagSet
from litmine.training.trainer import TrainingDevice, training_precision

# Passages of each corpus that decide, and how far the logit of O may fall.
PASSAGES = 120
SHIFTS = (0.0, -0.5, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0)
# A head with fewer mentions in these passages stays as it is.
MIN_MENTIONS = 10
_BATCH = 8


@torch.no_grad()
def balance_heads(
    network: MultiHeadNetwork,
    heads: Sequence[Head],
    corpora: Sequence[Sequence[TaggerExample]],
    special: tuple[int, int, int],
    machine: TrainingDevice,
    log: Callable[[str], None],
) -> None:
    """Subtract from the bias of O, for each head, the shift with the best F1 on passages of the corpora it learnt from.

    corpora: the training examples of each corpus. The F1 is the mean of that of exact mentions and that of words.
    """
    assert network.chain is not None
    transitions = network.chain.transitions().float().cpu().numpy()
    network.eval()
    shifts: dict[int, float] = {}
    for examples in corpora:
        chosen = [examples[i] for i in np.linspace(0, len(examples) - 1, min(PASSAGES, len(examples))).astype(int)]
        if not chosen:
            continue
        logits, labels, begins = _score(network, chosen, len(heads), special, machine)
        for head in np.flatnonzero((labels != IGNORED).any(axis=0)).tolist():
            if (labels[:, head] == BIO.index("B")).sum() >= MIN_MENTIONS:
                f1 = [_f1(logits[:, head], labels[:, head], begins, transitions[head], shift) for shift in SHIFTS]
                # Of equal ones the first, which is none.
                shifts[head] = SHIFTS[int(np.argmax(f1))]
    for head, shift in shifts.items():
        network.heads.bias[head * len(BIO) + BIO.index("O")] -= shift
    moved = ", ".join(f"{heads[head].name} {shift:g}" for head, shift in sorted(shifts.items()) if shift)
    log(f"logits of O lowered: {moved or 'none'}")


def _score(
    network: MultiHeadNetwork,
    examples: Sequence[TaggerExample],
    heads: int,
    special: tuple[int, int, int],
    machine: TrainingDevice,
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.bool_]]:
    """Logits (words, heads, BIO), labels (words, heads), and whether a word is the first of its passage."""
    logits = []
    for start in range(0, len(examples), _BATCH):
        batch = collate(examples[start : start + _BATCH], special).to(machine.device)
        with training_precision(machine.device, machine.bf16):
            scored = network(batch.ids, batch.mask)
        logits.append(scored[batch.rows, batch.columns].float().view(-1, heads, len(BIO)).cpu().numpy())
    begins = np.concatenate([np.arange(len(one.first)) == 0 for one in examples])
    return np.concatenate(logits), np.concatenate([one.labels for one in examples]), begins


def _f1(
    logits: NDArray[np.float32],
    labels: NDArray[np.int64],
    begins: NDArray[np.bool_],
    transitions: NDArray[np.float32],
    shift: float,
) -> float:
    """The mean of the F1 of mentions and of words of one head, with its logit of O lowered by `shift`."""
    lowered = logits.copy()
    lowered[:, BIO.index("O")] -= shift
    found, _ = best_labels(lowered, np.zeros(len(labels), dtype=np.int64), begins, transitions[None])
    # Words that the corpus does not annotate count on neither side.
    found = np.where(labels == IGNORED, 0, found)
    gold = np.where(labels == IGNORED, 0, labels)
    tags = TagSet([BIO[0], "B-X", "I-X"])
    mentions = [set(zip(*tags.span_arrays(one, begins)[:2], strict=True)) for one in (gold, found)]
    words = [one > 0 for one in (gold, found)]
    of_mentions = _ratio(len(mentions[0] & mentions[1]), *map(len, mentions))
    of_words = _ratio(int((words[0] & words[1]).sum()), *(int(one.sum()) for one in words))
    return (of_mentions + of_words) / 2


def _ratio(correct: int, gold: int, found: int) -> float:
    return 2 * correct / max(gold + found, 1)
