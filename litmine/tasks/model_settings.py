"""The settings of every command that runs a model. The command line shows their help, so nothing here imports much."""

from dataclasses import KW_ONLY, dataclass
from typing import Literal

from litmine.settings import setting


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """The settings of every command that runs a model."""

    _: KW_ONLY
    precision: Literal["auto", "float32", "bf16"] = setting(
        "Arithmetic of the model; auto uses bf16 if the processor or GPU supports it in hardware.", "auto"
    )
    batch_tokens: int | None = setting(
        "Tokens per batch, including padding.", None, unset="what suits the device", at_least=1
    )
