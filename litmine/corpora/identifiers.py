"""Identifiers of concepts as corpora write them, and as the lake shows them."""

import re

# What corpora write for a mention without an identifier.
_NO_IDENTIFIERS = frozenset({"", "-", "-1", "-2"})
_SEPARATORS = re.compile(r"[|,;+]")
_TAXON = re.compile(r"\((?:tax|Tax|TAX):\d+\)")
_MESH = re.compile(r"[DC]\d{6,9}")
_PREFIXES = {"Gene": "NCBIGene:", "Species": "NCBITaxon:"}
# The name of a variant, such as `c|SUB|G|35|A`, contains the separators of other identifiers.
_UNDIVIDED = frozenset({"Variant", "SequenceVariant"})


def identifiers_of(written: str, entity_type: str) -> tuple[str, ...]:
    """The identifiers in a column of PubTator, each once, as the lake shows them.

    `D010300` is MESH:D010300, a number is NCBIGene:7157 or NCBITaxon:9606, by the type.
    """
    written = _TAXON.sub("", written)
    pieces = [written] if entity_type in _UNDIVIDED else _SEPARATORS.split(written)
    found = (_identifier(one.strip(), entity_type) for one in pieces)
    return tuple(dict.fromkeys(one for one in found if one))


def _identifier(written: str, entity_type: str) -> str:
    if written in _NO_IDENTIFIERS:
        return ""
    if _MESH.fullmatch(written):
        return f"MESH:{written}"
    if written.isdecimal():
        return f"{_PREFIXES.get(entity_type, '')}{written}"
    return written
