"""The settings of continued pretraining with masked language modelling."""

from dataclasses import KW_ONLY, dataclass

from litmine.errors import SettingError
from litmine.settings import setting, setting_with_default
from litmine.training.recipe import TrainingRecipe

# Default length of the segments that texts are cut into, without special tokens.
SEGMENT_TOKENS = 254


@dataclass(frozen=True, slots=True)
class PretrainingRecipe(TrainingRecipe):
    """Continue the pretraining of an encoder (masked language modelling). The texts come from a lake or from files.

    \b
    litmine train mlm --base builtin --lake ./lake -o ./encoder --tokens 20000000
    litmine train mlm --base ./bert --text abstracts.jsonl.gz -o ./encoder --steps 2000
    litmine train ner --base ./encoder --corpus ./NCBI-disease -o ./my-model

    The output folder gets the encoder, its tokenizer, the loss of every step and a model card. The card gives the loss
    before and after the training, on 1 % of the texts, which are held out. To continue a killed run from its last
    checkpoint, run the same command again.
    """

    _: KW_ONLY
    steps: int | None = setting("Training steps.", None, unset="one pass over the texts", at_least=1)
    tokens: int | None = setting("Stop after this many tokens, without padding, instead of --steps.", None, at_least=1)
    mask_share: float = setting("Share of the tokens to mask and predict.", 0.15, above=0, below=1)
    whole_words: bool = setting("Mask all tokens of a word together.", False)
    segment_tokens: int = setting(
        "Split texts with more tokens than this, without special tokens.", SEGMENT_TOKENS, at_least=1
    )
    batch_tokens: int = setting_with_default(TrainingRecipe, "batch_tokens", 8_192)
    learning_rate: float = setting("Peak learning rate.", 3e-4, above=0)
    dropout: float = setting_with_default(TrainingRecipe, "dropout", 0.0)

    def __post_init__(self) -> None:
        TrainingRecipe.__post_init__(self)
        if self.steps is not None and self.tokens is not None:
            raise SettingError("--steps and --tokens cannot be used together; use one of them")
        if self.segment_tokens > self.batch_tokens - 2:
            raise SettingError(
                f"a batch must hold a segment with its special tokens ({self.segment_tokens + 2} tokens); raise"
                " --batch-tokens or lower --segment-tokens"
            )
