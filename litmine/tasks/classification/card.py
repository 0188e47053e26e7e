"""The model card (`README.md`) of a classifier: data and terms, scores, calibration, and the recipe."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from litmine.tasks.classification.model import identify
from litmine.tasks.classification.prepare import TrainingTexts
from litmine.tasks.classification.recipe import ClassifierRecipe
from litmine.tasks.classification.score import JudgedLabels
from litmine.tasks.classification.settings import ONE, SENTENCE, TEXT, Scheme
from litmine.tasks.classification.train import TrainingSummary
from litmine.training.base_licence import base_licence
from litmine.training.card_text import format_duration
from litmine.versions import __version__

_UNKNOWN_TERMS = "see its source"

_CARD = """\
# {name}

Labels {units}. `{model}`: {network}; trained with litmine {version}.

A score is the probability of a label. It is calibrated on {calibrated}.

## Schemes

| scheme | labels | of | {choice} |
|---|---|---|---|
{schemes}

## Data and its terms

| data | scheme | texts learnt from | labelled texts or sentences | terms |
|---|---|---|---|---|
{data}

The model keeps no text. The terms of the data also apply to its users. Texts that are scored below, and others of their
articles, were not learnt from.

## Scores

In percent. *Area*: under the ROC curve of the first label. *Saved*: work saved over sampling at a recall of
{recall:.0f} %, and the precision there. *Calibration*: mean difference of probability and share of right labels.
Intervals: 95 %, bootstrap over documents.

| data | of | micro F1 | 95 % interval | macro F1 | 95 % interval | area | precision | saved | calibration |
|---|---|---|---|---|---|---|---|---|---|
{scores}
{by_label}
## Recipe

{epochs} passes of {tokens} tokens a step, {steps:,} steps, AdamW with a learning rate of {rate}, dropout
{dropout:g}, seed {seed}; all settings are in `recipe.json`. {duration} on {device}, in {precision}. One run, one seed.
"""
# More labels than these are not listed in the table of schemes.
_LISTED = 20


def write_card(
    folder: Path,
    recipe: ClassifierRecipe,
    schemes: Sequence[Scheme],
    texts: TrainingTexts,
    summary: TrainingSummary,
    scores: Mapping[str, JudgedLabels],
) -> None:
    """Write `README.md` into the model's folder."""
    if recipe.base:
        network = f"all layers of `{Path(recipe.base).name}` (licence: {base_licence(recipe.base)})"
        rate = f"{recipe.base_learning_rate:g}"
    else:
        layers = {0: "no layer of its own", 1: "one layer of its own"}.get(recipe.layers, f"{recipe.layers} layers")
        network = f"{layers} on `{Path(recipe.trunk).name}`, after its layer {recipe.after}, votes of words"
        if recipe.words and any(one.unit == TEXT for one in schemes):
            network += ", and a logistic regression over hashed words and pairs of words"
        rate = f"{recipe.learning_rate:g}"
        if recipe.layers:
            rate += f" for the votes and {recipe.learning_rate * recipe.layer_rate:g} for the layers"
    folds = f"the scores that models of {recipe.folds} parts gave to texts that they had not learnt from"
    card = _CARD.format(
        name=recipe.name,
        units=" and ".join(f"{unit}s" for unit in (TEXT, SENTENCE) if any(one.unit == unit for one in schemes)),
        model=identify(folder, recipe.name),
        network=network,
        version=__version__,
        calibrated=folds if recipe.folds else "a tenth of the articles of each corpus, which was not learnt from",
        choice="one or several",
        schemes=_rows(
            (
                one.name,
                ", ".join(one.labels[:_LISTED]) + (", ..." if len(one.labels) > _LISTED else ""),
                f"{one.unit}s",
                "one" if one.choice == ONE else "several" + (", all with their scores" if one.every else ""),
            )
            for one in schemes
        ),
        data=_rows(_data_rows(texts)),
        recall=100 * recipe.recall,
        scores=_rows(_score_cells(name, one) for name, one in scores.items()) or f"|{' – |' * 10}",
        by_label="".join(_label_table(name, one) for name, one in scores.items()),
        epochs=recipe.epochs,
        tokens=f"{recipe.batch_tokens:,}",
        steps=summary.steps,
        rate=rate,
        dropout=recipe.dropout,
        seed=recipe.seed,
        duration=format_duration(summary.seconds).capitalize(),
        device=summary.device,
        precision=summary.precision,
    )
    (folder / "README.md").write_text(card, encoding="utf-8")


def _data_rows(texts: TrainingTexts) -> Iterable[Sequence[str]]:
    for place, (how, file) in enumerate(texts.files):
        own = [one for i, one in enumerate(texts.examples) if one.file == place and i not in texts.calibrating]
        if own:
            spans = sum(len(one.targets) for one in own)
            scheme = texts.schemes[own[0].scheme].name
            terms = how.terms or _UNKNOWN_TERMS
            yield file.corpus or file.path.name, scheme, f"{len(own):,}", f"{spans:,}", terms


def _score_cells(name: str, one: JudgedLabels) -> Sequence[str]:
    scores, found = one.scores, one.screening
    micro, macro = (scores.intervals.get(key, (0.0, 0.0)) for key in ("micro", "macro_f1"))
    return (
        name, f"{one.spans:,}", f"{scores.by_label['micro']['f1']:.1f}", f"{micro[0]:.1f} to {micro[1]:.1f}",
        f"{scores.macro_f1:.1f}", f"{macro[0]:.1f} to {macro[1]:.1f}",
        "–" if one.area is None else f"{100 * one.area:.1f}",
        "–" if found is None else f"{100 * found.precision:.1f}",
        "–" if found is None else f"{100 * found.saved:.1f}", f"{100 * one.calibration_error:.1f}",
    )  # fmt: skip


def _label_table(name: str, one: JudgedLabels) -> str:
    rows = _rows(
        (label, *(f"{of[key]:.1f}" for key in ("precision", "recall", "f1")), f"{of['support']:,.0f}")
        for label, of in one.scores.by_label.items()
    )
    return f"\n{name}:\n\n| label | precision | recall | F1 | in the data |\n|---|---|---|---|---|\n{rows}\n"


def _rows(rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
