"""Write the model card (`README.md`) of a reader: data and licences, scores, calibration and the training."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from litmine.specs import BUILTIN_READER
from litmine.tasks.qa.calibrate import Calibration
from litmine.tasks.qa.question_files import QuestionFile
from litmine.tasks.qa.recipe import ReaderRecipe
from litmine.tasks.qa.settings import identify
from litmine.tasks.qa.train import StageFiles, TrainedReader
from litmine.training.base_licence import base_licence
from litmine.training.card_text import base_data, counted, describe_base_data, file_name, format_duration
from litmine.versions import __version__

# The licences of the data sets, which are recognised by the beginning of a file's name, or else of its folder's name.
LICENCES = {
    "squadshifts": "SQuADShifts, CC BY 4.0",
    "squad": "SQuAD, CC BY-SA 4.0",
    "covid_qa": "COVID-QA (deepset), Apache-2.0",
    "bioasq": "BioASQ, CC BY 2.5",
    "pubmedqa": "PubMedQA, MIT",
    "evidenceinference": "Evidence Inference, MIT",
}
_SHARE_ALIKE = (
    "SQuAD's licence requires that works derived from it have the same licence. These weights are licensed under CC"
    " BY-SA 4.0, with the attributions in this table."
)
# True of the built-in reader alone: whoever trains another chooses its settings.
_CHOICES = " `docs/decisions/` of litmine lists the choices made on dev questions."
_AVERAGED = (
    "The last stage was trained {times} times with consecutive seeds, and the weights are the mean of these runs."
)

_CARD = """\
# {name}

Answers questions with spans of biomedical titles and abstracts{yes_no}. `{model}`, trained with litmine {version}.

## Data and its terms

| stage | file | questions | of these yes/no | terms |
|---|---|---|---|---|
{data}
| – | {base} (base encoder) | – | – | {base_licence} |

The terms of the training data also apply to users of the weights.{share_alike}

## Scores

Percent, as `litmine evaluate qa` computes them in float32, on questions that were not used for training: {dev}. The
answers of a question's texts are merged as in the view `answers`.{choices}{base_data}

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

{steps} of up to {batch_tokens:,} tokens, AdamW, dropout {dropout:g}, seed {seed}; all settings are in
`recipe.json`. {tokens:,} tokens in {duration} on {device} ({precision}), at {rate:,.0f} tokens/s. {runs}

Weights are stored in {bits}. A window has {window} tokens, including the question; consecutive windows of a longer text
overlap by at least {overlap} tokens. An answer has at most {most_words} words.
"""


def write_card(
    folder: Path,
    recipe: ReaderRecipe,
    stages: StageFiles,
    trained: TrainedReader,
    calibration: Calibration | None,
    dev: str,
    scores: Mapping[str, float],
) -> None:
    """Write `README.md` into the reader's folder; `dev` describes the dev questions, empty if there are none."""
    files = [file for stage in stages for file in stage]
    # With those of the data from which the base learned.
    licences = {*map(_licence, files), *map(_known_licence, base_data(recipe.base) or ())}
    # Without the further runs of the last stage.
    examples = trained.examples[: len(recipe.stages)]
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
                sum(question.yes is not None for question in file.questions),
                _licence(file),
            )
            for number, stage in enumerate(stages, 1)
            for file in stage
        ),
        base=recipe.base_name,
        base_licence=base_licence(recipe.base),
        share_alike=f" {_SHARE_ALIKE}" if LICENCES["squad"] in licences else "",
        dev=dev or "none",
        choices=_CHOICES if recipe.name == BUILTIN_READER else "",
        base_data=describe_base_data(
            recipe.base,
            recipe.base_name,
            [file.name for file in files] + ([file_name(recipe.dev)] if recipe.dev else []),
            "qa",
        ),
        scores=_rows(scores.items()) or "| – | – |",
        calibration=_describe_calibration(calibration),
        stages=_rows(
            (number, stage.epochs, f"{stage.learning_rate:g}", count, f"{stage.unanswered:.0%}", stage.irrelevant)
            for number, (stage, count) in enumerate(zip(recipe.stages, examples, strict=True), 1)
        ),
        steps=counted(trained.steps, "steps"),
        batch_tokens=recipe.batch_tokens,
        dropout=recipe.dropout,
        seed=recipe.seed,
        tokens=trained.tokens,
        duration=format_duration(trained.seconds),
        rate=trained.tokens / max(trained.seconds, 1e-9),
        device=trained.device,
        precision=trained.precision,
        runs=_describe_runs(recipe),
        bits="8 bits with one scale per row" if recipe.int8 else "float32",
        window=recipe.window,
        overlap=recipe.overlap,
        most_words=recipe.most_words,
    )
    (folder / "README.md").write_text(card, encoding="utf-8")


def _describe_runs(recipe: ReaderRecipe) -> str:
    runs = "One run, one seed." if recipe.averaged == 1 else _AVERAGED.format(times=recipe.averaged)
    share = recipe.base_weight_share
    return f"{runs} The final weights are a weighted mean: {share:.0%} base, the rest trained." if share else runs


def _describe_calibration(calibration: Calibration | None) -> str:
    if calibration is None:
        return (
            "Scores are not calibrated, because the held-out questions do not separate correct spans from wrong ones."
            " They only rank answers."
        )
    return (
        f"The probability that a span is correct, fitted on {calibration.spans:,} spans of held-out training questions,"
        f" {calibration.right:,} of them correct: temperature {calibration.temperature:.3f}, bias"
        f" {calibration.bias:.3f}, expected calibration error {calibration.error:.3f} on these."
    )


def _licence(file: QuestionFile) -> str:
    return next(filter(None, map(_known_licence, (file.name, file.path.parent.name))), "see its source")


def _known_licence(name: str) -> str | None:
    return next((licence for prefix, licence in LICENCES.items() if name.lower().startswith(prefix)), None)


def _rows(rows: Iterable[Sequence[object]]) -> str:
    return "\n".join(f"| {' | '.join(map(_cell, row))} |" for row in rows)


def _cell(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
