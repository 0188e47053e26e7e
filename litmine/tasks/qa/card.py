"""A reader's card, written beside the weights from what was done and measured."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from litmine.tasks.qa.calibrate import Calibration
from litmine.tasks.qa.question_files import QuestionFile
from litmine.tasks.qa.recipe import ReaderRecipe
from litmine.tasks.qa.settings import identify
from litmine.tasks.qa.train import Stages, Trained
from litmine.training.base_terms import base_terms
from litmine.versions import __version__

# What the sources say of their terms; a file is known by the beginning of its name. What is one's own has one's own.
TERMS = {
    "squad": "SQuAD, CC BY-SA 4.0",
    "covid_qa": "COVID-QA (deepset), Apache-2.0",
    "bioasq": "BioASQ, CC BY 2.5",
    "pubmedqa": "PubMedQA, MIT",
}
# Of the base that our recipe names.
_SHARE_ALIKE = (
    "SQuAD's terms ask that what is made from it be shared under the same licence: these weights come under CC BY-SA"
    " 4.0, with the attributions of this table."
)
_AVERAGED = "The last stage was trained {times} times, each with the next seed, and the weights are the mean of these."

_CARD = """\
# {name}

Answers questions from biomedical titles and abstracts with spans of their text{yes_no}. `{model}`, made by litmine
{version}.

## Data and its terms

| stage | file | questions | of these yes/no | terms |
|---|---|---|---|---|
{data}
| – | {base} (the encoder to start from) | – | – | {base_terms} |

Whoever uses the weights is bound by the terms of the data that they learnt from.{share_alike}

## Scores

In percent, on questions that were not learnt from, as `litmine evaluate qa` gives them, in float32: {dev}. Answers to
one question are merged over its texts as the view `answers` does it. What a dev question decided, litmine's
`docs/decisions/` says.

| measure | score |
|---|---|
{scores}

## What a score means

{calibration}

## Recipe

Base `{base}`; stages:

| stage | epochs | learning rate | windows | "no answer" | texts of other questions |
|---|---|---|---|---|---|
{stages}

{steps:,} steps of up to {batch_tokens:,} tokens, AdamW, dropout {dropout:g}, seed {seed}; every setting is in
`recipe.json`. {tokens:,} tokens in {minutes:.0f} minutes on {device} ({precision}), at {rate:,.0f} tokens/s.
{runs}

Weights are kept in {bits}. A window is {window} tokens, the question among them; the windows of a longer text share at
least {overlap}. An answer has at most {most_words} words.
"""


def write_reader_card(
    folder: Path,
    recipe: ReaderRecipe,
    stages: Stages,
    trained: Trained,
    calibration: Calibration | None,
    dev: str,
    scores: Mapping[str, float],
) -> None:
    """Write `README.md` into the reader's folder; `dev` says in words what it was judged on, empty when on nothing."""
    files = [file for stage in stages for file in stage]
    # The last stage may have been trained several times, on as many windows.
    first = trained.examples[: len(recipe.stages)]
    card = _CARD.format(
        name=recipe.name,
        yes_no=", and yes/no questions with yes or no" if trained.settings.yes_no else "",
        model=identify(folder, folder.name),
        version=__version__,
        data=_rows(
            (
                number,
                file.name,
                len(file.questions),
                sum(asked.yes is not None for asked in file.questions),
                _terms(file),
            )
            for number, stage in enumerate(stages, 1)
            for file in stage
        ),
        base=recipe.base_name,
        base_terms=base_terms(recipe.base),
        share_alike=f" {_SHARE_ALIKE}" if any(_terms(file) == TERMS["squad"] for file in files) else "",
        dev=dev or "there were none",
        scores=_rows(scores.items()) or "| – | – |",
        calibration=_calibrated(calibration),
        stages=_rows(
            (number, stage.epochs, f"{stage.learning_rate:g}", count, f"{stage.unanswered:.0%}", stage.irrelevant)
            for number, (stage, count) in enumerate(zip(recipe.stages, first, strict=True), 1)
        ),
        steps=trained.steps,
        batch_tokens=recipe.batch_tokens,
        dropout=recipe.dropout,
        seed=recipe.seed,
        tokens=trained.tokens,
        minutes=trained.seconds / 60,
        rate=trained.tokens / max(trained.seconds, 1e-9),
        device=trained.device,
        precision=trained.precision,
        runs="One run, one seed." if recipe.averaged == 1 else _AVERAGED.format(times=recipe.averaged),
        bits="8 bits, a scale a row" if recipe.int8 else "float32",
        window=recipe.window,
        overlap=recipe.overlap,
        most_words=recipe.most_words,
    )
    (folder / "README.md").write_text(card, encoding="utf-8")


def _calibrated(calibration: Calibration | None) -> str:
    if calibration is None:
        return "Scores are not calibrated: there were no held-out spans to tell right from wrong by. They only rank."
    return (
        f"The probability that a span is right, fitted on {calibration.spans:,} spans of held-out training questions,"
        f" {calibration.right:,} of them right: temperature {calibration.temperature:.3f}, bias {calibration.bias:.3f},"
        f" expected calibration error {calibration.error:.3f} on these."
    )


def _terms(file: QuestionFile) -> str:
    name = file.name.lower()
    return next((terms for known, terms in TERMS.items() if name.startswith(known)), "see its source")


def _rows(rows: Iterable[Sequence[object]]) -> str:
    return "\n".join(f"| {' | '.join(map(_cell, row))} |" for row in rows)


def _cell(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
