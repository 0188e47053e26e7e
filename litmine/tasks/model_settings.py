"""The settings of how a model is loaded that every command has that runs one."""

from dataclasses import KW_ONLY, dataclass
from typing import Literal

from litmine.settings import setting


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """How a model computes."""

    _: KW_ONLY
    precision: Literal["auto", "float32", "bf16"] = setting(
        "Arithmetic of the model; auto takes bf16 where the processor or GPU has it.", "auto"
    )
    batch_tokens: int | None = setting(
        "Tokens a batch, padding included.", None, unset="what suits the device", at_least=1
    )
