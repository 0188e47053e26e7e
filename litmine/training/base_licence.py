"""The licence of a base encoder, as far as it is known. Model cards state it."""

import re

from litmine.nn.references import is_litmine_model, locate

UNKNOWN_LICENCE = "not stated; see its source"
# Encoders of the built-in recipes, for copies without a card.
_KNOWN_LICENCES = {"all-MiniLM-L6-v2": "Apache-2.0"}
# Cards of the Hugging Face Hub begin with YAML between lines of dashes.
_CARD_LICENCE = re.compile(r"\A---\n(?:(?!---).*\n)*?license: *([\w.+-]+)")


def base_licence(ref: str) -> str:
    """The licence that the encoder's card states, or else the one known for its name.

    Raises ModelError when the encoder is not on this machine.
    """
    folder, name = locate(ref)
    if is_litmine_model(folder):
        return "that of its training data; see its card"
    card = folder / "README.md"
    match = _CARD_LICENCE.match(card.read_text(encoding="utf-8", errors="replace")) if card.is_file() else None
    return match[1] if match else _KNOWN_LICENCES.get(name, UNKNOWN_LICENCE)
