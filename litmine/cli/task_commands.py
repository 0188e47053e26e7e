"""Commands that are made of specifications: one for each task, and none of them is named here."""

from collections.abc import Callable
from inspect import cleandoc
from typing import Any

import click

from litmine import specs
from litmine.cli.dataclass_options import SettingOption, chosen_recipe, set_recipe_defaults, setting_options
from litmine.specs import TaskSpec, import_object
from litmine.training.recipe import read_recipe, recipe_names


class TaskGroup(click.Group):
    """A group with a command for each task that `make` makes one of, when it is asked for, beside its own.

    `has` says which tasks have one, without importing their code.
    """

    def __init__(
        self, *args: Any, has: Callable[[TaskSpec], bool], make: Callable[[TaskSpec], click.Command], **more: Any
    ) -> None:
        super().__init__(*args, **more)
        self._has, self._make = has, make

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *(spec.name for spec in specs.TASKS if self._has(spec))])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        for spec in specs.TASKS:
            if spec.name == cmd_name and self._has(spec):
                return self._make(spec)
        return super().get_command(ctx, cmd_name)


class SettingsCommand(click.Command):
    """A command with a flag for each setting of the dataclass `kind`, whose docstring is its help.

    With `needed` it cannot do without those that have no default.
    """

    def __init__(self, *args: Any, kind: type, needed: bool = True, **more: Any) -> None:
        more["params"] = [*setting_options(kind, needed), *more.get("params", ())]
        super().__init__(*args, **more | {"help": cleandoc(kind.__doc__ or "")})


class RecipeCommand(SettingsCommand):
    """A command whose settings may come from a recipe of a task; its help then shows the values of the recipe."""

    def __init__(self, *args: Any, spec: TaskSpec, **more: Any) -> None:
        super().__init__(*args, kind=import_object(spec.recipe), needed=False, **more)
        self._spec = spec
        *names, file = *recipe_names(spec), "a TOML file"
        option = click.Option(
            ["--recipe"],
            metavar="NAME|FILE",
            help=f"Recipe to take the settings from: {', '.join(names)}{' or ' if names else ''}{file}. What is given"
            " beside it counts before it; with --help, its values are shown.",
        )
        self.params.insert(0, option)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        # The recipe is read first, as --help is done before any other option is looked at.
        reference = None if ctx.resilient_parsing else self.make_parser(ctx).parse_args([*args])[0].get("recipe")
        if isinstance(reference, str):
            set_recipe_defaults(ctx, reference, read_recipe(self._spec, reference))
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        name, _ = chosen_recipe(ctx)
        heading = f"Settings, with the values of the recipe {name}" if name else "Settings, with their defaults"
        settings = [param for param in self.params if isinstance(param, SettingOption)]
        own = [param for param in self.get_params(ctx) if param not in settings]
        for title, params in (("Options", own), (heading, settings)):
            with formatter.section(title):
                formatter.write_dl([record for param in params if (record := param.get_help_record(ctx))])
