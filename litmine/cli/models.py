"""The commands `models ...`: what can be loaded, and what `entities` shows."""

import click

from litmine.cli.console import print_message, printable
from litmine.cli.options import lake_option
from litmine.lake.paths import Place


@click.group()
def models() -> None:
    """What can be loaded, and which models `entities` shows.

    \b
    litmine models list
    litmine models use builtin
    """


@models.command("list")
def list_() -> None:
    """What can be loaded without a network: a name@digest and a reference a line.

    \b
    litmine models list
    """
    from litmine.nn.references import offline_models
    from litmine.tasks.registry import identify

    for ref in offline_models():
        click.echo(printable(f"{identify(ref)}\t{ref}"))


@models.command()
@click.argument("ref", default="builtin")
def show(ref: str) -> None:
    """The card of a model: data, terms, recipe, scores.

    \b
    litmine models show builtin
    """
    from litmine.nn.references import locate
    from litmine.tasks.registry import identify

    name, card = identify(ref), locate(ref)[0] / "README.md"
    click.echo(f"{printable(name)}\n")
    click.echo(printable(card.read_text(encoding="utf-8")) if card.is_file() else f"{ref} has no model card")


@models.command()
@click.argument("hub_id", metavar="ORG/NAME")
def pull(hub_id: str) -> None:
    """Fetch a model of the Hugging Face Hub, to be loaded offline from then on.

    \b
    litmine models pull alvaroalon2/biobert_diseases_ner
    """
    from litmine.tasks.registry import identify

    print_message(f"{hub_id} is {identify(hub_id)}, and can be loaded without a network from now on")


@models.command()
@click.argument("refs", nargs=-1, required=True, metavar="REF[:TYPE,...]...")
@lake_option
def use(refs: tuple[str, ...], lake: Place) -> None:
    """Choose the models that the views show, by name@digest as in `status`, or by reference.

    \b
    litmine models use builtin
    litmine models use builtin:Chemical,Gene my-model:Disease
    litmine models use builtin@0123456789ab my-model@ba9876543210

    Each type is shown of one model: a colon and types choose some of a model's, and of two models that give the same
    type the last one shows it. `all_entities` has every model's. Tasks that no model is named of keep theirs.
    """
    from litmine.lake.lake import Lake
    from litmine.pipeline.choose_models import describe_active, use_models

    opened = Lake(lake)
    for sentence in describe_active(use_models(opened, refs)):
        print_message(sentence)
