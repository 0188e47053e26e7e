"""The terms of an encoder to start from, as far as they are known."""

import re

from litmine.nn.references import is_litmine_model, locate

OWNER = "its owner's; see its source"
# Of the bases that our recipes name, for a copy without its card.
_BASES = {"all-MiniLM-L6-v2": "Apache-2.0"}
# The Hub's cards begin with YAML between lines of dashes.
_STATED = re.compile(r"\A---\n(?:(?!---).*\n)*?license: *([\w.+-]+)")


def base_terms(ref: str) -> str:
    """What is known of the terms of an encoder to start from: the licence that its own card states, if it has one.

    Raises ModelError when the encoder is not here.
    """
    folder, name = locate(ref)
    if is_litmine_model(folder):
        return "those of its data; see its card"
    card = folder / "README.md"
    stated = _STATED.match(card.read_text(encoding="utf-8", errors="replace")) if card.is_file() else None
    return stated[1] if stated else _BASES.get(name, OWNER)
