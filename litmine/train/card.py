"""The model card, written beside the weights from what was done and measured."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from litmine import __version__
from litmine.models.folder import identify_folder
from litmine.train.corpora import Corpus
from litmine.train.loop import Trained
from litmine.train.metrics import Scores
from litmine.train.recipe import Recipe

# What the pages of corpora and bases say of their terms; what is one's own has one's own.
TERMS = {
    "all-MiniLM-L6-v2": "Apache-2.0",
    "NCBI-disease": "NCBI, public domain notice",
    "BC5CDR": "NCBI (BioCreative V), public domain notice",
    "BC2GM": "BioCreative II, as distributed in MTL-Bioinformatics-2016 (CC BY 4.0)",
    "LINNAEUS": "CC BY 4.0",
    "JNLPBA": "GENIA Project License",
    "Species-800": "terms not stated by its authors",
}

_CARD = """\
# {name}

Finds {types} in biomedical titles and abstracts. `{model}`, made by litmine {version}.

## Heads

One head a type, over every word; `annotate` uses the default ones. A head that is not a default one is what a corpus
got whose guideline marks other things than the other corpora of that type.

| head | default | learnt from |
|---|---|---|
{heads}

## Data and its terms

| corpus | passages | mentions | terms |
|---|---|---|---|
{corpora}
| {base} (the encoder to start from) | – | – | {base_terms} |

Whoever uses the weights is bound by the terms of the data that they learnt from.

## Scores

Exact span and type, in percent, on each corpus' dev split, every sentence read alone, in float32, by the heads that
learnt from the corpus. No test split was read. The default window was chosen on the dev documents of NCBI-disease and
BC5CDR; nothing else was chosen on a dev split.

| corpus (dev) | type | precision | recall | F1 | mentions |
|---|---|---|---|---|---|
{scores}

## Recipe

Base `{base}`; {epochs} epochs, {steps:,} steps of up to {batch_tokens:,} tokens, AdamW, learning rate
{learning_rate:g}, dropout {dropout:g}, seed {seed}; every setting is in `recipe.json`. {tokens:,} tokens in
{minutes:.0f} minutes on {device} ({precision}), at {rate:,.0f} tokens/s. One run, one seed.

Weights are kept in {bits}. A window is {window} tokens; the windows of a longer text share at least {overlap}.
"""


def write_card(
    folder: Path, recipe: Recipe, corpora: Sequence[Corpus], trained: Trained, scores: dict[str, Scores]
) -> None:
    """Write `README.md` into the model's folder."""
    card = _CARD.format(
        name=recipe.name,
        types=", ".join(head.name for head in trained.heads if head.default),
        model=identify_folder(folder, recipe.name),
        version=__version__,
        heads=_rows((head.name, "yes" if head.default else "no", ", ".join(head.corpora)) for head in trained.heads),
        corpora=_rows(
            (corpus.name, len(corpus.passages), _mentions(corpus), _terms(corpus.name)) for corpus in corpora
        ),
        scores=_rows(
            (name, kind, figures["precision"], figures["recall"], figures["f1"], int(figures["support"]))
            for name, kinds in scores.items()
            for kind, figures in kinds.items()
            if kind != "micro" or len(kinds) > 2
        ),
        base=recipe.base_name,
        base_terms=_terms(Path(recipe.base).name),
        epochs=recipe.epochs,
        steps=trained.steps,
        batch_tokens=recipe.batch_tokens,
        learning_rate=recipe.learning_rate,
        dropout=recipe.dropout,
        seed=recipe.seed,
        tokens=trained.tokens,
        minutes=trained.seconds / 60,
        rate=trained.tokens / max(trained.seconds, 1e-9),
        device=trained.device,
        precision=trained.precision,
        bits="8 bits, a scale a row" if recipe.int8 else "float32",
        window=recipe.window,
        overlap=recipe.overlap,
    )
    (folder / "README.md").write_text(card, encoding="utf-8")


def _terms(name: str) -> str:
    return TERMS.get(name, "see its source")


def _mentions(corpus: Corpus) -> int:
    return sum(len(passage.spans) for passage in corpus.passages)


def _rows(rows: Iterable[Sequence[object]]) -> str:
    return "\n".join(f"| {' | '.join(map(_cell, row))} |" for row in rows)


def _cell(value: object) -> str:
    return f"{value:.1f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
