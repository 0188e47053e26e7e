"""Settings as TOML: files that come with litmine by name, one's own by path, held against a dataclass.

A file holds the fields of the dataclass by their names, as many as it likes; what is not there has its default. A field
that is a dataclass itself is a table, and a tuple of dataclasses a table for each, `[[stages]]`.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from difflib import get_close_matches
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from litmine.errors import SettingError

# Beyond what makes sense anywhere, and within what a float holds.
_MOST = 10**300
_SAYS = {"str": "text in quotes", "int": "a whole number", "float": "a number", "bool": "true or false"}


def names_in(folder: Path) -> list[str]:
    """The settings files of a folder, by name."""
    return sorted(file.stem for file in folder.glob("*.toml"))


def find_settings(reference: str, folder: Path, what: str) -> Path:
    """The file of that name in the folder, or at that path. Raises SettingError, naming those that there are."""
    names = names_in(folder)
    file = folder / f"{reference}.toml" if reference in names else Path(reference)
    if not file.is_file():
        meant = did_you_mean(reference, names)
        raise SettingError(f"there is no {what} {reference!r}{meant}; give {', '.join(names)} or a TOML file")
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
    needed = [one.name for one in fields(kind) if one.default is MISSING and one.default_factory is MISSING]
    if missing := [name for name in needed if name not in values]:
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
