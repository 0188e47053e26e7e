"""The command `evaluate`: a model against corpora."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from litmine.cli.evaluate_qa import qa
from litmine.cli.options import batch_tokens_option, precision_option
from litmine.cli.talk import say
from litmine.cli.train import read_map
from litmine.errors import CorpusError, LitmineError, SettingError

if TYPE_CHECKING:
    from litmine.corpora.corpus import Corpus
    from litmine.tasks.ner.report import Report

_LISTED = 10


@click.group()
def evaluate() -> None:
    """Judge a model.

    \b
    litmine evaluate ner --model builtin --data NCBI-disease/dev.tsv
    litmine evaluate qa --model ./my-reader --data bioasq.json
    """


evaluate.add_command(qa)


@evaluate.command()
@click.option(
    "--model",
    default="builtin",
    show_default=True,
    metavar="REF",
    help="Model: builtin, a folder, or an id on the Hugging Face Hub.",
)
@click.option(
    "--data",
    required=True,
    multiple=True,
    metavar="[NAME=]FILE",
    help="Two columns, token TAB tag (IOB2 or IOBES), a blank line between sentences; or PubTator (.pubtator); or a"
    " corpus by its folder or name, of which the dev split is read; may be given several times.",
)
@click.option(
    "--tags",
    type=click.Choice(["auto", "iob2", "iob1", "iobes"]),
    default="iob1",
    show_default=True,
    help="How the files of two columns are tagged. iob1 reads all of them: an I that follows nothing begins a mention;"
    " any other refuses such a tag.",
)
@click.option(
    "--map",
    "renamed",
    multiple=True,
    metavar="NAME=TYPE",
    help="Rename a type of the files ('-' drops it); may be given several times.",
)
@click.option(
    "--head", "heads", multiple=True, help="Judge this head instead of the default ones; may be given several times."
)
@click.option("--against", metavar="REF", help="Compare with this model on the same files.")
@click.option(
    "--against-head",
    "against_heads",
    multiple=True,
    metavar="TEXT",
    help="The other model's head instead of its default ones; may be given several times.",
)
@click.option(
    "--errors",
    is_flag=False,
    flag_value=_LISTED,
    type=click.IntRange(min=1),
    metavar="[N]",
    help=f"Show the N most frequent errors of each class, with an example; {_LISTED} without N.",
)
@click.option(
    "--errors-to",
    "errors_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write every error to this file, a JSON line each.",
)
@click.option("--intervals", is_flag=True, help="Give the 95 % intervals in JSON too; a table always shows them.")
@click.option(
    "--resamples",
    type=click.IntRange(min=100),
    default=1_000,
    show_default=True,
    help="Bootstrap resamples that the intervals are read from.",
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
def ner(
    model: str,
    data: tuple[str, ...],
    tags: str,
    renamed: tuple[str, ...],
    heads: tuple[str, ...],
    against: str | None,
    against_heads: tuple[str, ...],
    errors: int | None,
    errors_file: Path | None,
    intervals: bool,
    resamples: int,
    form: str,
    precision: str,
    batch_tokens: int | None,
) -> None:
    """Precision, recall and F1 in percent, exact span and type, over the types that a file annotates.

    \b
    litmine evaluate ner --model builtin --data NCBI-disease/dev.tsv --format json
    litmine evaluate ner --data NCBI-disease/dev.tsv --data BC5CDR/dev.tsv --errors 5
    litmine evaluate ner --model ./mine --against builtin --data BC5CDR/dev.tsv
    litmine evaluate ner --data Species-800/dev.tsv --head "Species (Species-800)"

    Every sentence, or document, is read alone. Judged are the heads that `annotate` uses. Intervals are 95 % percentile
    intervals of a bootstrap over the sentences or documents of the file; a difference of two models is paired, its p
    two-sided.
    """
    from litmine.tasks.ner.evaluate import predict
    from litmine.tasks.ner.report import make_report
    from litmine.tasks.registry import load_model

    if against_heads and not against:
        raise SettingError("--against-head is a head of the model of --against, and there is none; give both")
    corpora = _open(data, read_map(renamed), tags)
    tagger = load_model(model, precision=precision, heads=heads or None, batch_tokens=batch_tokens)
    ours = [predict(tagger, corpus) for corpus in corpora]
    if against:
        tagger = load_model(against, precision=precision, heads=against_heads or None, batch_tokens=batch_tokens)
        theirs = [predict(tagger, corpus) for corpus in corpora]
    reports = [make_report(one, theirs[i] if against else None, resamples) for i, one in enumerate(ours)]
    if form == "json":
        _print_json(reports, intervals, errors)
    else:
        _print_tables(reports, errors, resamples)
    if errors_file:
        _write_errors(reports, errors_file)


def _open(data: tuple[str, ...], renamed: dict[str, str], tags: str) -> "list[Corpus]":
    """Each `[NAME=]FILE`, or the dev split of a corpus that is no file; a `dev.tsv` has the name of its folder."""
    from litmine.corpora.corpus import open_corpus, read_corpus

    corpora: list[Corpus] = []
    for reference in data:
        name, place = "", reference
        if "=" in reference and not Path(reference).exists():
            name, _, place = reference.partition("=")
        file = Path(place)
        folder = file.absolute().parent.name if file.stem in ("train", "dev", "test") else ""
        corpus: Corpus | None
        if file.is_file():
            corpus = read_corpus(file, name or folder or file.stem, renamed, tags)
        else:
            corpus = open_corpus(reference, "dev", renamed, tags)
        if corpus is None:
            raise CorpusError(f"{reference} has no dev split to judge on; name a file with --data FILE")
        corpora.append(corpus)
    names = [corpus.name for corpus in corpora]
    if len(set(names)) < len(names):
        raise SettingError(f"the files of {', '.join(names)} need names of their own; give --data NAME=FILE")
    return corpora


def _print_json(reports: "list[Report]", intervals: bool, errors: int | None) -> None:
    from litmine.cli.score_records import report_record

    records = {
        report.ours.corpus.name: report_record(report, intervals, errors, errors or _LISTED) for report in reports
    }
    click.echo(json.dumps(records if len(records) > 1 else next(iter(records.values())), indent=2))


def _print_tables(reports: "list[Report]", errors: int | None, resamples: int) -> None:
    from litmine.cli.score_tables import report_lines

    for number, report in enumerate(reports):
        if number:
            click.echo()
        for line in report_lines(report, errors, errors or _LISTED):
            click.echo(line)
    units = " and ".join(sorted({report.unit for report in reports}, reverse=True))
    say(f"intervals: 95 %, {resamples:,} bootstrap resamples of each file's {units}")


def _write_errors(reports: "list[Report]", file: Path) -> None:
    from litmine.cli.score_records import mistake_record

    lines: Iterable[dict[str, Any]] = (
        {"corpus": report.ours.corpus.name, "model": report.ours.model, **mistake_record(mistake)}
        for report in reports
        for mistake in report.mistakes
    )
    try:
        with file.open("w", encoding="utf-8") as out:
            out.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    except OSError as error:
        raise LitmineError(f"{file} cannot be written ({error.strerror or error}); choose another file") from error
