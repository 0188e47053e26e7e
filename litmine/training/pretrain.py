"""Continued pretraining, from top to bottom: base, texts, masked words, steps, and a folder to start from.

BERT became BioBERT by exactly this: more masked words of another kind of text.

The network of masked-word pretraining: an encoder, and BERT's head over the words that are asked for.
"""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, linear

from litmine.errors import SettingError
from litmine.nn.loading import TOKENIZER_FILE, special_ids
from litmine.nn.references import locate
from litmine.nn.tokenizer import WordTokenizer
from litmine.nn.weights import WEIGHTS_FILE, save_weights
from litmine.training.base import read_base
from litmine.training.batching import make_batches
from litmine.training.checkpoint import writing
from litmine.training.pretrain_data import MaskedBatch, Masking, Piece, Texts, read_pieces
from litmine.training.pretrain_settings import Pretraining
from litmine.training.trainer import CHECKPOINT_SECONDS, Course, Machine, arithmetic, descend

HEAD_FILE = "mlm_head.safetensors"
# Where BERT's own checkpoints keep the head.
_BERT = {
    "cls.predictions.transform.dense.weight": "transform.0.weight",
    "cls.predictions.transform.dense.bias": "transform.0.bias",
    "cls.predictions.transform.LayerNorm.weight": "transform.2.weight",
    "cls.predictions.transform.LayerNorm.bias": "transform.2.bias",
    "cls.predictions.bias": "bias",
}


class MaskedWordNetwork(nn.Module):
    """Token ids to the logits of the vocabulary at the positions that are asked for, and at no others.

    The projection to the vocabulary is the encoder's embedding matrix with a bias; it is the larger part of the cost,
    so positions are gathered before it.
    """

    def __init__(self, config: Any, encoder: Any) -> None:
        super().__init__()
        self.config = config
        self.encoder: Any = encoder
        if getattr(encoder, "pooler", None) is not None:
            encoder.pooler = None
        words, size = encoder.get_input_embeddings().weight.shape
        eps = getattr(config, "layer_norm_eps", 1e-12)
        dense = nn.Linear(config.hidden_size, size)
        nn.init.normal_(dense.weight, std=getattr(config, "initializer_range", 0.02))
        nn.init.zeros_(dense.bias)
        self.transform = nn.Sequential(dense, nn.GELU(), nn.LayerNorm(size, eps))
        self.bias = nn.Parameter(torch.zeros(words))

    def forward(self, ids: Tensor, mask: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
        """Logits (asked, vocabulary) from ids and mask (texts, tokens) and the rows and columns (asked,) asked for."""
        hidden = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state[rows, columns]
        return linear(self.transform(hidden), self.encoder.get_input_embeddings().weight, self.bias)

    def head(self) -> dict[str, Tensor]:
        """The weights that are not the encoder's."""
        return {name: value for name, value in self.state_dict().items() if not name.startswith("encoder.")}

    def start_head(self, base: Path) -> bool:
        """Take the head of an earlier pretraining that `base` keeps, ours or BERT's; returns whether there was one."""
        found: dict[str, Tensor] = {}
        if (base / HEAD_FILE).is_file():
            found = load_file(base / HEAD_FILE)
        elif (base / WEIGHTS_FILE).is_file():
            stored = load_file(base / WEIGHTS_FILE)
            found = {ours: stored[theirs] for theirs, ours in _BERT.items() if theirs in stored}
        shapes = {name: value.shape for name, value in self.head().items()}
        if {name: value.shape for name, value in found.items()} != shapes:
            return False
        self.load_state_dict({name: value.float() for name, value in found.items()}, strict=False)
        return True


# A batch: the indices of its pieces, and what its masks are drawn from.
Batch = tuple[list[int], tuple[int, int, int]]


@dataclass(frozen=True, slots=True)
class Pretrained:
    """What a pretraining did: losses are means over the masked tokens of the held-out texts, natural logarithm."""

    steps: int
    tokens: int
    seconds: float
    before: float
    after: float
    device: str
    precision: str


def pretrain(
    settings: Pretraining,
    texts: Texts,
    folder: Path,
    say: Callable[[str], None],
    every: float = CHECKPOINT_SECONDS,
) -> Pretrained:
    """Train `settings.base` on masked words of `texts` and write encoder, tokenizer and head to `folder`.

    A run that was killed goes on from its last checkpoint. Raises ModelError for a base that cannot be started from, a
    loss that is no number and a folder that cannot be written, SettingError when the folder is the base's own.
    """
    base_folder, _ = locate(settings.base)
    if base_folder.resolve() == folder.resolve():
        raise SettingError(f"{folder} is the base itself; choose another folder for what is made of it")
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    machine = Machine.here()
    torch.manual_seed(settings.seed)
    base = read_base(settings.base, settings.longest + 2)
    network = MaskedWordNetwork(base.config, base.encoder)
    say(f"the head is {'that of the base' if network.start_head(base_folder) else 'a new one'}")
    network.to(machine.device)
    special = special_ids(base.tokenizer, base.config)
    masking = Masking(base.tokenizer, special, settings.masked, settings.whole_words)
    reader = WordTokenizer(base.tokenizer)
    pieces, held_out = (read_pieces(some, reader, settings.longest) for some in (texts.train, texts.held_out))
    lengths = [len(piece.ids) for piece in pieces]
    say(
        f"{len(texts.train):,} texts of {sum(lengths):,} tokens to learn from,"
        f" {len(texts.held_out):,} of {sum(len(piece.ids) for piece in held_out):,} held out"
    )

    def plan(epoch: int) -> list[Batch]:
        batches = make_batches(lengths, settings.batch_tokens, random.Random(f"{settings.seed} {epoch}"))
        return [(batch, (settings.seed, epoch, i)) for i, batch in enumerate(batches)]

    def loss(batch: Batch) -> tuple[torch.Tensor, int]:
        indices, seed = batch
        masked = masking.batch([pieces[i] for i in indices], np.random.default_rng(seed))
        return _loss(network, masked, machine), int(masked.mask.sum())

    def judge() -> float:
        return _judge(network, held_out, masking, settings, machine)

    before = judge()
    epochs, steps = _length(settings, lengths, plan)
    training = json.dumps(asdict(settings) | {"steps": steps, "texts": texts.digest}, sort_keys=True)
    pace = descend(network, settings, Course(epochs, steps, plan, loss), folder, training, say, every)
    after = judge()
    say(f"held-out loss {before:.4f} before and {after:.4f} after")

    with writing(folder):
        save_weights(network.encoder.state_dict(), folder, int8=False)
        head = {name: value.cpu().contiguous() for name, value in network.head().items()}
        (folder / HEAD_FILE).write_bytes(save(head, metadata={"format": "pt"}))
        base.config.save_pretrained(folder)
        base.tokenizer.save(str(folder / TOKENIZER_FILE), pretty=False)
        pace.save(folder)
    return Pretrained(steps, pace.tokens, pace.seconds, before, after, machine.name, machine.precision)


def _length(settings: Pretraining, lengths: Sequence[int], plan: Callable[[int], list[Batch]]) -> tuple[int, int]:
    """Epochs and steps, from lengths alone: as asked, or one pass."""
    epochs = steps = tokens = 0
    while True:
        epochs += 1
        for indices, _ in plan(epochs - 1):
            steps += 1
            tokens += sum(lengths[i] + 2 for i in indices)
            if steps == settings.steps or (settings.tokens is not None and tokens >= settings.tokens):
                return epochs, steps
        if settings.steps is None and settings.tokens is None:
            return epochs, steps


def _loss(network: MaskedWordNetwork, batch: MaskedBatch, machine: Machine) -> torch.Tensor:
    """The mean cross-entropy of the tokens that are asked for."""
    device = machine.device
    with arithmetic(device, machine.bf16):
        logits = network(*(part.to(device) for part in (batch.ids, batch.mask, batch.rows, batch.columns)))
    return cross_entropy(logits.float(), batch.labels.to(device))


@torch.no_grad()
def _judge(
    network: MaskedWordNetwork, pieces: Sequence[Piece], masking: Masking, settings: Pretraining, machine: Machine
) -> float:
    """The mean loss over held-out tokens, the same ones asked for whenever the seed is the same."""
    network.eval()
    lengths = [len(piece.ids) for piece in pieces]
    total = asked = 0.0
    for i, indices in enumerate(make_batches(lengths, settings.batch_tokens, random.Random(settings.seed))):
        batch = masking.batch([pieces[j] for j in indices], np.random.default_rng((settings.seed, i)))
        total += float(_loss(network, batch, machine)) * len(batch.labels)
        asked += len(batch.labels)
    return total / asked
