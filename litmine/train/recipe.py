"""The settings of one training, checked when they are made and saved beside what they made."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from litmine.errors import SettingError


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train an NER model.

    base: folder of the encoder to start from, ours or any of the BERT family in safetensors.
    corpora: `[NAME=]PATH`, a corpus folder (train.tsv, dev.tsv) or file.
    apart: names of the corpora whose types get heads of their own, because they follow another guideline.
    renamed: types of the files to types of the model.
    epochs, learning_rate, warmup (share of the steps), weight_decay, clip (norm of the gradient): AdamW, linear decay.
    batch_tokens: tokens a step, padding included.
    passage_tokens: sentences that follow each other are read together, up to this many tokens; whole abstracts are what
    `annotate` reads.
    longest: a passage of more tokens becomes several.
    alone: share of the sentences that are read one by one all the same.
    dropout: of the hidden states and the heads' input; attention has none (random numbers are a third of a CPU's time).
    window, overlap: of the model, in tokens: how `annotate` cuts a text (chosen on what docs/decisions.md says).
    vocabulary: keep so many tokens, the most frequent in the corpora and in `vocabulary_text` (JSONL); 0 keeps all.
    int8: keep the weights in 8 bits.
    seed: of the order, the dropout and the new layers.
    """

    name: str
    base: str
    corpora: tuple[str, ...]
    apart: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()
    epochs: int = 6
    learning_rate: float = 2e-4
    warmup: float = 0.1
    weight_decay: float = 0.01
    clip: float = 1.0
    batch_tokens: int = 3_800
    passage_tokens: int = 256
    longest: int = 510
    alone: float = 0.4
    dropout: float = 0.1
    window: int = 192
    overlap: int = 48
    vocabulary: int = 0
    vocabulary_text: str | None = None
    int8: bool = False
    seed: int = 1

    def __post_init__(self) -> None:
        if not self.corpora:
            raise SettingError("a model is trained from at least one corpus; name one with --corpus")
        if self.epochs < 1 or self.learning_rate <= 0 or self.batch_tokens < self.longest + 2:
            raise SettingError(
                "epochs must be at least 1, the learning rate above 0 and a batch at least as long as the longest"
                f" passage ({self.longest + 2} tokens)"
            )
        if not 0 <= self.overlap < self.window - 2 or self.passage_tokens > self.longest:
            raise SettingError("the overlap must be shorter than the window, and passages no longer than the longest")
        if "@" in self.name or "/" in self.name or not self.name:
            raise SettingError(f"{self.name!r} cannot name a model: no '@', no '/'")

    @property
    def base_name(self) -> str:
        """The base without the folders of this machine: models are published."""
        return Path(self.base).resolve().name if Path(self.base).is_dir() else self.base

    def save(self, file: Path) -> None:
        """Write every setting, places by their names alone."""
        settings = asdict(self) | {
            "base": self.base_name,
            "corpora": [reference.rpartition("=")[0] or Path(reference).name for reference in self.corpora],
            "vocabulary_text": Path(self.vocabulary_text).name if self.vocabulary_text else None,
        }
        file.write_text(json.dumps(settings, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
