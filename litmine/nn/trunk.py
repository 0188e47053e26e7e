"""The trunk: tokenizer and lower encoder layers, loaded once for all models that share them.

A model with its own encoder has a trunk of its own, with all layers but the last. The top computes the last layer,
for only the tokens that it needs.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from litmine.errors import ModelError
from litmine.nn.batches import TokenRow
from litmine.nn.config import bert_shape, is_plain_bert
from litmine.nn.devices import choose_device, choose_precision, keep_freed_memory
from litmine.nn.encoder import BertEncoder
from litmine.nn.hidden_states import HiddenStates, PackedRunner, PaddedEncoder, PaddedRunner, TopLayers, TrunkRunner
from litmine.nn.kernel_selection import fastest_kernels
from litmine.nn.loading import read_tokenizer, special_ids
from litmine.nn.tokenizer import WordTokenizer
from litmine.nn.trunk_folder import TrunkSettings, trunk_digest
from litmine.nn.weights import load_weights


@dataclass(frozen=True, slots=True)
class Placement:
    """The device and the precision, `float32` or `bf16`, of a model."""

    device: torch.device
    precision: str

    @classmethod
    def choose(cls, device: str, precision: str) -> "Placement":
        """Resolve `auto`. Raises as `choose_device` and `choose_precision`."""
        chosen = choose_device(device)
        return cls(chosen, choose_precision(precision, chosen))

    @property
    def dtype(self) -> torch.dtype:
        return torch.bfloat16 if self.precision == "bf16" else torch.float32

    def put(self, network: nn.Module) -> None:
        """Move a network to the device and set it up for inference; its precision stays."""
        network.eval().requires_grad_(False).to(self.device)
        if self.device.type == "cpu":
            keep_freed_memory()


@dataclass(frozen=True, slots=True)
class WindowSettings:
    """How texts are cut: tokens of a window with special tokens, and the least overlap of two windows.

    `tight`: make the windows of a long text as short as possible without adding one.
    """

    window: int
    overlap: int
    tight: bool = True


class Trunk:
    """A loaded trunk.

    Attributes: `tokenizer`, `special` (ids of the tokens that begin, end and pad a window), `windows`, `config` (of the
    encoder), `place` with `device` and `precision`, `packs` (rows have no padding), `digest` (empty for a trunk that
    belongs to one model).
    """

    def __init__(
        self, runner: TrunkRunner, config: Any, tokenizer: Tokenizer, special: tuple[int, int, int],
        windows: WindowSettings, place: Placement, digest: str = "",
    ) -> None:  # fmt: skip
        self.tokenizer = WordTokenizer(tokenizer)
        self.special, self.windows, self.place, self.config, self.digest = special, windows, place, config, digest
        self._runner, self._vocabulary = runner, int(config.vocab_size)

    @property
    def device(self) -> torch.device:
        return self.place.device

    @property
    def precision(self) -> str:
        return self.place.precision

    @property
    def packs(self) -> bool:
        return self._runner.packs

    @torch.inference_mode()
    def states(self, row: TokenRow, depth: int | None = None) -> HiddenStates:
        """Hidden states of a row after at most `depth` layers, None for all.

        Raises ModelError for an unknown token id.
        """
        if int(row.ids.max()) >= self._vocabulary:
            # On a GPU, an index error would break all later computations of the process.
            raise ModelError("the tokenizer has a token that is not in the model's vocabulary")
        return self._runner(row, self.device, depth)

    def given_states(self, row: TokenRow, hidden: Tensor, after: int) -> HiddenStates:
        """The hidden states of a row, given as (tokens, width), from which the layers of tops continue."""
        return self._runner.place(row, hidden, self.device, after)

    def layers(self, upper: Iterable[nn.Module] = (), after: int | None = None) -> TopLayers:
        """Prepare a top's layers, which continue from the states after `after` trunk layers, None for all.

        Without layers, the result only selects tokens. Raises ValueError when the trunk has no such layer.
        """
        return self._runner.layers(upper, after)


def make_runner(
    encoder: Any, upper_layers: int, place: Placement, window: int, pad: int
) -> tuple[TrunkRunner, nn.ModuleList]:
    """Runner for all but the last `upper_layers` layers of an encoder, and these layers, for a top.

    An encoder of transformers is not split: its runner computes all layers. Converts the encoder to `place.dtype`.
    """
    encoder.to(place.dtype)
    if not isinstance(encoder, BertEncoder):
        return PaddedRunner(_padded_encoder(encoder), pad, 0), nn.ModuleList()
    lower, upper = encoder.split_off(upper_layers)
    config = encoder.config
    kernels = fastest_kernels(place.device, place.dtype, config.num_attention_heads, config.hidden_size)
    if kernels is None:
        return PaddedRunner(lower.hidden_states, pad, len(lower.encoder.layer)), upper
    return PackedRunner(lower, kernels, window, pad), upper


def _padded_encoder(encoder: Any) -> PaddedEncoder:
    """An encoder of transformers as a `PaddedEncoder` that returns its last states only."""

    def run(ids: Tensor, mask: Tensor | None, types: Tensor | None) -> list[Tensor]:
        arguments = {} if types is None else {"token_type_ids": types}
        return [encoder(input_ids=ids, attention_mask=mask, **arguments).last_hidden_state]

    return run


# Loaded trunks by digest, device and precision.
LoadedTrunks = dict[tuple[str, str, str], Trunk]


def load_trunk(folder: Path, place: Placement, trunks: LoadedTrunks | None = None) -> Trunk:
    """The trunk of a folder: from `trunks`, or else loaded and added to them.

    Raises ModelError; a damaged folder may raise any exception, see `model_folder_errors`.
    """
    digest = trunk_digest(folder)
    trunks = {} if trunks is None else trunks
    key = digest, str(place.device), place.precision
    if key not in trunks:
        settings, shape = TrunkSettings.load(folder), bert_shape(folder)
        if shape is None or not is_plain_bert(shape):
            raise ValueError("a trunk must be a plain BERT, but its config.json describes another model")
        tokenizer = read_tokenizer(folder)
        special = special_ids(tokenizer, shape)
        encoder = BertEncoder.for_inference(shape, load_weights(folder), place.dtype)
        place.put(encoder)
        runner, _ = make_runner(encoder, 0, place, settings.window, special[2])
        windows = WindowSettings(settings.window, settings.overlap)
        trunks[key] = Trunk(runner, shape, tokenizer, special, windows, place, digest)
    return trunks[key]
