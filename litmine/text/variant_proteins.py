"""Find changes of proteins in a text: `p.Val600Glu`, `V600E`, `ΔF508`, `valine to methionine at codon 66`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from litmine.text import variant_patterns as patterns
from litmine.text.variant_names import (
    AMINO_ACID_WORDS,
    STOP,
    amino_acid,
    frameshift_name,
    protein_range_name,
    substitution_name,
    translate_codon,
)
from litmine.text.variant_spans import Variant, mention

# What has the form of a change and is none: cell lines, and names of the S100 proteins and of cytochromes P450.
NOT_CHANGES = frozenset(
    (
        *("T47D", "T98G", "C33A", "L5178Y", "C127I", "A375P", "A375M", "A375S"),
        *("F344N", "M059K", "P388D", "K562R", "A20R", "T20S"),
    )
)
_FAMILIES = ("S100", "P450")
# What texts write directly before a change: oncogenes, and reverse transcriptase and surface protein of HBV.
_PROTEINS_BEFORE = frozenset(
    (
        *("KRAS", "Kras", "NRAS", "HRAS", "BRAF", "Braf", "JAK2", "Jak2"),
        *("EGFR", "IDH1", "IDH2", "LRRK2", "SOD1", "rt", "s"),
    )
)
_MIN_GENE, _MAX_GENE = 3, 12
_WORD = re.compile(r"[A-Za-z0-9]+")
_BASES = frozenset("ACGT")
# Old names of changes in DNA seldom have smaller positions.
_MIN_BASE_POSITION = 100
# The words of these links name the new amino acid first.
_REVERSE = ("for", "instead of")


@dataclass(frozen=True, slots=True)
class OneLetterChanges:
    """The changes of proteins with one-letter codes in a text, such as `V600E`, and their spans."""

    matches: tuple[re.Match[str], ...]
    spans: frozenset[tuple[int, int]]


def find_one_letter_changes(text: str) -> OneLetterChanges:
    """Find the changes with one-letter codes. If both letters could be bases (C677T), position and text decide.

    Positions below 100 are those of proteins. Others are if the text also has a change that can only be of a protein,
    not at the codon of this base, and the position is less than twice the largest of these.
    """
    words: set[str] = set()
    matches = []
    for match in patterns.PROTEIN_ONE.finditer(text):
        prefix = patterns.PREFIX.search(text, max(0, match.start() - _MAX_GENE), match.start())
        if prefix and not words:
            words = set(_WORD.findall(text))
        if _is_change(match, prefix[0] if prefix else "", words):
            matches.append(match)
    known = {int(match["position"]) for match in matches if not _could_be_bases(match)}
    largest = max(known, default=0)
    proteins = []
    for match in matches:
        position = int(match["position"])
        if not _could_be_bases(match) or (
            0 < position < _MIN_BASE_POSITION
            or position in known
            or (0 < position < 2 * largest and (position + 2) // 3 not in known)
        ):
            proteins.append(match)
    return OneLetterChanges(tuple(proteins), frozenset(match.span() for match in proteins))


def _is_change(match: re.Match[str], prefix: str, words: set[str]) -> bool:
    if match["before"] == match["after"] or match[0] in NOT_CHANGES or match[0].startswith(_FAMILIES):
        return False
    # The text also has the gene's name alone: HEK293T is no change in HE.
    return not prefix or prefix in _PROTEINS_BEFORE or (len(prefix) >= _MIN_GENE and prefix in words)


def _could_be_bases(match: re.Match[str]) -> bool:
    return match["before"] in _BASES and match["after"] in _BASES


def find_protein_changes(text: str, changes: OneLetterChanges) -> Iterator[Variant]:
    """The changes of proteins in a text, which may overlap."""
    for match in changes.matches:
        yield mention(match, _substitution(match))
    yield from _coded(text)
    yield from _deleted(text)
    yield from _words(text)
    yield from _stops(text)
    yield from _codons(text)


def _coded(text: str) -> Iterator[Variant]:
    """Changes with three-letter codes, with the prefix `p.`, or of the frame."""
    if "p." in text:
        for match in patterns.PROTEIN_PREFIXED.finditer(text):
            yield mention(match, _prefixed_name(match))
    if patterns.HAS_FRAMESHIFT.search(text):
        for match in patterns.PROTEIN_FRAMESHIFT.finditer(text):
            yield mention(match, _frameshift(match))
    coded = [patterns.PROTEIN_THREE, patterns.PROTEIN_PAIR, patterns.PROTEIN_ONE_WORD]
    if patterns.HAS_SMALL.search(text):
        coded.append(patterns.PROTEIN_SMALL)
    for pattern in coded:
        for match in pattern.finditer(text):
            yield mention(match, _substitution(match))
    for match in patterns.PROTEIN_POSITION_FIRST.finditer(text):
        if not _could_be_bases(match) and match["before"] != match["after"]:
            yield mention(match, _substitution(match))


def _deleted(text: str) -> Iterator[Variant]:
    """Amino acids that are deleted, inserted or doubled."""
    if "elta" in text or "Δ" in text or "∆" in text:
        for match in patterns.DELTA_RESIDUE.finditer(text):
            yield mention(match, protein_range_name(_residue(match["before"], match["position"]), "", "del"))
    if patterns.HAS_EVENT.search(text):
        for match in patterns.RESIDUE_EVENT.finditer(text):
            yield mention(match, _range_name(match))
        for match in patterns.RESIDUES_DELETED.finditer(text):
            yield mention(match, None)


def _substitution(match: re.Match[str]) -> str | None:
    return substitution_name(amino_acid(match["before"]), match["position"] or "", amino_acid(match["after"]))


def _prefixed_name(match: re.Match[str]) -> str | None:
    if match["event"]:
        return _range_name(match)
    if match["open_end"]:
        return None
    if "fs" in match[0]:
        return _frameshift(match)
    after = match["before"] if match["after"] == "=" else match["after"] or ""
    return substitution_name(amino_acid(match["before"]), match["position"], amino_acid(after))


def _frameshift(match: re.Match[str]) -> str | None:
    after, length = amino_acid(match["shift_after"] or ""), (match["length"] or "").strip("?")
    return frameshift_name(amino_acid(match["before"]), match["position"], after, length)


def _range_name(match: re.Match[str]) -> str | None:
    last = _residue(match["to"] or "", match["end"] or "")
    if match["end"] and not last:
        return None
    first = _residue(match["before"], match["position"])
    return protein_range_name(first, last, match["kind"], _letters(match["inserted"] or ""))


def _residue(code: str, position: str) -> str:
    """`E746`; empty if one of the two is missing."""
    letter = amino_acid(code)
    return f"{letter}{position}" if letter and position else ""


def _letters(residues: str) -> str:
    """One letter for each amino acid of a sequence in one or three letters; empty for a number."""
    if re.fullmatch(f"(?:{patterns.CODES})+", residues):
        return "".join(amino_acid(residues[at : at + 3]) for at in range(0, len(residues), 3))
    return "" if residues.isdigit() else residues


def _words(text: str) -> Iterator[Variant]:
    """Changes whose amino acids are words."""
    lowered = text.lower()
    if not any(word in lowered for word in AMINO_ACID_WORDS):
        return
    for match in patterns.ACID_WORDS.finditer(text):
        link, position = (match["link"] or "").lower(), match["position"] or match["position2"] or ""
        before, after = _acid(match["before"] or match["before2"]), _acid(match["after"] or match["after2"])
        if link in _REVERSE:
            before, after = after, before
        # Asparaginase turns asparagine into aspartate.
        if position or (before != after and link != "into"):
            yield mention(match, substitution_name(before, position, after))
    for match in patterns.ACID_WORDS_AFTER_CODON.finditer(text):
        yield mention(match, substitution_name(_acid(match["before"]), match["position"], _acid(match["after"])))


def _stops(text: str) -> Iterator[Variant]:
    """Codons that become a stop."""
    if "stop" not in text and "termination" not in text:
        return
    for match in patterns.STOP_CODON.finditer(text):
        yield mention(match, None)
    for pattern in (patterns.STOP_FOR_ACID, patterns.ACID_INTO_STOP):
        for match in pattern.finditer(text):
            yield mention(match, substitution_name(_acid(match["before"]), match["position"], STOP))


def _acid(words: str) -> str:
    """The letter of an amino acid from words such as `aspartic acid residue (Asp)`."""
    plain = words.partition("(")[0].strip().lower()
    if "stop" in plain or "termination" in plain:
        return STOP
    for last in (" residue", " codon", " radical"):
        plain = plain.removesuffix(last)
    return amino_acid(plain)


def _codons(text: str) -> Iterator[Variant]:
    """Changes of a codon whose bases are given, so that the genetic code says the amino acids."""
    if "codon" not in text and not patterns.HAS_CODON.search(text):
        return
    for match in patterns.CODON_CHANGE.finditer(text):
        number = next(number for number in ("", "2", "3") if match[f"before{number}"])
        before, after = (translate_codon(match[f"{side}{number}"]) for side in ("before", "after"))
        yield mention(match, substitution_name(before, match[f"position{number}"], after))
    for match in patterns.BASE_WORDS_AFTER_CODON.finditer(text):
        yield mention(match, None)
