"""Write the model card (`README.md`) of a linker: data and terms, scores with their ceilings, and the recipe."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from litmine.tasks.linking.baselines import STAGES
from litmine.tasks.linking.evaluate import LinkingScores
from litmine.tasks.linking.recipe import LinkerRecipe, split_reference
from litmine.tasks.linking.settings import identify
from litmine.tasks.linking.trained_linker import TrainedLinker
from litmine.training.card_text import format_duration
from litmine.versions import __version__

_UNKNOWN_TERMS = "see its source"

_CARD = """\
# {name}

Links mentions of diseases, chemicals, genes, species and cell lines to identifiers: those types that the table of
thresholds lists. `{model}` over the vocabulary `{vocabulary}`, trained with litmine {version}.

## Data and its terms

| corpus | documents | mentions | terms |
|---|---|---|---|
{data}

The linker keeps the names of these documents with their identifiers, and counts of both; it keeps no text. The terms of
the data also apply to its users. The vocabulary has terms of its own, in its card. Documents that are scored below, and
their copies under the same id in other corpora, were not learnt from.

## Scores

Accuracy at 1 over gold mentions that have an identifier, in percent, as `litmine evaluate linking --details` computes
it: the best concept, whatever its score, is one of the gold ones. *Ceiling*: mentions of which the vocabulary has a
gold concept; a name learnt in training can have another one, so accuracy may be above it. *Exact*: a name of the
vocabulary that is the mention but for capitals. *Long*: also that of the abbreviation's long form. *Normal*: also the
same words in another order or spelling. *Voting*: the most frequent link of the name in training documents. The last
two columns are those of the links that reach the threshold: how many are right, and how many gold mentions get the
right one. Intervals: 95 %, bootstrap over documents.

| corpus | type | mentions | accuracy | interval | ceiling | exact | long | normal | voting | precision | recall |
|---|---|---|---|---|---|---|---|---|---|---|---|
{scores}

An OMIM number in a corpus counts as the MeSH record to which MONDO maps it, because the vocabulary joins these.

## What a score means

The probability that the link is right: a logistic regression on the share and the features of the best concept, fitted
to a tenth of the training documents that the rankers have not learnt from, with the mentions that the tagger `{tagger}`
finds there beside the gold ones. The same tenth gives the thresholds, those with the best F1 of links; below them there
is no link.

| type | threshold |
|---|---|
{thresholds}

## Recipe

{units} hidden units, {epochs} passes ({gene_epochs} for genes), AdamW with a learning rate of {learning_rate:g},
dropout {dropout:g}, seed {seed}; all settings are in `recipe.json`. {duration} of CPU time, scores included. {runs}
"""


@dataclass(frozen=True, slots=True)
class TrainingFacts:
    """What the card says of a training.

    vocabulary: name@digest. learnt: documents and mentions that were learnt from, by corpus. seconds: of CPU time.
    """

    vocabulary: str
    learnt: Mapping[str, tuple[int, int]]
    seconds: float


def write_card(
    folder: Path,
    recipe: LinkerRecipe,
    trained: TrainedLinker,
    facts: TrainingFacts,
    scores: Mapping[str, Mapping[str, LinkingScores]],
) -> None:
    """Write `README.md` into the linker's folder; `scores` by corpus and type."""
    terms = {split_reference(file)[0]: one.terms for one in recipe.corpora for file in one.data}
    card = _CARD.format(
        name=recipe.name,
        model=identify(folder, folder.name, facts.vocabulary),
        vocabulary=facts.vocabulary,
        version=__version__,
        data=_rows(
            (name, f"{documents:,}", f"{mentions:,}", terms[name] or _UNKNOWN_TERMS)
            for name, (documents, mentions) in facts.learnt.items()
        ),
        scores=_rows(_score_cells(corpus, kind, one) for corpus, found in scores.items() for kind, one in found.items())
        or f"|{' – |' * 12}",
        thresholds=_rows((kind, f"{least:.2f}") for kind, least in sorted(trained.thresholds.items())),
        tagger=recipe.tagger,
        units=recipe.units,
        epochs=recipe.epochs,
        gene_epochs=recipe.gene_epochs,
        learning_rate=recipe.learning_rate,
        dropout=recipe.dropout,
        seed=recipe.seed,
        runs="One run, one seed."
        if recipe.averaged == 1
        else f"Each ranker was trained {recipe.averaged} times with consecutive seeds; its scores are their mean.",
        duration=format_duration(facts.seconds).capitalize(),
    )
    (folder / "README.md").write_text(card, encoding="utf-8")


def _score_cells(corpus: str, kind: str, one: LinkingScores) -> Sequence[str]:
    low, high = one.interval
    stages = [f"{one.stages[stage]:.1f}" for stage in STAGES]
    return (
        corpus, kind, f"{one.support:,}", f"{one.accuracy:.1f}", f"{low:.1f} to {high:.1f}", f"{one.ceiling:.1f}",
        *stages, f"{one.precision:.1f}", f"{one.recall:.1f}",
    )  # fmt: skip


def _rows(rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
