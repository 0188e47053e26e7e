"""Parameters of requests: declared once, for reading them and for the OpenAPI description."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from litmine.errors import SettingError

_MAX_LENGTH = 100_000
_MAX_DIGITS = 18
_NOT_TEXT = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter in the query of an address, or a key of a JSON body.

    kind: type of the value; `strings` is a list. required: whether it must be there and not empty. choices: the values
    that a text may have. least, most: range of a number.
    """

    name: str
    description: str
    kind: Literal["string", "integer", "strings"] = "string"
    default: Any = ""
    required: bool = False
    choices: Sequence[str] = ()
    least: int = 0
    most: int = 1_000_000_000

    def schema(self) -> dict[str, Any]:
        """Its JSON schema."""
        if self.kind == "integer":
            whole = {"type": "integer", "minimum": self.least, "maximum": self.most}
            return whole | ({} if self.default is None else {"default": self.default})
        if self.kind == "strings":
            return {"type": "array", "items": {"type": "string"}}
        text: dict[str, Any] = {"type": "string"}
        return text | ({"enum": list(self.choices)} if self.choices else {})

    def read(self, value: Any) -> Any:
        """The value of the declared type; None stands for a missing one. Raises SettingError."""
        if value is None or value == "":
            if self.required:
                raise SettingError(f"{self.name} is missing: {self.description[0].lower()}{self.description[1:]}")
            return self.default
        if self.kind == "integer":
            return self._number(value)
        if self.kind == "strings":
            if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
                raise SettingError(f"{self.name} must be a list of texts")
            return value
        if not isinstance(value, str):
            raise SettingError(f"{self.name} must be a text")
        if len(value) > _MAX_LENGTH or _NOT_TEXT.search(value):
            raise SettingError(f"{self.name} must be Unicode text of at most {_MAX_LENGTH:,} characters, without NUL")
        if self.choices and value not in self.choices:
            raise SettingError(f"{self.name} must be one of {', '.join(self.choices)}, not {value[:40]!r}")
        return value

    def _number(self, value: Any) -> int:
        text = str(value).strip()
        if isinstance(value, bool) or not text.isascii() or not text.isdigit():
            raise SettingError(f"{self.name} must be a whole number, not {text[:40]!r}")
        # Python refuses to read thousands of digits.
        if len(text) > _MAX_DIGITS or not self.least <= int(text) <= self.most:
            raise SettingError(f"{self.name} must be from {self.least:,} to {self.most:,}, not {_shown(text)}")
        return int(text)


def _shown(digits: str) -> str:
    return f"{int(digits):,}" if len(digits) <= _MAX_DIGITS else digits[:40]


def read_parameters(declared: Sequence[Parameter], given: Mapping[str, Any]) -> dict[str, Any]:
    """The values of all declared parameters. Raises SettingError for a bad value and for an unknown name."""
    known = [one.name for one in declared]
    if unknown := [name for name in given if name not in known]:
        raise SettingError(f"unknown parameter {unknown[0][:40]!r}; the parameters are {', '.join(known) or 'none'}")
    return {one.name: one.read(given.get(one.name)) for one in declared}
