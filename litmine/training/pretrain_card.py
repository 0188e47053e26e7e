"""What is written beside a pretrained encoder: its settings and its card."""

import json
from dataclasses import asdict
from pathlib import Path

from litmine.training.base_terms import base_terms
from litmine.training.checkpoint import writing
from litmine.training.pretrain import Pretrained
from litmine.training.pretrain_data import Texts
from litmine.training.pretrain_settings import Pretraining
from litmine.versions import __version__

_CARD = """\
# {name}

An encoder to start `litmine train ner --base` from; by itself it finds nothing. Made by litmine {version}: the
pretraining of `{base}` continued with masked words.

## Data and its terms

| data | texts | terms |
|---|---|---|
| {source} (digest {digest}) | {train:,}, and {held_out:,} held out | see its source; publishers may hold rights |
| {base} (the encoder to start from) | – | {base_terms} |

Whoever uses the weights is bound by the terms of the data that they learnt from.

## Loss

The mean cross-entropy (natural logarithm) of the masked tokens of the held-out texts, the same masks both times:
{before:.4f} before and {after:.4f} after. The loss of every step is in `loss.tsv`.

## Recipe

{steps:,} steps of up to {batch_tokens:,} tokens, AdamW, learning rate {learning_rate:g}, dropout {dropout:g}, seed
{seed}; {masked:.0%} of the {unit} masked (80 % hidden, 10 % replaced, 10 % kept); every setting is in `recipe.json`.
{tokens:,} tokens in {minutes:.1f} minutes on {device} ({precision}), at {rate:,.0f} tokens/s. One run, one seed.
"""


def write_mlm_card(folder: Path, settings: Pretraining, source: str, texts: Texts, done: Pretrained) -> None:
    """Write `recipe.json` and `README.md`; `source` says in words where the texts came from."""
    card = _CARD.format(
        name=settings.name,
        version=__version__,
        base=settings.base_name,
        base_terms=base_terms(settings.base),
        source=source,
        digest=texts.digest,
        train=len(texts.train),
        held_out=len(texts.held_out),
        before=done.before,
        after=done.after,
        steps=done.steps,
        batch_tokens=settings.batch_tokens,
        learning_rate=settings.learning_rate,
        dropout=settings.dropout,
        seed=settings.seed,
        masked=settings.masked,
        unit="words" if settings.whole_words else "tokens",
        tokens=done.tokens,
        minutes=done.seconds / 60,
        device=done.device,
        precision=done.precision,
        rate=done.tokens / max(done.seconds, 1e-9),
    )
    saved = asdict(settings) | {"base": settings.base_name, "texts": texts.digest}
    with writing(folder):
        (folder / "recipe.json").write_text(json.dumps(saved, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        (folder / "README.md").write_text(card, encoding="utf-8")
