"""End a gene's mention where its name ends: `BRCA1` of "BRCA1 mutations", `KRAS` of "wild-type KRAS".

The guideline of BC2GM, from which the built-in head for genes learnt, takes words such as "gene", "mRNA" and "human"
into the span. Those of NLM-Gene, GNormPlus and BioRED, whose mentions have identifiers, do not. These words stood at
the edges of found mentions in the train documents of these three corpora, and leaving each out gave more right spans
than it took (docs/decisions/0207-types-compete.md has the figures). Nor do they take in a variant or the
number of an allele: `BRAF` of "BRAF V600E", `CYP2C19` of "CYP2C19*2".
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from litmine.text.variants import find_variants
from litmine.types import Entity

_TYPES = ("Gene", "Protein")
_AFTER = (
    "alleles?|amplifications?|antibod(?:y|ies)|carriers?|cDNAs?|deletions?|encoding|genes?|genotypes?"
    "|homolog(?:ue)?s?|isoforms?|knock-?downs?|knock-?outs?|loci|locus|mRNAs?|mutants?|mutated|mutations?|null"
    "|polymorphisms?|promoters?|sequences?|shRNAs?|siRNAs?|SNPs?|transcripts?|variants?"
)
_BEFORE = (
    "anti|arabidopsis|bovine|drosophila|endogenous|exogenous|human|mouse|murine|mutant|mutated|phospho"
    "|phosphorylated|plasma|rat|recombinant|serum|soluble|truncated|wild[- ]type|yeast"
)
# "protein" belongs to names such as "C-reactive protein", and not to a symbol such as p53, Src or MyoD.
_SYMBOL = "(?<=[A-Z0-9])|(?<=[A-Z0-9][a-z])|(?<=[A-Z][a-z]{2})"
# What may stand between a gene and its variant.
_APART = " -:,()[]"
# What may be a gene after its variant: neither the rest of a list nor a part in brackets.
_NAME = re.compile(r"[^\W\d_][^()\[\]/,;]+")
# What remains has at least two characters.
_LAST = re.compile(rf"(?<=[^\s-]{{2}})[ -](?:{_AFTER})\Z|(?:{_SYMBOL}) proteins?\Z|(?<=\S\w)\*\d[\dA-Z]*(?::\d+)*\Z")
_FIRST = re.compile(rf"(?:{_BEFORE})[ -](?=[^\s-]{{2}})", re.IGNORECASE)


def trim_genes(entities: Sequence[Entity]) -> list[Entity]:
    """The entities, those of genes and proteins without words that are not part of the name, each once.

    Of mentions that become one, the one with the greatest score stays.
    """
    found: dict[tuple[int, int, str], Entity] = {}
    for one in map(_trim, entities):
        key = one.start_char, one.end_char, one.entity_type
        if key not in found or found[key].score < one.score:
            found[key] = one
    return [*found.values()]


def _trim(one: Entity) -> Entity:
    if one.entity_type not in _TYPES:
        return one
    name, start = one.mention, one.start_char
    before = ""
    while name != before:
        before = name
        while last := _LAST.search(name):
            name = name[: last.start()]
        while first := _FIRST.match(name):
            start, name = start + first.end(), name[first.end() :]
        if any(map(str.isdigit, name)):
            cut, end = _without_variant(name)
            start, name = start + cut, name[cut:end]
    return one if name == one.mention else replace(one, mention=name, start_char=start, end_char=start + len(name))


@lru_cache(maxsize=4096)
def _without_variant(name: str) -> tuple[int, int]:
    """The bounds in `name` of what stands before a variant at its end or after one at its start, or of all."""
    for variant in find_variants(name):
        before, after = name[: variant.start_char].rstrip(_APART), name[variant.end_char :].lstrip(_APART)
        if len(before) > 1 and not after:
            return 0, len(before)
        if _NAME.fullmatch(after) and not before:
            return len(name) - len(after), len(name)
    return 0, len(name)
