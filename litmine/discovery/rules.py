"""Which concepts are no linking concept and no result: rules that a user can see (`--show-rules`) and change."""

import json
import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from litmine.discovery.facts import BRANCH
from litmine.errors import SettingError
from litmine.settings import check_ranges, from_toml, read_toml, setting, setting_metadata

# Prefixes of identifiers. A term list may have identifiers of any other form.
_PREFIXES = ("MESH:", "NCBIGene:", "NCBITaxon:")
# A unique identifier of MeSH without its prefix.
_BARE_MESH = re.compile(r"[CD]\d{6,9}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class DiscoveryRules:
    """The rules. A concept that one of them names is neither a linking concept nor a result."""

    most_frequent: float = setting(
        "Leave out concepts of more than this share of the articles: they link everything.", 0.2, above=0, at_most=1
    )
    fewest_articles: int = setting("Leave out concepts of fewer articles.", 2, at_least=1)
    least_depth: int = setting(
        "Leave out headings of MeSH that are as general: the least depth in one of the trees that a concept needs,"
        " 1 for the top (`C14`), 2 for what is below it.",
        3,
        at_least=1,
    )
    branches: tuple[str, ...] = setting(
        "Leave out concepts that are only in these branches of MeSH: publication types, places, health care, people.",
        ("V", "Z", "N", "M", "I", "K", "L", "H", "J"),
    )
    leave_out: tuple[str, ...] = setting("Leave out these identifiers.", ("NCBITaxon:9606", "MESH:D006801"))
    same_thing: bool = setting(
        "Leave out what is the same as the start, or above or below it in MeSH, or has the same name.", True
    )

    def __post_init__(self) -> None:
        check_ranges(self)
        for branch in self.branches:
            if not BRANCH.fullmatch(branch):
                raise SettingError(
                    f"branches has {ascii(branch)[:80]}, which is no branch of MeSH; write a letter or a tree number,"
                    " such as V or D12.776"
                )
        for identifier in self.leave_out:
            if problem := _identifier_problem(identifier):
                raise SettingError(
                    f"leave_out has {ascii(identifier)[:80]}, which {problem}; write identifiers as the view `concepts`"
                    " does, such as MESH:D006801"
                )


def _identifier_problem(identifier: str) -> str:
    """Why no concept can have this identifier; empty if one may."""
    if not identifier.strip() or identifier != identifier.strip() or not identifier.isprintable():
        return "is empty, or has spaces around it or a character that cannot be printed"
    if "|" in identifier:
        return "has a |, as several identifiers do"
    for prefix in _PREFIXES:
        if identifier.lower().startswith(prefix.lower()) and not identifier.startswith(prefix):
            return f"needs the prefix {prefix}"
    return "needs the prefix MESH:" if _BARE_MESH.fullmatch(identifier) else ""


def read_rules(file: Path) -> DiscoveryRules:
    """The rules of a TOML file; those that it does not set have their defaults. Raises SettingError."""
    if not file.exists():
        raise SettingError(f"{file} does not exist; `litmine discover --show-rules > {file.name}` writes such a file")
    values = read_toml(file)
    try:
        rules: DiscoveryRules = from_toml(file, DiscoveryRules, values, "rule")
    except SettingError as error:
        message = str(error)
        raise SettingError(message if message.startswith(str(file)) else f"{file}: {message}") from error
    return rules


def rules_text(rules: DiscoveryRules) -> str:
    """The rules as a TOML file with an explanation of each."""
    lines: list[str] = []
    for field in fields(rules):
        metadata = setting_metadata(field)
        lines += [f"# {metadata.help}" if metadata else "", f"{field.name} = {_toml(getattr(rules, field.name))}"]
    return "\n".join(lines)


def _toml(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    # TOML has the truth values of JSON, and its strings, but no surrogates for the characters beyond U+FFFF.
    return json.dumps(value, ensure_ascii=False) if isinstance(value, bool | str) else str(value)


def depth(tree_number: str) -> int:
    """The depth of a tree number: 1 for `C14`, 2 for `C14.280`."""
    return tree_number.count(".") + 1
