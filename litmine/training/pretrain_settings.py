"""The settings of continued pretraining."""

from dataclasses import KW_ONLY, dataclass

from litmine.errors import SettingError
from litmine.settings import setting, setting_with_default
from litmine.training.recipe import TrainingRecipe

# Tokens of a text that masked words are learnt from at a time, special ones apart.
PIECE = 254


@dataclass(frozen=True, slots=True)
class Pretraining(TrainingRecipe):
    """Continue the pretraining of an encoder with masked words, on a lake's abstracts or on files.

    \b
    litmine train mlm --base builtin --lake ./lake -o ./encoder --tokens 20000000
    litmine train mlm --base ./bert --text abstracts.jsonl.gz -o ./encoder --steps 2000
    litmine train ner --base ./encoder --corpus ./NCBI-disease -o ./my-model

    One text in a hundred is held out, and the loss on it is told before and after. The folder gets the encoder, its
    tokenizer, the loss of every step and a card. A killed run goes on from its last checkpoint when the same command
    is given again.
    """

    _: KW_ONLY
    steps: int | None = setting("Steps to take.", None, unset="one pass over the texts", at_least=1)
    tokens: int | None = setting("Tokens to read, padding apart, instead of a number of steps.", None, at_least=1)
    masked: float = setting("Share of the tokens that are asked for.", 0.15, above=0, below=1)
    whole_words: bool = setting("Mask words with all their tokens.", False)
    longest: int = setting("Tokens of a text read at a time, special ones apart.", PIECE, at_least=1)
    batch_tokens: int = setting_with_default(TrainingRecipe, "batch_tokens", 8_192)
    learning_rate: float = setting("Peak of the learning rate.", 3e-4, above=0)
    dropout: float = setting_with_default(TrainingRecipe, "dropout", 0.0)

    def __post_init__(self) -> None:
        TrainingRecipe.__post_init__(self)
        if self.steps is not None and self.tokens is not None:
            raise SettingError("give --steps or --tokens, and not both")
        if self.longest > self.batch_tokens - 2:
            raise SettingError(
                f"a batch must be at least as long as the longest piece ({self.longest + 2} tokens with its ends)"
            )
