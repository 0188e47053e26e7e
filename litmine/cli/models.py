"""The commands `models ...`: list, describe, download and activate models."""

from pathlib import Path

import click

from litmine.cli.console import print_message, printable
from litmine.cli.options import lake_option
from litmine.lake.paths import LakePath


@click.group()
def models() -> None:
    """List and download models, and choose those that the views show.

    \b
    litmine models list
    litmine models use builtin
    """


@models.command("list")
def list_() -> None:
    """List the models on this machine. Each line has a name@digest, a reference and a task.

    \b
    litmine models list
    """
    from litmine.nn.references import offline_models
    from litmine.tasks.registry import find_model, identify_folder

    for ref in offline_models(with_rules=True):
        spec, folder, name = find_model(ref)
        click.echo(printable(f"{identify_folder(spec, folder, name)}\t{ref}\t{spec.name}"))


@models.command()
@click.argument("ref", default="builtin")
def show(ref: str) -> None:
    """Show the card of a model: training data, terms, recipe and scores.

    \b
    litmine models show builtin
    """
    from litmine.tasks.registry import find_model, identify

    name, card = identify(ref), Path(str(find_model(ref)[1])) / "README.md"
    click.echo(f"{printable(name)}\n")
    click.echo(printable(card.read_text(encoding="utf-8")) if card.is_file() else f"{ref} has no model card")


@models.command()
@click.argument("hub_id", metavar="ORG/NAME")
def pull(hub_id: str) -> None:
    """Download a model from the Hugging Face Hub. Afterwards it needs no network.

    \b
    litmine models pull alvaroalon2/biobert_diseases_ner
    """
    from litmine.tasks.registry import identify

    print_message(f"{hub_id} is {identify(hub_id)}, and can be loaded without a network from now on")


@models.command()
@click.argument("refs", nargs=-1, required=True, metavar="REF[:TYPE,...]...")
@lake_option
def use(refs: tuple[str, ...], lake: LakePath) -> None:
    """Choose the active models, which the views show. Name a model by name@digest or by reference.

    \b
    litmine models use builtin
    litmine models use builtin:Chemical,Gene my-model:Disease
    litmine models use builtin@0123456789ab my-model@ba9876543210

    After a colon, TYPE limits a model to some of its entity types. The view `entities` shows each type from one model:
    the last one listed that finds it; of two linkers, the last one listed counts. `all_entities` shows every model's
    entities. Tasks without a model in the command keep their active models. A term list that the lake has a copy of
    may be called by its name alone.
    """
    from litmine.lake.lake import Lake
    from litmine.pipeline.choose_models import describe_active, use_models

    opened = Lake(lake)
    for sentence in describe_active(use_models(opened, refs)):
        print_message(sentence)
