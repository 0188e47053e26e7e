"""Continued pretraining of an encoder with masked language modelling (MLM), which adapts it to biomedical text.

BioBERT was made from BERT in this way. The result is a folder that other trainings use as their base.
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
from litmine.training.checkpoint import model_write_errors
from litmine.training.pretrain_data import MaskedBatch, PretrainingTexts, TokenMasker, TokenSegment, make_segments
from litmine.training.pretrain_recipe import PretrainingRecipe
from litmine.training.trainer import CHECKPOINT_SECONDS, TrainingDevice, TrainingPlan, train_network, training_precision

HEAD_FILE = "mlm_head.safetensors"
# Names of the head's weights in BERT checkpoints, and here.
_BERT_HEAD = {
    "cls.predictions.transform.dense.weight": "transform.0.weight",
    "cls.predictions.transform.dense.bias": "transform.0.bias",
    "cls.predictions.transform.LayerNorm.weight": "transform.2.weight",
    "cls.predictions.transform.LayerNorm.bias": "transform.2.bias",
    "cls.predictions.bias": "bias",
}


class MaskedLanguageModel(nn.Module):
    """An encoder with BERT's masked language model head, which computes logits at the selected positions only.

    The projection to the vocabulary is the encoder's embedding matrix with a bias. It is most of the cost, so the
    positions are gathered before it.
    """

    def __init__(self, config: Any, encoder: Any) -> None:
        super().__init__()
        self.config = config
        self.encoder: Any = encoder
        if getattr(encoder, "pooler", None) is not None:
            encoder.pooler = None
        vocabulary, size = encoder.get_input_embeddings().weight.shape
        eps = getattr(config, "layer_norm_eps", 1e-12)
        dense = nn.Linear(config.hidden_size, size)
        nn.init.normal_(dense.weight, std=getattr(config, "initializer_range", 0.02))
        nn.init.zeros_(dense.bias)
        self.transform = nn.Sequential(dense, nn.GELU(), nn.LayerNorm(size, eps))
        self.bias = nn.Parameter(torch.zeros(vocabulary))

    def forward(self, ids: Tensor, mask: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
        """Logits (selected, vocabulary) from ids and mask (segments, tokens), and rows and columns (selected,)."""
        hidden = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state[rows, columns]
        return linear(self.transform(hidden), self.encoder.get_input_embeddings().weight, self.bias)

    def head_weights(self) -> dict[str, Tensor]:
        """The weights outside the encoder."""
        return {name: value for name, value in self.state_dict().items() if not name.startswith("encoder.")}

    def load_head(self, base: Path) -> bool:
        """Load the head that litmine or BERT stored in the folder `base`; returns whether it has one that fits."""
        head: dict[str, Tensor] = {}
        if (base / HEAD_FILE).is_file():
            head = load_file(base / HEAD_FILE)
        elif (base / WEIGHTS_FILE).is_file():
            stored = load_file(base / WEIGHTS_FILE)
            head = {name: stored[bert_name] for bert_name, name in _BERT_HEAD.items() if bert_name in stored}
        shapes = {name: value.shape for name, value in self.head_weights().items()}
        if {name: value.shape for name, value in head.items()} != shapes:
            return False
        self.load_state_dict({name: value.float() for name, value in head.items()}, strict=False)
        return True


# A batch: the indices of its segments, and the random seed of its masks.
BatchPlan = tuple[list[int], tuple[int, int, int]]


@dataclass(frozen=True, slots=True)
class PretrainingSummary:
    """The outcome of a pretraining, for the model card. Steps, tokens and seconds include those of killed runs.

    loss_before, loss_after: mean cross-entropy (natural logarithm) of the held-out texts' selected tokens.
    """

    steps: int
    tokens: int
    seconds: float
    loss_before: float
    loss_after: float
    device: str
    precision: str


def pretrain(
    settings: PretrainingRecipe,
    texts: PretrainingTexts,
    folder: Path,
    log: Callable[[str], None],
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> PretrainingSummary:
    """Train the base with masked language modelling on `texts`; write encoder, tokenizer and head to `folder`.

    A killed run resumes from its last checkpoint; `checkpoint_seconds` is the time between checkpoints. Raises
    ModelError for an unusable base, a loss that is not finite, and a folder that cannot be written; SettingError when
    `folder` is the base's own folder.
    """
    base_folder, _ = locate(settings.base)
    if base_folder.resolve() == folder.resolve():
        raise SettingError(f"{folder} is the base itself; choose another output folder")
    with model_write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    training_device = TrainingDevice.current()
    torch.manual_seed(settings.seed)
    base = read_base(settings.base, settings.segment_tokens + 2)
    network = MaskedLanguageModel(base.config, base.encoder)
    log("the MLM head comes from the base" if network.load_head(base_folder) else "the MLM head is new")
    network.to(training_device.device)
    special = special_ids(base.tokenizer, base.config)
    masker = TokenMasker(base.tokenizer, special, settings.mask_share, settings.whole_words)
    tokenizer = WordTokenizer(base.tokenizer)
    segments = make_segments(texts.train, tokenizer, settings.segment_tokens)
    held_out = make_segments(texts.held_out, tokenizer, settings.segment_tokens)
    lengths = [len(segment.ids) for segment in segments]
    log(
        f"{len(texts.train):,} training texts with {sum(lengths):,} tokens,"
        f" {len(texts.held_out):,} held-out texts with {sum(len(segment.ids) for segment in held_out):,} tokens"
    )

    def epoch_batches(epoch: int) -> list[BatchPlan]:
        batches = make_batches(lengths, settings.batch_tokens, random.Random(f"{settings.seed} {epoch}"))
        return [(batch, (settings.seed, epoch, i)) for i, batch in enumerate(batches)]

    def batch_loss(batch: BatchPlan) -> tuple[torch.Tensor, int]:
        indices, seed = batch
        masked = masker.batch([segments[i] for i in indices], np.random.default_rng(seed))
        return _mean_loss(network, masked, training_device), int(masked.mask.sum())

    loss_before = _held_out_loss(network, held_out, masker, settings, training_device)
    epochs, steps = _count_steps(settings, lengths, epoch_batches)
    training_id = json.dumps(asdict(settings) | {"steps": steps, "texts": texts.digest}, sort_keys=True)
    plan = TrainingPlan(epochs, steps, epoch_batches, batch_loss)
    progress = train_network(network, settings, plan, folder, training_id, log, checkpoint_seconds)
    loss_after = _held_out_loss(network, held_out, masker, settings, training_device)
    log(f"loss on the held-out texts: {loss_before:.4f} before, {loss_after:.4f} after")

    with model_write_errors(folder):
        save_weights(network.encoder.state_dict(), folder, int8=False)
        head = {name: value.cpu().contiguous() for name, value in network.head_weights().items()}
        (folder / HEAD_FILE).write_bytes(save(head, metadata={"format": "pt"}))
        base.config.save_pretrained(folder)
        base.tokenizer.save(str(folder / TOKENIZER_FILE), pretty=False)
        progress.save(folder)
    return PretrainingSummary(
        steps,
        progress.tokens,
        progress.seconds,
        loss_before,
        loss_after,
        training_device.name,
        training_device.precision,
    )


def _count_steps(
    settings: PretrainingRecipe, lengths: Sequence[int], epoch_batches: Callable[[int], list[BatchPlan]]
) -> tuple[int, int]:
    """Epochs and steps, from the settings and the lengths of the segments; one epoch without --steps or --tokens."""
    epochs = steps = tokens = 0
    while True:
        epochs += 1
        for indices, _ in epoch_batches(epochs - 1):
            steps += 1
            tokens += sum(lengths[i] + 2 for i in indices)
            if steps == settings.steps or (settings.tokens is not None and tokens >= settings.tokens):
                return epochs, steps
        if settings.steps is None and settings.tokens is None:
            return epochs, steps


def _mean_loss(network: MaskedLanguageModel, batch: MaskedBatch, training_device: TrainingDevice) -> torch.Tensor:
    """The mean cross-entropy of the selected tokens."""
    device = training_device.device
    with training_precision(device, training_device.bf16):
        logits = network(*(part.to(device) for part in (batch.ids, batch.mask, batch.rows, batch.columns)))
    return cross_entropy(logits.float(), batch.labels.to(device))


@torch.no_grad()
def _held_out_loss(
    network: MaskedLanguageModel,
    segments: Sequence[TokenSegment],
    masker: TokenMasker,
    settings: PretrainingRecipe,
    training_device: TrainingDevice,
) -> float:
    """The mean loss of the held-out texts; the selected tokens depend on the seed only."""
    network.eval()
    lengths = [len(segment.ids) for segment in segments]
    total, selected = 0.0, 0
    for i, indices in enumerate(make_batches(lengths, settings.batch_tokens, random.Random(settings.seed))):
        batch = masker.batch([segments[j] for j in indices], np.random.default_rng((settings.seed, i)))
        total += float(_mean_loss(network, batch, training_device)) * len(batch.labels)
        selected += len(batch.labels)
    return total / selected
