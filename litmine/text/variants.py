"""Find genetic variants in a text by rules: rs numbers, changes of proteins and of DNA, and events such as deletions.

A form that also names something else (T47D is a cell line, C4A a gene, H5N1 a virus) counts only where letters, number
and context allow it. Of overlapping mentions the longest counts.
"""

import re
from collections.abc import Iterable, Iterator

from litmine.text import variant_patterns as patterns
from litmine.text.variant_bases import find_base_changes
from litmine.text.variant_names import amino_acid, site, snp_name
from litmine.text.variant_proteins import find_one_letter_changes, find_protein_changes
from litmine.text.variant_spans import Variant, mention

# Increases whenever the rules would find other variants, or name them otherwise.
RULES_VERSION = 1
_MIN_DIGITS, _MIN_DIGITS_OF_CAPITALS = 3, 4
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2212\ufe63\uff0d"
_ARROWS = "\u2192\u27f6\u2794\u02c3\uff1e\u203a"
_SPACES = "\u00a0\u2002\u2003\u2007\u2009\u200a\u202f"
# Each character becomes one, so that offsets stay.
_PLAIN = str.maketrans({**dict.fromkeys(_DASHES, "-"), **dict.fromkeys(_ARROWS, ">"), **dict.fromkeys(_SPACES, " ")})
_NAMED = re.compile(
    r"HGVS:(?:[cg]\.(?P<site>[^ACGT]{1,20})(?P<from>[ACGT])>(?P<to>[ACGT])"
    r"|p\.(?P<before>[A-Z])(?P<position>[0-9]{2,5})(?P<after>[A-Z]))"
)
_SIDE = re.compile(
    rf"(?<![A-Za-z0-9])(?:(?P<code>{patterns.CODES})[- ]?(?P<digits>[0-9]{{2,5}})"
    rf"|(?P<digits2>[0-9]{{2,5}})\s?(?P<code2>{patterns.CODES})|(?P<letter>[A-Z])(?P<digits3>[0-9]{{2,5}})"
    r"|(?P<place>[-+]?\s?[0-9]{2,9}|IVS[0-9]{1,2}\s?[-+]\s?[0-9]{1,4})\s?(?P<bases>[ACGT](?:[ACGT](?:\+[ACGT]{2})?)?)"
    r")(?![A-Za-z0-9])"
)


def find_variants(text: str) -> list[Variant]:
    """The variants of a text, in order, none overlapping another. The time is linear in the length of the text."""
    plain = text if text.isascii() else text.translate(_PLAIN)
    changes = find_one_letter_changes(plain)
    found = [*_snps(plain), *find_protein_changes(plain, changes), *find_base_changes(plain, changes)]
    if found:
        found += _sides(plain, found)
    return _longest(found)


def _snps(text: str) -> Iterator[Variant]:
    for match in patterns.RS.finditer(text):
        needed = _MIN_DIGITS if match[0].startswith("rs") else _MIN_DIGITS_OF_CAPITALS
        if len(match["digits"]) >= needed:
            yield mention(match, snp_name(match["digits"]))


def _sides(text: str, found: Iterable[Variant]) -> Iterator[Variant]:
    """One side of a change that the text names: `-308A` beside `-308G>A`, `399 Gln` beside `Arg399Gln`."""
    sides: set[tuple[str, str]] = set()
    for one in found:
        match = _NAMED.fullmatch(one.identifier or "")
        if match and match["site"]:
            sides |= {(match["site"], match["from"]), (match["site"], match["to"])}
        elif match:
            sides |= {(match["position"], match["before"]), (match["position"], match["after"])}
    if not sides:
        return
    for match in _SIDE.finditer(text):
        if match["place"]:
            place = site(match["place"])
            named = all((place, base) in sides for base in match["bases"] if base != "+")
        else:
            code = match["code"] or match["code2"]
            position = match["digits"] or match["digits2"] or match["digits3"]
            named = (position, amino_acid(code) if code else match["letter"]) in sides
        if named:
            yield mention(match, None)


def _longest(found: Iterable[Variant]) -> list[Variant]:
    """The mentions without those that overlap a longer one; of two equal spans, the one with an identifier."""
    chosen: list[Variant] = []
    taken: set[int] = set()
    for one in sorted(
        found,
        key=lambda one: (one.start_char - one.end_char, one.identifier is None, one.start_char, one.identifier or ""),
    ):
        span = range(one.start_char, one.end_char)
        if taken.isdisjoint(span):
            taken.update(span)
            chosen.append(one)
    return sorted(chosen, key=lambda one: one.start_char)
