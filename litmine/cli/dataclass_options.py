"""Command-line flags from the fields of a settings dataclass, which declares name, type, range, help and default once.

A flag has no default of its own: an unset flag keeps the value of the dataclass or of a recipe, which the help shows.
"""

from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, fields
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import click
from click.core import ParameterSource

from litmine.cli.options import OutputPath
from litmine.errors import SettingError
from litmine.settings import Setting, flag_name, required_fields, setting_metadata

# Key of the chosen recipe in `click.Context.meta`.
_RECIPE = "litmine.recipe"
_NUMBER_METAVARS: dict[Any, str] = {int: "N", float: "NUMBER"}


@dataclass(frozen=True, slots=True)
class RepeatedGroup:
    """A field `name` that is a tuple of dataclasses `kind`; flags add one for each value of their field `repeat_by`."""

    name: str
    kind: type
    repeat_by: str


class SettingOption(click.Option):
    """The flag of a field of the command's dataclass, or of one of its repeated groups."""

    def __init__(
        self, kind: type, field: "Field[Any]", setting: Setting, group: RepeatedGroup | None, require: bool
    ) -> None:
        self.field, self.setting, self.group = field, setting, group
        hint = get_type_hints(kind)[field.name]
        members = get_args(hint) if isinstance(hint, UnionType) else (hint,)
        self._unset_value = None if NoneType in members else ""
        (hint,) = (member for member in members if member is not NoneType)
        multiple = get_origin(hint) is tuple
        self._item_type = get_args(hint)[0] if multiple else hint
        flag = flag_name(kind, field.name)
        metavar = setting.metavar or _NUMBER_METAVARS.get(self._item_type, "")
        extra: dict[str, Any] = {"metavar": metavar} if metavar else {}
        if setting.flag_value is not None:
            extra |= {"is_flag": False, "flag_value": setting.flag_value}
        super().__init__(
            [
                f"{flag}/--no-{flag[2:]}" if hint is bool else flag,
                f"{group.name}_{field.name}" if group else field.name,
            ],
            type=None if hint is bool else _click_type(flag, self._item_type, setting),
            multiple=multiple,
            required=require,
            help=setting.help
            + (" Repeatable." if multiple else "")
            + (" `none` unsets the recipe's value." if setting.none else ""),
            **extra,
        )

    def type_cast_value(self, ctx: click.Context, value: Any) -> Any:
        if self.setting.none and value == "none":
            return self._unset_value
        value = super().type_cast_value(ctx, value)
        if get_origin(self._item_type) is tuple and isinstance(value, tuple):
            return tuple(sorted(dict(value).items()))
        return value

    def get_help_extra(self, ctx: click.Context) -> Any:
        extra = super().get_help_extra(ctx)
        _, recipe = chosen_recipe(ctx)
        default = self.field.default if self.group else recipe.get(self.field.name, self.field.default)
        if shown := self._default_text(default):
            extra["default"] = shown
        return extra

    def _default_text(self, default: Any) -> str:
        if default is MISSING or default is None or default in ("", ()):
            return self.setting.unset
        if isinstance(default, bool):
            return (self.opts if default else self.secondary_opts)[0][2:]
        if not isinstance(default, tuple):
            return str(default)
        if get_origin(self._item_type) is tuple:
            return ", ".join(f"{name}={value}" for name, value in default)
        return ", ".join(default)


class _PairType(click.ParamType[tuple[str, Any]]):
    """`NAME=VALUE`. A value that is a number starts after the last `=`, a text after the first."""

    name = "pair"

    def __init__(self, flag: str, kind: type, metavar: str) -> None:
        self._flag, self._kind, self._metavar = flag, kind, metavar

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, Any]:  # noqa: ARG002
        name, _, text = value.rpartition("=") if self._kind is float else value.partition("=")
        try:
            if name and text:
                return name, self._kind(text)
        except ValueError:
            pass
        raise SettingError(f"{self._flag} takes {self._metavar}, not {value!r}")


def setting_options(kind: type, require: bool = False) -> list[click.Option]:
    """The flags of a dataclass and its repeated groups.

    Fields without a default come first, then the class's own fields, then inherited ones. With `require`, the flag of a
    field with neither a default nor an `unset` text is mandatory.
    """
    hints, required = get_type_hints(kind), required_fields(kind)
    by_name = {field.name: field for field in fields(kind)}
    options: list[click.Option] = []
    for name in dict.fromkeys([*required, *(name for name in kind.__annotations__ if name in by_name), *by_name]):
        field = by_name[name]
        setting = setting_metadata(field)
        if setting and setting.repeat_by:
            group = RepeatedGroup(name, get_args(hints[name])[0], setting.repeat_by)
            inner_fields = [(inner, setting_metadata(inner)) for inner in fields(group.kind)]
            options += [
                SettingOption(group.kind, inner, metadata, group, False) for inner, metadata in inner_fields if metadata
            ]
        elif setting:
            options.append(
                SettingOption(kind, field, setting, None, require and name in required and not setting.unset)
            )
    return options


def set_recipe_defaults(context: click.Context, name: str, settings: Mapping[str, Any]) -> None:
    """Use a recipe's settings as the defaults of the command."""
    context.meta[_RECIPE] = name, settings


def chosen_recipe(context: click.Context) -> tuple[str, Mapping[str, Any]]:
    """Name and settings of the chosen recipe; both empty without one."""
    chosen: tuple[str, Mapping[str, Any]] = context.meta.get(_RECIPE, ("", {}))
    return chosen


def settings_from_flags(context: click.Context) -> dict[str, Any]:
    """The settings that the command line sets, by field.

    Raises UsageError for a flag of a repeated group without the flag that adds one, and SettingError for invalid values
    of a group.
    """
    by_group: dict[RepeatedGroup | None, dict[str, Any]] = {None: {}}
    for option in context.command.params:
        if isinstance(option, SettingOption) and _is_set(context, option):
            by_group.setdefault(option.group, {})[option.field.name] = context.params[str(option.name)]
    settings = by_group.pop(None)
    for group, values in by_group.items():
        assert group is not None
        if group.repeat_by not in values:
            flag, adds = flag_name(group.kind, next(iter(values))), flag_name(group.kind, group.repeat_by)
            raise click.UsageError(f"{flag} applies to the {group.name} of {adds}; give {adds} too.", context)
        settings[group.name] = tuple(
            group.kind(**values | {group.repeat_by: (value,)}) for value in values[group.repeat_by]
        )
    return settings


def _is_set(context: click.Context, option: click.Option) -> bool:
    return context.get_parameter_source(str(option.name)) is ParameterSource.COMMANDLINE


def _click_type(flag: str, kind: Any, setting: Setting) -> Any:
    """The click type that checks a value."""
    if get_origin(kind) is tuple:
        return _PairType(flag, get_args(kind)[1], setting.metavar)
    if get_origin(kind) is Literal:
        return click.Choice(get_args(kind))
    if kind in (int, float):
        low = setting.above if setting.at_least is None else setting.at_least
        high = setting.below if setting.at_most is None else setting.at_most
        ranged = click.IntRange if kind is int else click.FloatRange
        return ranged(low, high, min_open=setting.above is not None, max_open=setting.below is not None)  # type: ignore[arg-type]
    if kind is str:
        return click.STRING
    return (OutputPath if setting.output else click.Path)(path_type=kind)
