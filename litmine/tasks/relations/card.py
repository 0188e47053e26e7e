"""Write the model card (`README.md`) of a relation model: data and terms, scores with baselines, and the recipe."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from litmine.tasks.relations.judged_scores import CorpusScores, score_table
from litmine.tasks.relations.prepare import TrainingCorpora
from litmine.tasks.relations.recipe import RelationRecipe
from litmine.tasks.relations.settings import RelationSettings, identify_top
from litmine.tasks.relations.train import RelationTrainingSummary
from litmine.training.card_text import format_duration
from litmine.versions import __version__

_UNKNOWN_TERMS = "see its source"

_CARD = """\
# {name}

Finds relations between mentions that taggers found. `{model}`: layers of its own: {layers}, and a head, on the trunk
`{trunk}`, after its layer {after}; trained with litmine {version}.

It reads the trunk's states of the sentences from one mention of a pair to the other, with the types of the mentions,
and judges all pairs of a text in one pass. A score is the probability of the relation type by its head; it is not
calibrated. Relations below the threshold of their head are not stored.

## Data and its terms

| corpus | head | documents learnt from | relations | terms |
|---|---|---|---|---|
{data}

The model keeps no text. The terms of the data also apply to its users. A corpus teaches only the relations that it
annotates. Documents that are scored below, and others of their articles, were not learnt from; nor was a tenth of the
articles of each corpus, which chose the thresholds.

## Heads

| head | used by `annotate` | relations | judges | sentences apart | threshold |
|---|---|---|---|---|---|
{heads}

## Scores

{scores}

In corpora that mark only the mentions of adverse events, mentions that the tagger `{tagger}` finds make pairs without a
relation.

## Recipe

{epochs} passes of {tokens} tokens a step, {steps:,} steps, AdamW with a learning rate of {rate:g} for the head and
{layer_rate:g} for the layers, dropout {dropout:g}, moving average of the weights {ema:g}, seed {seed}; all settings are
in `recipe.json`. {duration} on {device}, in {precision}. One run, one seed.
"""


def write_card(
    folder: Path,
    recipe: RelationRecipe,
    settings: RelationSettings,
    corpora: TrainingCorpora,
    summary: RelationTrainingSummary,
    scores: Mapping[str, CorpusScores],
) -> None:
    """Write `README.md` into the model's folder."""
    heads = {corpus: head.name for head in settings.heads for corpus in head.corpora}
    link = settings.trunk
    card = _CARD.format(
        name=recipe.name,
        model=identify_top(folder),
        layers=link.layers,
        trunk=f"{Path(link.reference).name}@{link.digest}",
        after=link.after,
        version=__version__,
        data=_rows(
            (
                one.corpus.name,
                heads[one.corpus.name],
                f"{len(one.train):,}",
                f"{sum(len(document.relations) for document in one.train):,}",
                one.how.terms or _UNKNOWN_TERMS,
            )
            for one in corpora.train
        ),
        heads=_rows(
            (
                head.name,
                "yes" if head.default else "no",
                ", ".join(one.name for one in head.relations),
                head.level,
                str(head.max_sentences),
                f"{head.threshold:.2f}",
            )
            for head in settings.heads
        ),
        scores=score_table(scores),
        tagger=recipe.tagger,
        epochs=recipe.epochs,
        tokens=f"{recipe.batch_tokens:,}",
        steps=summary.steps,
        rate=recipe.learning_rate,
        layer_rate=recipe.learning_rate * recipe.layer_rate,
        dropout=recipe.dropout,
        ema=recipe.ema_decay,
        seed=recipe.seed,
        duration=format_duration(summary.seconds).capitalize(),
        device=summary.device,
        precision=summary.precision,
    )
    (folder / "README.md").write_text(card, encoding="utf-8")


def _rows(rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
