"""Other forms of a gene mention: without `human`, `gene` or `protein`, without the letter of the species."""

import re

_AFTER = re.compile(r"[\s-]*\b(?:genes?|proteins?|mrnas?|cdna|isoforms?|polypeptides?|promoter|locus)$", re.IGNORECASE)
_BEFORE = re.compile(
    r"^(?:human|mouse|murine|rat|drosophila|zebrafish|yeast|recombinant|anti|phospho|p-|the|wild[- ]type|wt|mutant)"
    r"[\s-]+",
    re.IGNORECASE,
)
_IN_BRACKETS = re.compile(r"(.*?)\s*\(([^()]+)\)")
# `hTERT`, `mPer2`, `DmMyc`.
_SPECIES_LETTER = re.compile(r"(?:[hmr]|[hm]s|mm|Dr|Dm|sc)-?([A-Z].+)")
# `Rad51p` is the protein of a gene of yeast.
_YEAST_PROTEIN = re.compile(r"(.{3,}\d)p")
_PARTS = re.compile(r"[\s/]+")


def gene_forms(name: str) -> list[str]:
    """A name of a gene and its other forms, each once, the nearest to the name first."""
    bare = _AFTER.sub("", without_species := _BEFORE.sub("", name))
    forms = [name, without_species, bare]
    brackets = _IN_BRACKETS.fullmatch(bare)
    if brackets:
        forms += [brackets[1], brackets[2]]
    if bare.endswith("s") and len(bare) > 3:
        forms.append(bare[:-1])
    for pattern in (_SPECIES_LETTER, _YEAST_PROTEIN):
        found = pattern.fullmatch(bare)
        if found:
            forms.append(found[1])
    parts = _PARTS.split(bare)
    if len(parts) == 2 and len(parts[0]) > 2:
        forms += parts
    stripped = (form.strip(" -") for form in forms)
    return list(dict.fromkeys(form for form in stripped if len(form) > 1))
