"""Trunks from their folders, each loaded once for all models on it.

A trunk: what reads a text and computes its hidden states, once for all models that share it.

A model with an encoder of its own has a trunk of its own: all of the encoder but its last layer, of which a top asks
only some tokens.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from litmine.errors import ModelError
from litmine.nn.batches import Row
from litmine.nn.config import bert_shape
from litmine.nn.devices import choose_device, choose_precision, keep_memory
from litmine.nn.encoder import BertEncoder, is_plain_bert
from litmine.nn.hidden_states import Form, Layers, Packing, PaddedEncoder, Padding, States
from litmine.nn.kernel_selection import quick_kernels
from litmine.nn.loading import read_tokenizer, special_ids
from litmine.nn.tokenizer import WordReader
from litmine.nn.trunk_folder import TrunkSettings, trunk_digest
from litmine.nn.weights import load_weights


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a model runs and in which precision, `float32` or `bf16`."""

    device: torch.device
    precision: str

    @classmethod
    def choose(cls, device: str, precision: str) -> "Placement":
        """Of `auto` or what was asked for. Raises ModelError or SettingError for what cannot be had."""
        where = choose_device(device)
        return cls(where, choose_precision(precision, where))

    @property
    def dtype(self) -> torch.dtype:
        return torch.bfloat16 if self.precision == "bf16" else torch.float32

    def put(self, network: nn.Module) -> None:
        """Have a network there, to read and not to learn; its precision stays."""
        network.eval().requires_grad_(False).to(self.device)
        if self.device.type == "cpu":
            keep_memory()


@dataclass(frozen=True, slots=True)
class Windows:
    """How texts are cut: tokens of a window, special ones included, and the least that two windows share.

    `tight`: windows of a long text are only as long as they need to be.
    """

    window: int
    overlap: int
    tight: bool = True


class Trunk:
    """A loaded trunk. `digest` says which; it is empty for one that belongs to one model.

    Attributes: `reader` (the tokenizer), `special` (ids of the tokens that begin, end and pad a piece), `windows`,
    `config` (of the encoder), `place` with `device` and `precision`, `packs` (nothing is padded).
    """

    def __init__(
        self, form: Form, config: Any, tokenizer: Tokenizer, special: tuple[int, int, int], windows: Windows,
        place: Placement, digest: str = "",
    ) -> None:  # fmt: skip
        self.reader = WordReader(tokenizer)
        self.special, self.windows, self.place, self.config, self.digest = special, windows, place, config, digest
        self._form, self._vocabulary = form, int(config.vocab_size)

    @property
    def device(self) -> torch.device:
        return self.place.device

    @property
    def precision(self) -> str:
        return self.place.precision

    @property
    def packs(self) -> bool:
        return self._form.packs

    @torch.inference_mode()
    def states(self, row: Row) -> States:
        """Hidden states of a row; what the device has yet to compute, it computes while others go on."""
        if int(row.ids.max()) >= self._vocabulary:
            # On a GPU it would end every other computation too.
            raise ModelError("the tokenizer has a token that the model does not know")
        return self._form(row, self.device)

    def layers(self, own: Iterable[nn.Module] = (), after: int | None = None) -> Layers:
        """The layers of a top, which go on from the states; without any, the states of the tokens asked for.

        `after` so many of the trunk's layers, None for all. Raises ValueError for a trunk that cannot be left there.
        """
        return self._form.layers(own, after)


def form_of(encoder: Any, own: int, place: Placement, window: int, pad: int) -> tuple[Form, nn.ModuleList]:
    """How an encoder on its place computes all but its last `own` layers, and those, for a top.

    Of an encoder that is not ours all layers are computed. In bf16 the encoder is made so.
    """
    encoder.to(place.dtype)
    if not isinstance(encoder, BertEncoder):
        return Padding(_called(encoder), pad, 0), nn.ModuleList()
    first, last = encoder.parted(own)
    config = encoder.config
    kernels = quick_kernels(place.device, place.dtype, config.num_attention_heads, config.hidden_size)
    if kernels is None:
        return Padding(first.after_each, pad, len(first.encoder.layer)), last
    return Packing(first, kernels, window, pad), last


def _called(encoder: Any) -> PaddedEncoder:
    """An encoder behind the call that transformers' have, which is left at its end alone."""

    def run(ids: Tensor, mask: Tensor | None, types: Tensor | None) -> list[Tensor]:
        given = {} if types is None else {"token_type_ids": types}
        return [encoder(input_ids=ids, attention_mask=mask, **given).last_hidden_state]

    return run


# By digest, device and precision.
Trunks = dict[tuple[str, str, str], Trunk]


def load_trunk(folder: Path, place: Placement, trunks: Trunks | None = None) -> Trunk:
    """The trunk of a folder, out of `trunks` if it is among them; it is afterwards.

    Raises ModelError or what a damaged folder brings about.
    """
    digest = trunk_digest(folder)
    trunks = {} if trunks is None else trunks
    key = digest, str(place.device), place.precision
    if key not in trunks:
        settings, shape = TrunkSettings.load(folder), bert_shape(folder)
        if shape is None or not is_plain_bert(shape):
            raise ValueError("a trunk is a plain BERT, and its config.json says something else")
        tokenizer = read_tokenizer(folder)
        special = special_ids(tokenizer, shape)
        encoder = BertEncoder.holding(shape, load_weights(folder))
        place.put(encoder)
        form, _ = form_of(encoder, 0, place, settings.window, special[2])
        windows = Windows(settings.window, settings.overlap)
        trunks[key] = Trunk(form, shape, tokenizer, special, windows, place, digest)
    return trunks[key]
