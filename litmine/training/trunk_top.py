"""Train a top: layers of its own that continue from a frozen trunk, which other models share.

The trunk's lower layers compute without gradients and without dropout, so a step costs less than one of all layers, and
the trunk stays the same. The top's layers begin as the base's layers of the same numbers.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from litmine.errors import ModelError, SettingError
from litmine.nn.config import bert_shape
from litmine.nn.encoder import BertEncoder, EncoderOutput, UpperLayers
from litmine.nn.references import BUILTIN_TRUNK, TRUNK, is_builtin, locate, read_description
from litmine.nn.trunk_folder import TrunkLink, TrunkSettings, find_trunk, read_trunk_link, trunk_digest
from litmine.training.frozen_states import FrozenStates


@dataclass(frozen=True, slots=True)
class TrunkBase:
    """The trunk of a base: its folder, settings, number of layers, and whether it is the built-in one."""

    folder: Path
    settings: TrunkSettings
    depth: int
    is_builtin: bool

    @classmethod
    def read(cls, folder: Path, builtin: bool) -> "TrunkBase":
        """Read the settings of a trunk's folder. Raises ModelError when it holds none."""
        shape = bert_shape(folder)
        if shape is None:
            raise ModelError(f"the trunk in {folder} is no BERT, so no top can be trained on it; use another base")
        return cls(folder, TrunkSettings.load(folder), shape.num_hidden_layers, builtin)

    def link(self, top: Path, layers: int, after: int) -> TrunkLink:
        """The link of a top in the folder `top`, whose `layers` layers continue after layer `after`.

        A trunk that is not built in is named by its path relative to the top's folder. Raises SettingError when the
        trunk has fewer layers.
        """
        if after > self.depth:
            raise SettingError(f"--top-after must be at most {self.depth}, the layers of the trunk, not {after}")
        reference = BUILTIN_TRUNK if self.is_builtin else os.path.relpath(self.folder.resolve(), top.resolve())
        return TrunkLink(reference, trunk_digest(self.folder), layers, None if after == self.depth else after)


def find_base_trunk(reference: str) -> TrunkBase:
    """The trunk that a base is or stands on. Raises SettingError for a base without one, ModelError for a missing one.

    Raises ValueError for a base with damaged settings.
    """
    folder, _ = locate(reference)
    if read_description(folder).get("task") == TRUNK:
        return TrunkBase.read(folder, is_builtin(reference))
    link = read_trunk_link(folder)
    if link is None:
        raise SettingError(
            f"--top-layers needs a base that is a trunk or stands on one, and {reference} does not; use"
            f" {BUILTIN_TRUNK}, or omit the flag"
        )
    trunk = find_trunk(folder, link)
    return TrunkBase.read(trunk, is_builtin(link.reference))


class TrunkTop(UpperLayers):
    """The layers of a top, with the encoder's call signature: token ids and mask to hidden states.

    Its parameters are those of the top alone; the names are those of `UpperLayers`.
    """

    def __init__(self, config: Any, base: BertEncoder, after: int, layers: int) -> None:
        """`layers` layers that continue after the first `after` of `base`."""
        base_layers = base.encoder.layer
        super().__init__(config, after, layers)
        for own, start in zip(self.layers, base_layers[after : after + layers], strict=False):
            own.load_state_dict(start.state_dict())
        lower = BertEncoder(config, base.embeddings, base_layers[:after])
        lower.eval().requires_grad_(False)
        # In a tuple, so that it is no part of what is trained and saved.
        self._lower = (FrozenStates(lower),)

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> EncoderOutput:
        """Hidden states (texts, tokens, width) after the top's layers; `attention_mask` is true at tokens."""
        (lower,) = self._lower
        hidden = lower.read(input_ids, attention_mask)
        mask = None if attention_mask is None else attention_mask.bool()[:, None, None, :]
        for layer in self.layers:
            hidden = layer(hidden, mask)
        return EncoderOutput(hidden)
