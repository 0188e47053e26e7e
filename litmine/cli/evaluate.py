"""The command `evaluate`: a model against a corpus."""

import json
from pathlib import Path

import click

from litmine.cli.options import batch_tokens_option, precision_option
from litmine.cli.train import read_map


@click.group()
def evaluate() -> None:
    """Judge a model.

    \b
    litmine evaluate ner --model builtin --data NCBI-disease/dev.tsv
    """


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
    type=click.Path(path_type=Path),
    help="Two columns, token TAB tag (IOB2 or IOBES), a blank line between sentences; or PubTator (.pubtator).",
)
@click.option(
    "--map",
    "renamed",
    multiple=True,
    metavar="NAME=TYPE",
    help="Rename a type of the file ('-' drops it); may be given several times.",
)
@click.option(
    "--head", "heads", multiple=True, help="Judge this head instead of the default ones; may be given several times."
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
    data: Path,
    renamed: tuple[str, ...],
    heads: tuple[str, ...],
    form: str,
    precision: str,
    batch_tokens: int | None,
) -> None:
    """Precision, recall and F1 in percent, exact span and type, over the types that the file annotates.

    \b
    litmine evaluate ner --model builtin --data NCBI-disease/dev.tsv --format json
    litmine evaluate ner --data Species-800/dev.tsv --head "Species (Species-800)"

    Every sentence is read alone. Judged are the heads that `annotate` uses.
    """
    from litmine.models.registry import load_model
    from litmine.train.corpora import read_corpus
    from litmine.train.evaluate import evaluate as judge

    corpus = read_corpus(data, data.stem, read_map(renamed))
    scores = judge(load_model(model, precision=precision, heads=heads or None, batch_tokens=batch_tokens), corpus)
    if form == "json":
        click.echo(json.dumps(scores, indent=2))
        return
    click.echo(f"{'':12}{'precision':>10}{'recall':>10}{'F1':>10}{'support':>10}")
    for name, score in scores.items():
        figures = "".join(f"{score[key]:>10.2f}" for key in ("precision", "recall", "f1"))
        click.echo(f"{name:12}{figures}{int(score['support']):>10}")
