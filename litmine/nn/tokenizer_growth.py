"""How much longer a tokenizer's settings may make a text, so that no model folder can fill the memory.

A few steps of replacement, each of which writes a thousand characters for one, make a terabyte of an abstract. Real
tokenizers write at most a few characters for one.
"""

import base64
import json
import math
from typing import Any

from tokenizers import Tokenizer

# Unicode's longest decomposition (NFKD) of one character has 18. With the other usual steps it is less than this.
MAX_GROWTH = 10_000.0
_NFKD_GROWTH = 18.0
# Texts get a few characters more from a prefix.
_MAX_PREFIX = 1_000


def check_growth(tokenizer: Tokenizer) -> None:
    """Raise ValueError if normalizing or splitting may write more than MAX_GROWTH characters for one."""
    settings = json.loads(tokenizer.to_str())
    growth = math.prod(_growth(settings.get(part)) for part in ("normalizer", "pre_tokenizer"))
    if not growth <= MAX_GROWTH:
        raise ValueError(
            f"its tokenizer may make texts {growth:,.0f} times as long, and {MAX_GROWTH:,.0f} times is the most that"
            " litmine allows"
        )


def _growth(step: Any) -> float:
    """The largest number of characters that a step writes for one."""
    if not isinstance(step, dict):
        return 1.0
    inner = [*(step.get("normalizers") or ()), *(step.get("pretokenizers") or ())]
    kind = step.get("type")
    if kind == "Replace":
        pattern, content = step.get("pattern") or {}, len(step.get("content") or "")
        # A regular expression may match nothing, and so before each character and at the end.
        return max(1.0, content / max(1, len(pattern["String"])) if pattern.get("String") else 2.0 + 2 * content)
    if kind in ("NFKD", "NFKC", "NFD", "NFC", "Nmt", "BertNormalizer", "Lowercase"):
        return _NFKD_GROWTH if kind == "NFKD" else 4.0
    if kind == "Precompiled":
        return _longest_replacement(step.get("precompiled_charsmap") or "")
    if kind == "ByteLevel":
        return 4.0
    if kind in ("Prepend", "Metaspace"):
        added = len(step.get("prepend") or step.get("replacement") or "")
        return 1.0 if added <= 1 else math.inf if added > _MAX_PREFIX else 1.0 + added
    return math.prod(map(_growth, inner))


def _longest_replacement(charsmap: str) -> float:
    """The longest replacement in a map of SentencePiece: the size of a trie, the trie, and strings with a NUL each."""
    data = base64.b64decode(charsmap)
    strings = data[4 + int.from_bytes(data[:4], "little") :]
    return float(max((len(one) for one in strings.split(b"\0")), default=1) or 1)
