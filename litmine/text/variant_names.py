"""Normal forms of genetic variants: one identifier for all spellings of a variant.

The forms are those of the HGVS nomenclature (den Dunnen et al., Human Mutation 2016) with amino acids as one letter,
which is how PubTator and tmVar write them: `HGVS:p.V600E`, `HGVS:c.35del`, `dbSNP:rs1042522`. As in HGVS, a stop is
`*`, and the deleted or doubled sequence is left out, because the position says it. Nothing is looked up: the
identifier says what the text says.
"""

import re

AMINO_ACIDS = {
    "ala": "A",
    "arg": "R",
    "asn": "N",
    "asp": "D",
    "cys": "C",
    "gln": "Q",
    "glu": "E",
    "gly": "G",
    "his": "H",
    "ile": "I",
    "leu": "L",
    "lys": "K",
    "met": "M",
    "phe": "F",
    "pro": "P",
    "ser": "S",
    "thr": "T",
    "trp": "W",
    "tyr": "Y",
    "val": "V",
}
AMINO_ACID_WORDS = {
    "alanine": "A",
    "arginine": "R",
    "asparagine": "N",
    "aspartic acid": "D",
    "aspartate": "D",
    "cysteine": "C",
    "glutamine": "Q",
    "glutamic acid": "E",
    "glutamate": "E",
    "glycine": "G",
    "histidine": "H",
    "isoleucine": "I",
    "leucine": "L",
    "lysine": "K",
    "methionine": "M",
    "phenylalanine": "F",
    "proline": "P",
    "serine": "S",
    "threonine": "T",
    "tryptophan": "W",
    "tyrosine": "Y",
    "valine": "V",
}
NUCLEOTIDE_WORDS = {
    "adenine": "A",
    "adenosine": "A",
    "cytosine": "C",
    "cytidine": "C",
    "guanine": "G",
    "guanosine": "G",
    "thymine": "T",
    "thymidine": "T",
}
STOP = "*"
# The standard genetic code, codons in the order TCAG.
_CODE = "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG"
_ORDER = "TCAG"
_ROMAN = {
    "I": "1",
    "II": "2",
    "III": "3",
    "IV": "4",
    "V": "5",
    "VI": "6",
    "VII": "7",
    "VIII": "8",
    "IX": "9",
    "X": "10",
}
# No coding sequence is longer (titin: 107,976 bases), so that a larger number is a position in a chromosome.
_LONGEST_CODING = 110_000
_INTRON = re.compile(r"(?:IVS|intron)-?([0-9]{1,3}|[IVX]{1,5})[,:]?([-+][0-9]{1,9})", re.IGNORECASE)
_PAIR = re.compile(r"([-+*]?[0-9]{1,9})(?:([-+][0-9]{1,9}))?")


def amino_acid(written: str) -> str:
    """The letter of an amino acid, `*` for a stop, from a letter, three letters or a word; empty if it is none."""
    lowered = " ".join(written.lower().replace("-", " ").split())
    if lowered in AMINO_ACIDS:
        return AMINO_ACIDS[lowered]
    if lowered in ("x", "*", "ter", "term", "stop", "end", "ochre", "amber", "opal") or "codon" in lowered:
        return STOP
    if lowered in AMINO_ACID_WORDS:
        return AMINO_ACID_WORDS[lowered]
    return lowered.upper() if len(lowered) == 1 and lowered.upper() in AMINO_ACIDS.values() else ""


def translate_codon(codon: str) -> str:
    """The amino acid of three bases by the standard genetic code, `*` for a stop."""
    first, second, third = (_ORDER.index(base) for base in codon.upper().replace("U", "T"))
    return _CODE[16 * first + 4 * second + third]


def nucleotide(written: str) -> str:
    """The base or bases as capital letters, from letters or a word; empty if it is none."""
    lowered = written.strip().lower()
    if lowered in NUCLEOTIDE_WORDS:
        return NUCLEOTIDE_WORDS[lowered]
    bases = lowered.upper().replace("U", "T")
    return bases if bases and set(bases) <= set("ACGT") else ""


def snp_name(digits: str) -> str:
    """`dbSNP:rs...` of the digits of an rs number."""
    return f"dbSNP:rs{digits.lstrip('0')}"


def substitution_name(before: str, position: str, after: str) -> str | None:
    """`HGVS:p.V600E` of two amino acids as `amino_acid` gives them; `HGVS:p.V600=` if they are the same."""
    place = _protein_position(position)
    if not (before and after and place):
        return None
    return f"HGVS:p.{before}{place}{'=' if before == after else after}"


def frameshift_name(before: str, position: str, after: str, length: str) -> str | None:
    """`HGVS:p.R97Pfs*23`; `after` and `length` may be empty."""
    place = _protein_position(position)
    return f"HGVS:p.{before}{place}{after}fs{STOP + length if length else ''}" if before and place else None


def protein_range_name(first: str, last: str, kind: str, inserted: str = "") -> str | None:
    """`HGVS:p.E746_A750del`, from amino acids with positions (`E746`), of which the last may be empty."""
    if not first or (kind in ("ins", "delins") and not inserted):
        return None
    return f"HGVS:p.{first}{'_' + last if last else ''}{kind}{inserted if kind in ('ins', 'delins') else ''}"


def base_substitution_name(level: str, position: str, before: str, after: str) -> str | None:
    """`HGVS:c.5287G>A`; `level` is c, g, m, n or r, and `position` as the text has it."""
    place = site(position)
    if not (place and before and after) or before == after:
        return None
    if level == "c" and place.isdigit() and int(place) > _LONGEST_CODING:
        level = "g"
    length = len(before)
    if length > 1 and place.lstrip("-+*").isdigit():
        first = int(place) if place[0] in "-+" else int(place.lstrip("*"))
        return f"HGVS:{level}.{first}_{first + length - 1}delins{after}"
    return f"HGVS:{level}.{place}{before}>{after}" if length == len(after) == 1 else None


def base_range_name(level: str, start: str, end: str, kind: str, sequence: str) -> str | None:
    """`HGVS:c.76_77insT`, `HGVS:c.35del`, `HGVS:c.1494_1499del`.

    `end` may be empty. `sequence` is the bases, or the number of bases, that are deleted, inserted or doubled.
    """
    first, last = site(start), site(end) if end else ""
    if not first:
        return None
    if kind in ("ins", "delins"):
        return f"HGVS:{level}.{first}{'_' + last if last else ''}{kind}{sequence}" if sequence.isalpha() else None
    if not last and first.lstrip("-").isdigit() and sequence:
        length = int(sequence) if sequence.isdigit() else len(sequence)
        last = str(int(first) + length - 1) if length > 1 else ""
    return f"HGVS:{level}.{first}{'_' + last if last and last != first else ''}{kind}"


def site(position: str) -> str:
    """A position in DNA without spaces and separators of thousands: `-13910`, `2398+1`, `IVS2+1`; empty if none."""
    plain = "".join(position.split()).replace(",", "") if not position.lower().startswith(("ivs", "int")) else ""
    if plain:
        match = _PAIR.fullmatch(plain.replace("(", "").replace(")", ""))
        return match[1].lstrip("+") + (match[2] or "") if match else ""
    match = _INTRON.fullmatch("".join(position.split()))
    if not match:
        return ""
    intron = _ROMAN.get(match[1].upper(), match[1])
    return f"IVS{intron}{match[2]}" if intron.isdigit() else ""


def split_range(position: str, sequence: str, prefixed: bool) -> tuple[str, str]:
    """Start and end of `1782-83` or `899-1142`; an offset into an intron (`1706-2`) is a start without end.

    Texts write ranges with a hyphen, too, and leave out the first digits of the end. It is a range if the end is after
    the start, or if it has as many bases as the text names.
    """
    plain = "".join(position.split()).replace(",", "")
    match = re.fullmatch(r"([0-9]{1,9})-([0-9]{1,9})", plain)
    if not match:
        return position, ""
    start, end = match.groups()
    if int(end) <= int(start) and len(end) < len(start):
        whole = start[: -len(end)] + end
        length = int(whole) - int(start) + 1
        if not (int(whole) > int(start) and (length == len(sequence) or not (prefixed or sequence))):
            return position, ""
        return start, whole
    return (start, end) if int(end) > int(start) else (position, "")


def _protein_position(position: str) -> str:
    plain = "".join(position.split()).strip("()")
    return plain if re.fullmatch(r"-?[1-9][0-9]{0,4}", plain) else ""
