"""Flags from the fields of a dataclass: name, type, range, help and default are said there, and nowhere else.

A flag has no default of its own: what is not given is left to the dataclass, or to a recipe, whose values the help
shows.
"""

from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, fields
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import click
from click.core import ParameterSource

from litmine.errors import SettingError
from litmine.settings import Setting, flag_of, required, setting_of

# Under which name a context keeps the recipe that was chosen.
_RECIPE = "litmine.recipe"


@dataclass(frozen=True, slots=True)
class Table:
    """A field that is a tuple of dataclasses `kind`, of which flags make one for each value of its field `each`."""

    name: str
    kind: type
    each: str


class SettingOption(click.Option):
    """The flag of a field, of the command's dataclass or of one of its tables."""

    def __init__(self, kind: type, one: "Field[Any]", told: Setting, table: Table | None, needed: bool) -> None:
        self.one, self.told, self.table = one, told, table
        hint = get_type_hints(kind)[one.name]
        kinds = get_args(hint) if isinstance(hint, UnionType) else (hint,)
        self._empty = None if NoneType in kinds else ""
        (hint,) = (kind for kind in kinds if kind is not NoneType)
        several = get_origin(hint) is tuple
        self._item = get_args(hint)[0] if several else hint
        flag = flag_of(kind, one.name)
        shape: dict[str, Any] = {"metavar": told.metavar} if told.metavar else {}
        if told.bare is not None:
            shape |= {"is_flag": False, "flag_value": told.bare}
        super().__init__(
            [f"{flag}/--no-{flag[2:]}" if hint is bool else flag, f"{table.name}_{one.name}" if table else one.name],
            type=None if hint is bool else _type(flag, self._item, told),
            multiple=several,
            required=needed,
            help=told.about
            + (" May be given several times." if several else "")
            + (" `none` leaves it out." if told.none else ""),
            **shape,
        )

    def type_cast_value(self, ctx: click.Context, value: Any) -> Any:
        if self.told.none and value == "none":
            return self._empty
        value = super().type_cast_value(ctx, value)
        if get_origin(self._item) is tuple and isinstance(value, tuple):
            return tuple(sorted(dict(value).items()))
        return value

    def get_help_extra(self, ctx: click.Context) -> Any:
        extra = super().get_help_extra(ctx)
        _, recipe = recipe_of(ctx)
        if shown := self._shown(self.one.default if self.table else recipe.get(self.one.name, self.one.default)):
            extra["default"] = shown
        return extra

    def _shown(self, default: Any) -> str:
        if default is MISSING or default is None or default in ("", ()):
            return self.told.unset
        if isinstance(default, bool):
            return (self.opts if default else self.secondary_opts)[0][2:]
        if not isinstance(default, tuple):
            return str(default)
        if get_origin(self._item) is tuple:
            return ", ".join(f"{name}={value}" for name, value in default)
        return ", ".join(default)


class _PairType(click.ParamType[tuple[str, Any]]):
    """`NAME=VALUE`; a number after the last `=`, or a text after the first."""

    name = "pair"

    def __init__(self, flag: str, kind: type, metavar: str) -> None:
        self._flag, self._kind, self._metavar = flag, kind, metavar

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, Any]:  # noqa: ARG002
        name, _, said = value.rpartition("=") if self._kind is float else value.partition("=")
        try:
            if name and said:
                return name, self._kind(said)
        except ValueError:
            pass
        raise SettingError(f"{self._flag} takes {self._metavar}, and {value!r} is not that")


def setting_options(kind: type, needed: bool = False) -> list[click.Option]:
    """The flags of a dataclass, and of its tables: what has no default first, then its own, then what it inherits.

    With `needed` a flag must be given when its field has no default and says of no other value that it gets.
    """
    hints, lacking = get_type_hints(kind), required(kind)
    by_name = {one.name: one for one in fields(kind)}
    options: list[click.Option] = []
    for name in dict.fromkeys([*lacking, *(name for name in kind.__annotations__ if name in by_name), *by_name]):
        one = by_name[name]
        told = setting_of(one)
        if told and told.each:
            table = Table(one.name, get_args(hints[one.name])[0], told.each)
            parts = [(part, setting_of(part)) for part in fields(table.kind)]
            options += [SettingOption(table.kind, part, its, table, False) for part, its in parts if its]
        elif told:
            options.append(SettingOption(kind, one, told, None, needed and one.name in lacking and not told.unset))
    return options


def use_recipe(context: click.Context, name: str, settings: Mapping[str, Any]) -> None:
    """Take a recipe's settings for the defaults."""
    context.meta[_RECIPE] = name, settings


def recipe_of(context: click.Context) -> tuple[str, Mapping[str, Any]]:
    """The recipe that was chosen, and its settings; no name and no settings where none was."""
    chosen: tuple[str, Mapping[str, Any]] = context.meta.get(_RECIPE, ("", {}))
    return chosen


def given_settings(context: click.Context) -> dict[str, Any]:
    """The settings that were given as flags, by their fields.

    Raises UsageError for a setting of a table that no flag makes, SettingError for a table that makes no sense.
    """
    given: dict[Table | None, dict[str, Any]] = {None: {}}
    for option in context.command.params:
        if isinstance(option, SettingOption) and _is_given(context, option):
            given.setdefault(option.table, {})[option.one.name] = context.params[str(option.name)]
    settings = given.pop(None)
    for table, values in given.items():
        assert table is not None
        if table.each not in values:
            flag, each = flag_of(table.kind, next(iter(values))), flag_of(table.kind, table.each)
            raise click.UsageError(f"{flag} belongs to the {table.name} that {each} makes; give {each} too.", context)
        settings[table.name] = tuple(table.kind(**values | {table.each: (value,)}) for value in values[table.each])
    return settings


def _is_given(context: click.Context, option: click.Option) -> bool:
    return context.get_parameter_source(str(option.name)) is ParameterSource.COMMANDLINE


def _type(flag: str, kind: Any, told: Setting) -> Any:
    """The type that click holds a value to."""
    if get_origin(kind) is tuple:
        return _PairType(flag, get_args(kind)[1], told.metavar)
    if get_origin(kind) is Literal:
        return click.Choice(get_args(kind))
    if kind in (int, float):
        low = told.above if told.at_least is None else told.at_least
        high = told.below if told.at_most is None else told.at_most
        ranged = click.IntRange if kind is int else click.FloatRange
        return ranged(low, high, min_open=told.above is not None, max_open=told.below is not None)  # type: ignore[arg-type]
    # `str` or `Path`: what makes the value of the word.
    return click.Path(path_type=kind) if kind is not str else click.STRING
