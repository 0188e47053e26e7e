"""Command classes that build a subcommand for each task from its specification, without naming any task."""

from collections.abc import Callable
from inspect import cleandoc
from typing import Any

import click

from litmine import specs
from litmine.cli.dataclass_options import SettingOption, chosen_recipe, set_recipe_defaults, setting_options
from litmine.settings import did_you_mean
from litmine.specs import TaskSpec, import_object
from litmine.training.recipe import read_recipe, recipe_names

# Columns of the flags in the list of settings.
_FLAGS_WIDTH = 24


class TaskGroup(click.Group):
    """A command group with a subcommand for each task for which `has` is true, beside those added to it.

    `has` must not import the task's code; `make` creates the subcommand when it is needed.
    """

    def __init__(
        self, *args: Any, has: Callable[[TaskSpec], bool], make: Callable[[TaskSpec], click.Command], **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self._has, self._make = has, make

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *(spec.name for spec in specs.TASKS if self._has(spec))])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        # click names the unknown word alone.
        if (
            args
            and not ctx.resilient_parsing
            and not args[0].startswith("-")
            and self.get_command(ctx, args[0]) is None
        ):
            known = self.list_commands(ctx)
            ctx.fail(f"no task {args[0]!r}{did_you_mean(args[0], known)}; choose one of {', '.join(known)}")
        return super().resolve_command(ctx, args)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        for spec in specs.TASKS:
            if spec.name == cmd_name and self._has(spec):
                return self._make(spec)
        return super().get_command(ctx, cmd_name)


class SettingsCommand(click.Command):
    """A command with a flag for each setting of the dataclass `kind`; its help is the docstring of `kind`.

    With `require`, flags of settings without a default are mandatory.
    """

    def __init__(self, *args: Any, kind: type, require: bool = True, **options: Any) -> None:
        options["params"] = [*setting_options(kind, require), *options.get("params", ())]
        super().__init__(*args, **options | {"help": cleandoc(kind.__doc__ or "")})


class RecipeCommand(SettingsCommand):
    """A command with a --recipe option; with a recipe, its help shows the recipe's values as defaults."""

    def __init__(self, *args: Any, spec: TaskSpec, **options: Any) -> None:
        super().__init__(*args, kind=import_object(spec.recipe), require=False, **options)
        self._spec = spec
        *names, file = *recipe_names(spec), "a TOML file"
        option = click.Option(
            ["--recipe"],
            metavar="NAME|FILE",
            help=f"Recipe with settings: {', '.join(names)}{' or ' if names else ''}{file}. Other flags override it."
            " With --help, its values are shown as defaults.",
        )
        self.params.insert(0, option)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        # Read the recipe first, because click prints --help before it processes other options.
        reference = None if ctx.resilient_parsing else self.make_parser(ctx).parse_args([*args])[0].get("recipe")
        if isinstance(reference, str):
            set_recipe_defaults(ctx, reference, read_recipe(self._spec, reference))
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        name, _ = chosen_recipe(ctx)
        heading = f"Settings, with the values of the recipe {name}" if name else "Settings"
        settings = [param for param in self.params if isinstance(param, SettingOption)]
        others = [param for param in self.get_params(ctx) if param not in settings]
        for title, params in (("Options", others), (heading, settings)):
            with formatter.section(title):
                # The second column has room for a path of a corpus, which click would break.
                formatter.write_dl(
                    [record for param in params if (record := param.get_help_record(ctx))], col_max=_FLAGS_WIDTH
                )
