"""Settings as dataclass fields with a help text and a range, read from TOML files or from command-line flags.

A TOML file sets any fields of the dataclass by name; the others keep their defaults. A dataclass field is a table, and
a tuple of dataclasses is an array of tables, `[[stages]]`. `litmine.cli.dataclass_options` makes flags of the fields.
"""

import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from difflib import get_close_matches
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from litmine.atomic_write import require_path
from litmine.errors import SettingError

# Larger numbers in a TOML file are cut to this, because an integer there may exceed the range of a float.
_LARGEST = 10**300
# Larger whole numbers overflow in the libraries that get them.
_LARGEST_WHOLE = 2**31 - 1
# Characters of a text in settings that come as JSON.
_LONGEST_TEXT = 1_000
# Largest TOML file.
_MAX_BYTES = 4 << 20
_TYPE_NAMES = {"str": "text in quotes", "int": "a whole number", "float": "a number", "bool": "true or false"}
_KEY = "setting"
# Of a name that does not exist, messages show so many characters.
_SHOWN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Metadata of a settings field, in addition to its type and default.

    help: help text, one or two sentences.
    flag: command-line flag; empty derives it from the field's name.
    metavar: placeholder of the value in the help.
    at_least, above, at_most, below: range of the number, or of each number of a table.
    unset: what the help shows as the default of a field without a default, or with an empty one.
    none: on the command line, `none` stands for the empty value, which overrides a recipe.
    flag_value: value of the flag when it has no argument.
    output: the path is one that litmine writes, so it cannot be in a lake.
    repeat_by: for a tuple of dataclasses, the field whose flag adds one dataclass each time it is used.
    """

    help: str
    flag: str = ""
    metavar: str = ""
    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None
    below: float | None = None
    unset: str = ""
    none: bool = False
    flag_value: Any = None
    output: bool = False
    repeat_by: str = ""

    @property
    def range(self) -> str:
        """The range in words; empty without one."""
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


def setting(text: str, default: Any = MISSING, **metadata: Any) -> Any:
    """A dataclass field with the help `text`; `metadata` are further attributes of `Setting`."""
    return field(default=default, metadata={_KEY: Setting(help=text, **metadata)})


def setting_with_default(kind: type, name: str, default: Any) -> Any:
    """The setting `name` of the dataclass `kind` with another default, for a subclass."""
    inherited = _field(kind, name)
    return field(default=default, kw_only=inherited.kw_only, metadata=inherited.metadata)


def setting_metadata(of: "Field[Any]") -> Setting | None:
    """Metadata of a field; None when `setting` did not make it."""
    metadata: Setting | None = of.metadata.get(_KEY)
    return metadata


def help_text(kind: type, name: str) -> str:
    """The help text of a setting."""
    metadata = setting_metadata(_field(kind, name))
    return metadata.help if metadata else ""


def flag_name(kind: type, name: str) -> str:
    """The command-line flag of a setting; for an array of tables, the flag that adds one."""
    metadata = setting_metadata(_field(kind, name))
    if metadata and metadata.repeat_by:
        return flag_name(get_args(get_type_hints(kind)[name])[0], metadata.repeat_by)
    return (metadata and metadata.flag) or f"--{name.replace('_', '-')}"


def _field(kind: type, name: str) -> "Field[Any]":
    return next(candidate for candidate in fields(kind) if candidate.name == name)


def required_fields(kind: type) -> list[str]:
    """Names of the fields without a default."""
    return [each.name for each in fields(kind) if each.default is MISSING and each.default_factory is MISSING]


def check_ranges(settings: Any) -> None:
    """Raise SettingError when a number of a settings dataclass is infinite, NaN or out of its range."""
    for each in fields(settings):
        if metadata := setting_metadata(each):
            for name, number in _numbers(each.name, getattr(settings, each.name)):
                if isinstance(number, float) and not math.isfinite(number):
                    raise SettingError(f"{name} must be a finite number, not {number}")
                if not metadata.holds(number):
                    raise SettingError(f"{name} must be {metadata.range}, not {str(number)[:40]}")


def _numbers(name: str, value: Any) -> Iterator[tuple[str, float]]:
    """The number of a setting, or the numbers of its table."""
    if isinstance(value, int | float):
        yield name, value
    elif isinstance(value, tuple):
        for pair in value:
            if isinstance(pair, tuple) and isinstance(pair[-1], int | float):
                yield f"{name} of {str(pair[0])[:80]!r}", pair[-1]


def check_types(settings: Any) -> None:
    """Raise ValueError when a value of a dataclass has not the type of its field, at any depth, or an odd size.

    Settings that come as JSON are checked with it: whole numbers have at most 32 bits, others are finite, and text is
    no longer than a line.
    """
    hints = get_type_hints(type(settings))
    for each in fields(settings):
        _check_type(each.name, hints[each.name], getattr(settings, each.name))


def _check_type(name: str, hint: Any, value: Any) -> None:
    origin, inner = get_origin(hint), get_args(hint)
    if isinstance(hint, UnionType):
        kinds = [kind for kind in inner if kind is not NoneType]
        fits = value is None or len(kinds) > 1
        if not fits:
            _check_type(name, kinds[0], value)
        return
    if origin is tuple:
        fits = isinstance(value, tuple) and (inner[-1] is ... or len(inner) == len(value))
        for kind, item in (
            zip(inner if inner[-1] is not ... else inner[:1] * len(value), value, strict=True) if fits else ()
        ):
            _check_type(name, kind, item)
    elif is_dataclass(hint) and isinstance(hint, type):
        fits = isinstance(value, hint)
        if fits:
            check_types(value)
    elif origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        fits = isinstance(value, Mapping)
        for key, item in value.items() if fits else ():
            _check_type(name, inner[0], key)
            _check_type(name, inner[1], item)
    else:
        fits = _fits(hint, value)
    if not fits:
        raise ValueError(f"{name} cannot be {repr(value)[:80]}")


def _fits(kind: Any, value: Any) -> bool:
    """Whether a value without parts has this type and a possible size. Other types are not checked."""
    if kind is str:
        return isinstance(value, str) and len(value) <= _LONGEST_TEXT and value.isprintable()
    if kind is bool:
        return isinstance(value, bool)
    if kind is int:
        return type(value) is int and abs(value) <= _LARGEST_WHOLE
    if kind is float:
        return type(value) in (int, float) and math.isfinite(value) and abs(value) <= _LARGEST_WHOLE
    return True


def settings_names(folder: Path) -> list[str]:
    """Names of the settings files in a folder, sorted."""
    return sorted(file.stem for file in folder.glob("*.toml"))


def find_settings(reference: str, folder: Path | None, what: str) -> Path:
    """The settings file with this name in the folder, or at this path.

    `what` is the kind of settings in error messages. Raises SettingError that lists the names in the folder.
    """
    names = settings_names(folder) if folder else []
    file = folder / f"{reference}.toml" if folder and reference in names else Path(reference)
    if not _is_file(file):
        meant = did_you_mean(reference, names)
        known = f"{', '.join(names)} or " if names else ""
        shown = reference if len(reference) <= _SHOWN else f"{reference[:_SHOWN]}..."
        raise SettingError(f"no {what} {shown!r}{meant}; give {known}a TOML file")
    return file


def _is_file(file: Path) -> bool:
    """Whether a path is a file; a name that is too long for one is not."""
    try:
        return file.is_file()
    except (OSError, ValueError):
        return False


def read_toml(file: Path) -> dict[str, Any]:
    """The content of a TOML file. Raises SettingError when it cannot be read, or has more than 4 MiB."""
    try:
        with file.open("rb") as stream:
            content = stream.read(_MAX_BYTES + 1)
        if len(content) > _MAX_BYTES:
            raise SettingError(f"{file} cannot be read as TOML: it is larger than {_MAX_BYTES >> 20} MiB")
        return tomllib.loads(content.decode().replace("\r\n", "\n"))
    except OSError as error:
        raise SettingError(f"{file} cannot be read ({error.strerror or error}); give a TOML file") from error
    except ValueError as error:
        raise SettingError(f"{file} cannot be read as TOML: {' '.join(str(error).split())}") from error
    except RecursionError:
        raise SettingError(f"{file} cannot be read as TOML: it is nested too deeply") from None


def validate_types(file: Path, kind: type, values: Mapping[str, Any], what: str) -> dict[str, Any]:
    """Convert TOML values to the types of the fields of the dataclass `kind`, which checks their ranges itself.

    `what` is the kind of settings in error messages. Raises SettingError for an unknown name, with the nearest known
    one, and for a value of the wrong type.
    """
    known = [field.name for field in fields(kind)]
    if unknown := sorted(set(values).difference(known)):
        named = ", ".join(f"{name[:40]}{did_you_mean(name, known)}" for name in unknown[:10])
        raise SettingError(f"{file}: unknown setting {named}; the settings of a {what} are {', '.join(known)}")
    hints = get_type_hints(kind)
    return {name: _convert(file, name, hints[name], value) for name, value in values.items()}


def from_toml(file: Path, kind: type, values: Mapping[str, Any], what: str) -> Any:
    """The dataclass `kind` with these TOML values. Raises SettingError as `validate_types`, and for a missing value."""
    converted = validate_types(file, kind, values, what)
    if missing := [name for name in required_fields(kind) if name not in converted]:
        raise SettingError(f"{file}: a {what} needs {', '.join(missing)}")
    return kind(**converted)


def did_you_mean(name: str, known: Sequence[str]) -> str:
    """` (did you mean ...?)` with the nearest known name; empty when none is similar."""
    nearest = get_close_matches(name[:_SHOWN], known, 1)
    return f" (did you mean {nearest[0]}?)" if nearest else ""


def _convert(file: Path, name: str, hint: Any, value: Any) -> Any:
    if get_origin(hint) is tuple:
        return _convert_tuple(file, name, get_args(hint)[0], value)
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            raise SettingError(f"{file}: {name} must be one of {', '.join(get_args(hint))}, not {repr(value)[:80]}")
        return value
    if is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, dict):
            raise SettingError(f"{file}: {name} must be a table: [{name}] and its settings")
        return from_toml(file, hint, value, name)
    wanted = next(kind for kind in _union_members(hint) if kind is not NoneType)
    if wanted is float and type(value) is int:
        return float(min(max(value, -_LARGEST), _LARGEST))
    if wanted is Path and type(value) is str and value:
        return _path(file, name, value)
    if wanted is int and type(value) is int and abs(value) > _LARGEST_WHOLE:
        raise SettingError(f"{file}: {name} must be at most {_LARGEST_WHOLE:,}, not {len(str(abs(value)))} digits")
    if type(value) is not wanted:
        expected = _TYPE_NAMES.get(wanted.__name__, "a path in quotes")
        raise SettingError(f"{file}: {name} must be {expected}, not {repr(value)[:80]}")
    return value


def _convert_tuple(file: Path, name: str, hint: Any, value: Any) -> tuple[Any, ...]:
    if get_origin(hint) is tuple:  # pairs of a name and its text or number
        if get_args(hint)[1] is float:
            if not isinstance(value, dict) or not all(type(number) in (int, float) for number in value.values()):
                raise SettingError(f"{file}: {name} must be a table of numbers: [{name}] and lines like BC5CDR = 2")
            return tuple(sorted((key, float(min(max(number, -_LARGEST), _LARGEST))) for key, number in value.items()))
        if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
            raise SettingError(f'{file}: {name} must be a table of types: [{name}] and lines like Drug = "Chemical"')
        return tuple(sorted(value.items()))
    if is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, list) or not all(isinstance(table, dict) for table in value):
            raise SettingError(f"{file}: each of {name} must be a table: [[{name}]] and its settings")
        return tuple(from_toml(file, hint, table, f"table of {name}") for table in value)
    if not isinstance(value, list) or not all(isinstance(text, str) and (text or hint is str) for text in value):
        raise SettingError(f"{file}: {name} must be a list of {'names' if hint is str else 'paths'} in quotes")
    return tuple(_path(file, name, text) if hint is Path else hint(text) for text in value)


def _path(file: Path, name: str, text: str) -> Path:
    try:
        require_path(Path(text))
    except SettingError as error:
        raise SettingError(f"{file}: {name}: {error}") from None
    return Path(text)


def _union_members(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if isinstance(hint, UnionType) else (hint,)
