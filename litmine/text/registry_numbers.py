"""Find the numbers of trial registrations in a text by rules, each with its normal form and exact offsets."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from litmine.text.registry_patterns import FORMS, FURTHER, RegistryForm

# Increases whenever the rules would find other numbers, or write them otherwise.
RULES_VERSION = 1
_DASHES = "\u00ad\u2010\u2011\u2012\u2013\u2014\u2212\ufe63\uff0d"
_SPACES = "\u00a0\u2002\u2003\u2007\u2009\u200a\u200b\u202f\u2060\ufeff"
# Each character becomes one, so that offsets stay.
_PLAIN = str.maketrans({**dict.fromkeys(_DASHES, "-"), **dict.fromkeys(_SPACES, " "), "\u2044": "/", "\u2215": "/"})
# Cheap test for texts without a number, which are most.
_ANY = re.compile(
    r"NCT|IS[CR]|IRSCTN|20[0-9]{2}\s?-\s?[05]|EUDRA|EUCTR|ACTRN|ANZCTR|CTRI?\b|CTR|DRKS|UMIN|JAPIC|JMA|RCT|NTR|NL"
    r"|KCT|PER\s?-|RBR|RPCEC",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class RegistryNumber:
    """A number in a text: offsets in code points, end exclusive, the normal form, and the name of the registry."""

    start_char: int
    end_char: int
    identifier: str
    registry: str


def find_registry_numbers(text: str) -> list[RegistryNumber]:
    """The registry numbers of a text in order, none overlapping another; a number of zeros only is none."""
    plain = text.translate(_PLAIN)
    if not _ANY.search(plain):
        return []
    # Of two readings of one number, the shorter leaves out words before it.
    shortest: dict[tuple[int, str], RegistryNumber] = {}
    for one in (one for form in FORMS for one in _of_form(form, plain)):
        other = shortest.setdefault((one.end_char, one.identifier), one)
        if one.start_char > other.start_char:
            shortest[one.end_char, one.identifier] = one
    chosen: list[RegistryNumber] = []
    for one in sorted(shortest.values(), key=lambda one: (one.start_char - one.end_char, one.start_char)):
        if all(one.end_char <= other.start_char or one.start_char >= other.end_char for other in chosen):
            chosen.append(one)
    return sorted(chosen, key=lambda one: one.start_char)


def normal_registry_number(text: str) -> str | None:
    """The normal form of a text that is a registry number and nothing else; None for any other text."""
    found = find_registry_numbers(text)
    return found[0].identifier if len(found) == 1 else None


def _of_form(form: RegistryForm, text: str) -> Iterator[RegistryNumber]:
    for match in form.pattern.finditer(text):
        identifier = form.normal(match)
        if identifier is None:
            continue
        start = match.start("all") if "all" in form.pattern.groupindex else match.start()
        yield RegistryNumber(start, match.end(), identifier, form.registry)
        prefix = identifier.rstrip("0123456789")
        if prefix in FURTHER:
            yield from _further(text, match.end(), prefix, form.registry)


def _further(text: str, position: int, prefix: str, registry: str) -> Iterator[RegistryNumber]:
    """The numbers after one of the same registry in a list that names the registry once."""
    while match := FURTHER[prefix].match(text, position):
        if match["digits"].strip("0"):
            yield RegistryNumber(match.start("digits"), match.end(), prefix + match["digits"], registry)
        position = match.end()
