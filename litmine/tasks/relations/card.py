"""Write the model card (`README.md`) of a relation model: data and terms, scores with baselines, and the recipe."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from litmine.tasks.relations.judged_scores import CorpusScores
from litmine.tasks.relations.prepare import TrainingCorpora
from litmine.tasks.relations.recipe import RelationRecipe
from litmine.tasks.relations.settings import RelationSettings, identify_top
from litmine.tasks.relations.train import RelationTrainingSummary
from litmine.training.card_text import format_duration
from litmine.versions import __version__

_UNKNOWN_TERMS = "see its source"

_CARD = """\
# {name}

Finds relations between mentions that taggers found. `{model}`: {layers} layers and a head on the trunk
`{trunk}`, after its layer {after}; trained with litmine {version}.

It reads the sentences from one mention of a pair to the other, with the types of the mentions, and judges all pairs of
a stretch in one pass. A score is the probability of the relation type by its head; it is not calibrated. Relations
below the threshold of their head are not stored.

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

Micro F1 in percent over pairs of gold mentions, or of identifiers where the corpus relates these (the best pair of
mentions of two identifiers counts), at the threshold. *Baseline*: each pair in one sentence has the most frequent
relation of its types. *Area*: under the ROC curve, of whether a pair is related at all. *Kept*: right relations that
the threshold keeps. Intervals: 95 %, bootstrap over documents. In corpora that mark only the mentions of adverse
events, mentions that the tagger `{tagger}` finds make pairs without a relation.

| corpus | relations | precision | recall | F1 | 95 % interval | baseline | area | kept |
|---|---|---|---|---|---|---|---|---|
{scores}

## Recipe

{epochs} passes of {tokens} tokens a step, {steps:,} steps, AdamW with a learning rate of {rate:g} for the head and
{layer_rate:g} for the layers, dropout {dropout:g}, seed {seed}; all settings are in `recipe.json`. {duration} on
{device}, in {precision}. One run, one seed.
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
        scores=_rows(_score_cells(name, one) for name, one in scores.items()) or f"|{' – |' * 9}",
        tagger=recipe.tagger,
        epochs=recipe.epochs,
        tokens=f"{recipe.batch_tokens:,}",
        steps=summary.steps,
        rate=recipe.learning_rate,
        layer_rate=recipe.learning_rate * recipe.layer_rate,
        dropout=recipe.dropout,
        seed=recipe.seed,
        duration=format_duration(summary.seconds).capitalize(),
        device=summary.device,
        precision=summary.precision,
    )
    (folder / "README.md").write_text(card, encoding="utf-8")


def _score_cells(name: str, one: CorpusScores) -> Sequence[str]:
    micro = one.by_type["micro"]
    low, high = one.interval
    return (
        name, f"{micro['support']:,.0f}", f"{micro['precision']:.1f}", f"{micro['recall']:.1f}", f"{micro['f1']:.1f}",
        f"{low:.1f} to {high:.1f}", f"{one.baseline:.1f}", "–" if one.area is None else f"{one.area:.1f}",
        f"{one.kept:.1f}",
    )  # fmt: skip


def _rows(rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
