"""Settings: the fields of a dataclass, which say their help and range once, and TOML files that hold them.

A file holds the fields of the dataclass by their names, as many as it likes; what is not there has its default. A field
that is a dataclass itself is a table, and a tuple of dataclasses a table for each, `[[stages]]`. A field that `setting`
makes can be a flag of the command line too (`litmine.cli.dataclass_options`).
"""

import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from difflib import get_close_matches
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from litmine.errors import SettingError

# Beyond what makes sense anywhere, and within what a float holds.
_MOST = 10**300
_SAYS = {"str": "text in quotes", "int": "a whole number", "float": "a number", "bool": "true or false"}
_KEY = "setting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a field says of itself beside its type and default.

    about: its help, a sentence or two.
    flag: what it is called on the command line; the field's name where it is empty.
    metavar: what stands for the value in the help.
    at_least, above, at_most, below: the range of its number, or of each number of its pairs.
    unset: what happens when nothing is said, for a field without a default or with an empty one.
    none: on the command line the word `none` stands for the empty value, to leave out what a recipe says.
    bare: the value of the flag when it is given without one.
    each: of a tuple of dataclasses, the field of these that makes one of each of its values on the command line.
    """

    about: str
    flag: str = ""
    metavar: str = ""
    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None
    below: float | None = None
    unset: str = ""
    none: bool = False
    bare: Any = None
    each: str = ""

    @property
    def range(self) -> str:
        """The range in words; empty where there is none."""
        low = f"above {self.above:g}" if self.above is not None else ""
        low = f"at least {self.at_least:g}" if self.at_least is not None else low
        high = f"below {self.below:g}" if self.below is not None else ""
        high = f"at most {self.at_most:g}" if self.at_most is not None else high
        return " and ".join(filter(None, (low, high)))

    def holds(self, number: float) -> bool:
        """Whether a number is in the range."""
        return not (
            (self.at_least is not None and not number >= self.at_least)
            or (self.above is not None and not number > self.above)
            or (self.at_most is not None and not number <= self.at_most)
            or (self.below is not None and not number < self.below)
        )


def setting(text: str, default: Any = MISSING, **facts: Any) -> Any:
    """A dataclass field with its help `text` and, by the names of `Setting`, what else there is to say of it."""
    return field(default=default, metadata={_KEY: Setting(about=text, **facts)})


def other_default(kind: type, name: str, default: Any) -> Any:
    """The setting `name` of the dataclass `kind` once more, for a class made from it, with another default."""
    one = next(one for one in fields(kind) if one.name == name)
    return field(default=default, kw_only=one.kw_only, metadata=one.metadata)


def setting_of(one: "Field[Any]") -> Setting | None:
    """What a field says of itself; None for a field that `setting` did not make."""
    told: Setting | None = one.metadata.get(_KEY)
    return told


def about(kind: type, name: str) -> str:
    """The help of a setting."""
    told = setting_of(next(one for one in fields(kind) if one.name == name))
    return told.about if told else ""


def flag_of(kind: type, name: str) -> str:
    """What the setting is called on the command line; of a table, the flag that makes one of each of its values."""
    one = next(one for one in fields(kind) if one.name == name)
    told = setting_of(one)
    if told and told.each:
        return flag_of(get_args(get_type_hints(kind)[name])[0], told.each)
    return (told and told.flag) or f"--{name.replace('_', '-')}"


def required(kind: type) -> list[str]:
    """The fields without a default."""
    return [one.name for one in fields(kind) if one.default is MISSING and one.default_factory is MISSING]


def check_ranges(settings: Any) -> None:
    """Raise SettingError when a number of a dataclass made of `setting` is out of its range, or none at all."""
    for one in fields(settings):
        if told := setting_of(one):
            for name, number in _numbers(one.name, getattr(settings, one.name)):
                if isinstance(number, float) and not math.isfinite(number):
                    raise SettingError(f"{name} must be a finite number, not {number}")
                if not told.holds(number):
                    raise SettingError(f"{name} must be {told.range}, not {str(number)[:40]}")


def _numbers(name: str, value: Any) -> Iterator[tuple[str, float]]:
    """The number that a setting is, or those of its pairs."""
    if isinstance(value, int | float):
        yield name, value
    elif isinstance(value, tuple):
        for pair in value:
            if isinstance(pair, tuple) and isinstance(pair[-1], int | float):
                yield f"{name} of {str(pair[0])[:80]!r}", pair[-1]


def names_in(folder: Path) -> list[str]:
    """The settings files of a folder, by name."""
    return sorted(file.stem for file in folder.glob("*.toml"))


def find_settings(reference: str, folder: Path | None, what: str) -> Path:
    """The file of that name in the folder, or at that path. Raises SettingError, naming those that there are."""
    names = names_in(folder) if folder else []
    file = folder / f"{reference}.toml" if folder and reference in names else Path(reference)
    if not file.is_file():
        meant = did_you_mean(reference, names)
        known = f"{', '.join(names)} or " if names else ""
        raise SettingError(f"there is no {what} {reference!r}{meant}; give {known}a TOML file")
    return file


def read_toml(file: Path) -> dict[str, Any]:
    """What a file holds. Raises SettingError when it is no TOML."""
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingError(f"{file} cannot be read as TOML: {' '.join(str(error).split())}") from error
    except RecursionError:
        raise SettingError(f"{file} cannot be read as TOML: it is nested too deeply") from None


def checked(file: Path, kind: type, read: Mapping[str, Any], what: str) -> dict[str, Any]:
    """The values of `read` as the dataclass `kind` keeps them; whether they make sense together is for it to say.

    `what` is what the sentences call it. Raises SettingError for a name that it does not know, with the nearest one,
    and for a value of another type.
    """
    known = [field.name for field in fields(kind)]
    if unknown := sorted(set(read).difference(known)):
        named = ", ".join(f"{name[:40]}{did_you_mean(name, known)}" for name in unknown[:10])
        raise SettingError(f"{file} sets {named}; a {what} knows {', '.join(known)}")
    hints = get_type_hints(kind)
    return {name: _value(file, name, hints[name], value) for name, value in read.items()}


def made(file: Path, kind: type, read: Mapping[str, Any], what: str) -> Any:
    """A `kind` with the values of `read`. Raises SettingError as `checked` does, and for a value that is missing."""
    values = checked(file, kind, read, what)
    if missing := [name for name in required(kind) if name not in values]:
        raise SettingError(f"{file}: a {what} has to say {', '.join(missing)}")
    return kind(**values)


def did_you_mean(name: str, known: Sequence[str]) -> str:
    """` (did you mean ...?)` with the nearest of the names; nothing when none is near."""
    near = get_close_matches(name, known, 1)
    return f" (did you mean {near[0]}?)" if near else ""


def _value(file: Path, name: str, hint: Any, value: Any) -> Any:
    if get_origin(hint) is tuple:
        return _several(file, name, get_args(hint)[0], value)
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            raise SettingError(f"{file}: {name} is one of {', '.join(get_args(hint))}, and not {repr(value)[:80]}")
        return value
    if is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, dict):
            raise SettingError(f"{file}: {name} is a table, [{name}] and its settings")
        return made(file, hint, value, name)
    wanted = next(kind for kind in _kinds(hint) if kind is not NoneType)
    if wanted is float and type(value) is int:
        return float(min(max(value, -_MOST), _MOST))
    if wanted is Path and type(value) is str and value:
        return Path(value)
    if type(value) is not wanted:
        raise SettingError(
            f"{file}: {name} is {_SAYS.get(wanted.__name__, 'a path in quotes')}, and not {repr(value)[:80]}"
        )
    return value


def _several(file: Path, name: str, hint: Any, value: Any) -> tuple[Any, ...]:
    if get_origin(hint) is tuple:  # pairs of a name and its text or number
        if get_args(hint)[1] is float:
            if not isinstance(value, dict) or not all(type(one) in (int, float) for one in value.values()):
                raise SettingError(f"{file}: {name} is a table of numbers, such as [{name}] and a line BC5CDR = 2")
            return tuple(sorted((key, float(min(max(one, -_MOST), _MOST))) for key, one in value.items()))
        if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
            raise SettingError(f'{file}: {name} is a table of types, such as [{name}] and a line Drug = "Chemical"')
        return tuple(sorted(value.items()))
    if is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            raise SettingError(f"{file}: each of {name} is a table of its own, [[{name}]] and its settings")
        return tuple(made(file, hint, one, f"table of {name}") for one in value)
    if not isinstance(value, list) or not all(isinstance(one, str) and (one or hint is str) for one in value):
        raise SettingError(f"{file}: {name} is a list of {'names' if hint is str else 'paths'} in quotes")
    return tuple(map(hint, value))


def _kinds(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if isinstance(hint, UnionType) else (hint,)
