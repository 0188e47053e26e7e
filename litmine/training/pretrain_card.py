"""Write the settings and the model card of a pretrained encoder."""

import json
from dataclasses import asdict
from pathlib import Path

from litmine.training.base_licence import base_licence
from litmine.training.card_text import counted
from litmine.training.checkpoint import model_write_errors
from litmine.training.pretrain import PretrainingSummary
from litmine.training.pretrain_data import PretrainingTexts
from litmine.training.pretrain_recipe import PretrainingRecipe
from litmine.versions import __version__

_CARD = """\
# {name}

A base encoder for `litmine train`; it finds no entities or answers by itself. Made by litmine {version}: the
pretraining of `{base}` continued with masked language modelling.

## Data and its terms

| data | texts | terms |
|---|---|---|
| {source} (digest {digest}) | {train:,}, and {held_out:,} held out | see its source; publishers may hold rights |
| {base} (base encoder) | – | {base_licence} |

The terms of the training data also apply to users of the weights.

## Loss

The mean cross-entropy (natural logarithm) of the masked tokens of the held-out texts, with the same masks both times:
{before:.4f} before and {after:.4f} after. The loss of every step is in `loss.tsv`.

## Recipe

{steps} of up to {batch_tokens:,} tokens, AdamW, learning rate {learning_rate:g}, dropout {dropout:g}, seed
{seed}. {mask_share:.0%} of the {unit} were selected for prediction: 80 % masked, 10 % replaced, 10 % unchanged.
`recipe.json` has every setting. {tokens:,} tokens in {minutes:.1f} minutes on {device} ({precision}),
{rate:,.0f} tokens/s. One run, one seed.
"""


def write_mlm_card(
    folder: Path, settings: PretrainingRecipe, source: str, texts: PretrainingTexts, summary: PretrainingSummary
) -> None:
    """Write `recipe.json` and `README.md`; `source` names the origin of the texts."""
    card = _CARD.format(
        name=settings.name,
        version=__version__,
        base=settings.base_name,
        base_licence=base_licence(settings.base),
        source=source,
        digest=texts.digest,
        train=len(texts.train),
        held_out=len(texts.held_out),
        before=summary.loss_before,
        after=summary.loss_after,
        steps=counted(summary.steps, "steps"),
        batch_tokens=settings.batch_tokens,
        learning_rate=settings.learning_rate,
        dropout=settings.dropout,
        seed=settings.seed,
        mask_share=settings.mask_share,
        unit="words" if settings.whole_words else "tokens",
        tokens=summary.tokens,
        minutes=summary.seconds / 60,
        device=summary.device,
        precision=summary.precision,
        rate=summary.tokens / max(summary.seconds, 1e-9),
    )
    saved = asdict(settings) | {"base": settings.base_name, "texts": texts.digest}
    with model_write_errors(folder):
        (folder / "recipe.json").write_text(json.dumps(saved, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        (folder / "README.md").write_text(card, encoding="utf-8")
