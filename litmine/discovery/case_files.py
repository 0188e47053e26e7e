"""Read files of known cases: JSON lines with a search and what it should find."""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from litmine.discovery.request import DiscoveryRequest, check_number, names_in, shown
from litmine.discovery.rules import DiscoveryRules
from litmine.errors import DiscoveryError, SettingError

_KEYS = ("name", "start", "end", "links", "results", "until", "narrower", "to", "via")
_EXAMPLE = '{"start": "Raynaud disease", "end": "fish oil", "links": ["blood viscosity"], "until": 1985}'
# Largest file, and the last year that a case may have.
_MAX_BYTES = 4 << 20
_LAST_YEAR = 9999


@dataclass(frozen=True, slots=True)
class Case:
    """A search, and what it should find: linking concepts (`links`, with an end) or results (without an end).

    Each expected concept is a list of names or identifiers, of which any counts. place: the file and line of the case.
    """

    name: str
    request: DiscoveryRequest
    expected: tuple[tuple[str, ...], ...]
    place: str


def read_cases(file: Path, rules: DiscoveryRules) -> list[Case]:
    """Read cases from JSON lines. Raises SettingError, which names the line, for a line that is no case."""
    cases = []
    # Only a line feed ends a line: a string of JSON may hold the other characters that end lines in Unicode.
    for number, line in enumerate(_text(file).split("\n"), 1):
        if line.strip():
            place = f"{file}, line {number:,}"
            try:
                cases.append(_case(place, line, rules))
            except (DiscoveryError, _CaseError) as error:
                raise SettingError(f"{place}: {error}; a line is like {_EXAMPLE}") from error
            except RecursionError:
                raise SettingError(f"{place}: it is nested too deeply; a line is like {_EXAMPLE}") from None
    if not cases:
        raise SettingError(f"{file} has no case; a line is like {_EXAMPLE}")
    return cases


class _CaseError(ValueError):
    """What is wrong with a case."""


def _text(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            content = stream.read(_MAX_BYTES + 1)
        if len(content) > _MAX_BYTES:
            raise SettingError(f"{file} has more than {_MAX_BYTES >> 20} MiB; split it into several files")
        return content.decode("utf-8-sig")
    except FileNotFoundError:
        raise SettingError(f"{file} does not exist; give a file of JSON lines like {_EXAMPLE}") from None
    except OSError as error:
        raise SettingError(f"{file} cannot be read ({error.strerror or error}); give a file of JSON lines") from error
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise SettingError(f"{file}, line {line:,}: this is not UTF-8; save the file as UTF-8") from error


def _case(place: str, line: str, rules: DiscoveryRules) -> Case:
    """A case from its line. Raises _CaseError or DiscoveryError with what is wrong."""
    record = _record(line)
    closed = record.get("end") is not None
    wanted, other = ("links", "results") if closed else ("results", "links")
    if record.get(other) is not None:
        raise _CaseError(f"`links` need an end, and `results` have none, so this case cannot have `{other}`")
    expected = record.get(wanted)
    if not isinstance(expected, list):
        raise _CaseError(f"this is no case: `{wanted}` must be a list of names, not {shown(expected)}")
    if not expected:
        raise _CaseError(f"nothing is expected of it: `{wanted}` is empty")
    groups = tuple(names_in(wanted, one) for one in expected)
    if not all(groups):
        raise _CaseError(f"`{wanted}` has an empty list; give a name, or a list of names of which any counts")
    if repeated := _repeated([name for group in groups for name in group]):
        raise _CaseError(f"`{wanted}` has {shown(repeated)} twice; give it once")
    if (until := record.get("until")) is not None:
        check_number("until", until, 1, _LAST_YEAR)
    sides = tuple(_one_name(record, key) for key in ("start", "end")[: 1 + closed])
    narrower = record.get("narrower")
    request = DiscoveryRequest(
        sides,
        narrower=False if narrower is None else narrower,
        to=() if record.get("to") is None else record["to"],
        via=() if record.get("via") is None else record["via"],
        until=until,
        rules=rules,
    )
    name = " - ".join(sides) if record.get("name") is None else _one_name(record, "name")
    return Case(name, request, groups, place)


def _record(line: str) -> dict[str, Any]:
    """The object of a line, with known keys, each once."""
    try:
        record = json.loads(line, object_pairs_hook=_unique)
    except _CaseError:
        raise
    except ValueError as error:
        problem = error.msg if isinstance(error, json.JSONDecodeError) else "it has a number that is too long"
        raise _CaseError(f"this is no case: {problem}") from None
    if not isinstance(record, dict):
        raise _CaseError("this is no case, but " + shown(record))
    if unknown := sorted(record.keys() - {*_KEYS}):
        raise _CaseError(f"unknown key {shown(unknown[0])}; the keys are {', '.join(_KEYS)}")
    return record


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if repeated := _repeated([key for key, _ in pairs]):
        raise _CaseError(f"it has the key {shown(repeated)} twice; give it once")
    return dict(pairs)


def _repeated(names: list[str]) -> str | None:
    """The first name that is there twice."""
    return next((name for name, number in Counter(names).items() if number > 1), None)


def _one_name(record: dict[str, Any], key: str) -> str:
    value = record.get(key)
    if not isinstance(value, str):
        raise _CaseError(f"this is no case: `{key}` must be one name in quotes, not {shown(value)}")
    return names_in(key, value)[0]
