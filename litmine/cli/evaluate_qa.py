"""The command `evaluate qa`: a reader against a file of questions."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from litmine.cli.options import batch_tokens_option, precision_option
from litmine.cli.talk import printable
from litmine.errors import LitmineError

if TYPE_CHECKING:
    from litmine.tasks.qa.evaluate import Judged


@click.command()
@click.option(
    "--model",
    default="builtin-reader",
    show_default=True,
    metavar="REF",
    help="Reader: builtin-reader, a folder, or an id on the Hugging Face Hub.",
)
@click.option(
    "--data",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Questions with their texts and answers, in the JSON of BioASQ, SQuAD or PubMedQA.",
)
@click.option(
    "--batch",
    "batches",
    multiple=True,
    metavar="TEXT",
    help="Judge only on the batches of BioASQ's file whose names begin so (6B); may be given several times.",
)
@click.option("--all-types", is_flag=True, help="Judge on BioASQ's list and yes/no questions too.")
@click.option(
    "--answers-to",
    "answers_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write what was answered to every question to this file, a JSON line each.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="How the scores are printed.",
)
@precision_option
@batch_tokens_option
def qa(
    model: str,
    data: Path,
    batches: tuple[str, ...],
    all_types: bool,
    answers_file: Path | None,
    form: str,
    precision: str,
    batch_tokens: int | None,
) -> None:
    """The official measures of BioASQ or SQuAD, in percent.

    \b
    litmine evaluate qa --model ./mine --data bioasq.json --batch 6B --all-types
    litmine evaluate qa --model ./mine --data squad.json --format json

    BioASQ's factoid questions are read over their snippets, the answers of all snippets merged by their summed scores:
    strict and lenient accuracy and the mean reciprocal rank of five answers; with --all-types also the mean precision,
    recall and F1 of its list questions, and accuracy and macro F1 of its yes/no questions. Of SQuAD: exact match and
    F1. Of PubMedQA: accuracy and macro F1 of yes and no.
    """
    from litmine.tasks.qa.evaluate import judge
    from litmine.tasks.qa.files import read_file
    from litmine.tasks.qa.separate import DevSet
    from litmine.tasks.registry import load_reader

    file = read_file(data)
    questions = DevSet(file, batches).questions
    reader = load_reader(model, precision=precision, batch_tokens=batch_tokens)
    judged = judge(reader, file, questions, all_types)
    if form == "json":
        click.echo(json.dumps(judged.scores, indent=2))
    else:
        click.echo(f"{printable(file.name)}: {len(judged.given):,} questions, read by {printable(judged.model)}")
        for name, score in judged.scores.items():
            click.echo(f"{name:18}{score:>8.2f}")
    if answers_file:
        _write(judged, answers_file)


def _write(judged: "Judged", file: Path) -> None:
    lines = (
        {
            "question_id": one.asked.question_id,
            "question": one.asked.question,
            "question_type": one.asked.question_type,
            "gold": one.asked.yes if one.asked.question_type == "yesno" else one.asked.answers,
            "given": one.yes if one.asked.question_type == "yesno" else one.answers,
        }
        for one in judged.given
    )
    try:
        with file.open("w", encoding="utf-8") as out:
            out.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    except OSError as error:
        raise LitmineError(f"{file} cannot be written ({error.strerror or error}); choose another file") from error
