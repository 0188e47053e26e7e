"""The settings of continued pretraining."""

from dataclasses import dataclass

from litmine.errors import SettingError

# Tokens of a text that masked words are learnt from at a time, special ones apart.
PIECE = 254


@dataclass(frozen=True, slots=True)
class Pretraining:
    """How to continue the pretraining of an encoder.

    base: as for `Recipe`. steps or tokens: how far, tokens counted without padding; both None is one pass over the
    texts. masked: share of the tokens that are asked for; whole_words: choose words with all their tokens.
    longest: tokens of a text that are read at a time, special ones apart.
    The others are those of `Recipe`.
    """

    name: str
    base: str
    steps: int | None = None
    tokens: int | None = None
    masked: float = 0.15
    whole_words: bool = False
    longest: int = PIECE
    batch_tokens: int = 8_192
    learning_rate: float = 3e-4
    warmup: float = 0.1
    weight_decay: float = 0.01
    clip: float = 1.0
    dropout: float = 0.0
    seed: int = 1

    def __post_init__(self) -> None:
        if self.steps is not None and self.tokens is not None:
            raise SettingError("give --steps or --tokens, and not both")
        far = self.steps if self.tokens is None else self.tokens
        if (far is not None and far < 1) or not self.learning_rate > 0 or not 0 < self.masked < 1:
            raise SettingError("steps, tokens and the learning rate must be above 0, and the masked share below 1")
        if not 1 <= self.longest <= self.batch_tokens - 2:
            raise SettingError(
                f"a batch must be at least as long as the longest piece ({self.longest + 2} tokens with its ends)"
            )
