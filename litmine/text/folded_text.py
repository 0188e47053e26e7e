"""A text with its spelling variants folded, and where each of its characters stands in the original.

Folding makes equal what writers of names use alike: capitals, full-width and other compatibility forms (Unicode NFKD),
accents, all dashes and quotation marks, Greek letters and their names. `TNF‑Α` becomes `tnf-` and `alpha`.
"""

import re
import unicodedata
from bisect import bisect_right

# Stand before and after the name of a Greek letter, which may follow a letter directly: `TNFα`.
GREEK_START, GREEK_END = "\x01", "\x02"
# Names in Unicode, with its spelling of lambda.
_GREEK_CODES = (*range(0x391, 0x3AA), *range(0x3B1, 0x3CA))
_APOSTROPHES = frozenset("\u2018\u2019\u201b\u02bc\u2032`\u00b4")
# Soft hyphen, zero-width characters and the byte order mark.
_INVISIBLE = frozenset("\u00ad\u200b\u200c\u200d\u2060\ufeff")
_NON_ASCII = re.compile(r"[^\x00-\x7f]")
_MINUS = "\u2212"


def _greek_name(code: int) -> str:
    name = unicodedata.name(chr(code), "").removeprefix("GREEK SMALL LETTER ").removeprefix("GREEK CAPITAL LETTER ")
    return name.replace("FINAL ", "").replace("LAMDA", "LAMBDA").lower()


_GREEK = {chr(code): f"{GREEK_START}{_greek_name(code)}{GREEK_END}" for code in _GREEK_CODES if _greek_name(code)}


class _FoldingTable(dict[int, str]):
    """What each character becomes, for `str.translate`; filled as characters occur."""

    def __init__(self, fold_case: bool) -> None:
        super().__init__()
        self._fold_case = fold_case

    def __missing__(self, code: int) -> str:
        folded = self[code] = "".join(map(self._fold, self._decompose(chr(code))))
        return folded

    def _decompose(self, char: str) -> str:
        if char in _APOSTROPHES:
            return "'"
        decomposed = unicodedata.normalize("NFKD", char)
        return unicodedata.normalize("NFKD", decomposed.casefold()) if self._fold_case else decomposed

    @staticmethod
    def _fold(char: str) -> str:
        if char in _GREEK:
            return _GREEK[char]
        if "\u0300" <= char <= "\u036f" or char in _INVISIBLE:
            return ""
        if char == _MINUS or unicodedata.category(char) == "Pd":
            return "-"
        if char.isspace():
            return " "
        return "?" if char in (GREEK_START, GREEK_END) else char


_FOLDED, _CASED = _FoldingTable(fold_case=True), _FoldingTable(fold_case=False)


def fold(text: str) -> str:
    """The folded text. Greek letters become their names between GREEK_START and GREEK_END."""
    return text.translate(_FOLDED)


def fold_except_case(text: str) -> str:
    """The folded text with its capitals; the names of Greek letters are in lower case."""
    return text.translate(_CASED)


class FoldedText:
    """A text, `original`, and its `folded` form, whose offsets `original_span` maps back."""

    def __init__(self, text: str) -> None:
        self.original = text
        self.folded = fold(text)
        # Where an offset of the folded text stands in the original; between two edges, both count the same.
        self._folded_edges, self._original_edges = [0], [0]
        if not text.isascii():
            self._find_edges()

    def _find_edges(self) -> None:
        shift = 0
        for match in _NON_ASCII.finditer(self.original):
            size = len(_FOLDED[ord(match[0])])
            if size != 1:
                at = match.start()
                self._folded_edges += (at + shift, at + shift + size)
                self._original_edges += (at, at + 1)
                shift += size - 1

    def original_span(self, start: int, end: int) -> tuple[int, int] | None:
        """The code points that a non-empty span of the folded text stands for, with marks that follow them.

        None if the span begins or ends within what one code point has become.
        """
        folded = self.folded
        if start and folded[start - 1] == GREEK_START:
            start -= 1
        if end < len(folded) and folded[end] == GREEK_END:
            end += 1
        found = self._original_offset(start), self._original_offset(end)
        return None if found[0] is None or found[1] is None else (found[0], found[1])

    def _original_offset(self, offset: int) -> int | None:
        at = bisect_right(self._folded_edges, offset) - 1
        beyond = offset - self._folded_edges[at]
        # Every second edge is the start of a code point that becomes several characters, or none.
        if beyond and at % 2 == 1:
            return None
        return self._original_edges[at] + beyond
