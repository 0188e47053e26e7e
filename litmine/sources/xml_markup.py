"""Read inline markup as text: powers of ten, formulas, and markup and entities that a record escaped twice.

Markup keeps its text and loses its tags. The exception is a superscript number after a bare number: `10<sup>6</sup>` is
read as `10^6`, because `106` is another number. `CD4+`, `Sirt1-/-`, `HCO3-`, `m2` and `H2O` stay as they are.
"""

import re
from html import unescape
from html.entities import html5

from lxml import etree
from lxml.etree import _Element as Element

# Elements whose text is not simply the joined text of their children.
ODD_ELEMENTS = ("{*}sup", "{*}msup", "{*}annotation", "{*}annotation-xml")
_ANNOTATIONS = ("annotation", "annotation-xml")

# For use between the brackets of a pattern.
_DASH = r"\-" "\u2010\u2011\u2012\u2013\u2014\u2212"
# A signed number, or a range of two.
_EXPONENT_PATTERN = rf"[+{_DASH}]?[0-9]+(?:[.·][0-9]+)?(?:[{_DASH}][+{_DASH}]?[0-9]+(?:[.·][0-9]+)?)?"
_EXPONENT = re.compile(_EXPONENT_PATTERN)
# A number that is not part of a name: `IL-10` and `B12` have one that is, `2x10` and `5-10` end in a bare one.
_BARE_NUMBER = re.compile(
    rf"""(?: ^
      | [^\w.,{_DASH}]
      | (?<![^\W\d_]) [{_DASH}]
      | (?:^|(?<=[\d\s])) [xX]
    ) (?: [0-9]{{1,3}}(?:,[0-9]{{3}})+ | [0-9]+(?:[.·][0-9]+)? )$""",
    re.VERBOSE,
)
# How far back the start of a bare number is looked for, in code points.
_LOOK_BACK = 24

_ENTITY = re.compile(r"&(?:amp;)*(#[0-9]{1,7};|#[xX][0-9a-fA-F]{1,6};|[A-Za-z][A-Za-z0-9]{1,31};)")
_HTML = "sub|sup|i|b|u|em|strong|small|big|tt|pre|code|span|font|italic|bold|underline|sc|p|div|br"
_MATH = (
    "math|semantics|annotation|annotation-xml|mi|mn|mo|mrow|ms|mtext|mspace|mfrac|msqrt|mroot|mfenced|mstyle|mpadded"
)
_MATH += "|msub|msup|msubsup|munder|mover|munderover|mmultiscripts|mtable|mtr|mtd"
_TAG = re.compile(rf"<(/?)((?:jats:)?(?:{_HTML})|(?:mml:|m:)?(?:{_MATH}))(?:\s[^<>]*)?/?>", re.IGNORECASE)
_SUPERSCRIPT = re.compile(rf"<sup>\s*({_EXPONENT_PATTERN})(?=\s*</sup>)", re.IGNORECASE)
_BLOCKS = ("p", "div", "br")


def text_with_powers(element: Element) -> str:
    """The text of an element that has elements of `ODD_ELEMENTS`: powers with `^`, formulas without annotations."""
    pieces: list[str] = []
    starts: list[int] = []
    walk = etree.iterwalk(element, events=("start", "end"))
    for event, node in walk:
        name = _local_name(node)
        raised = name == "sup" or _is_exponent(node)
        if event == "start":
            if name in _ANNOTATIONS:
                walk.skip_subtree()
                continue
            if raised:
                starts.append(len(pieces))
            if node.text:
                pieces.append(node.text)
            continue
        if raised:
            _mark_power(pieces, starts.pop(), formula=name != "sup")
        if node is not element and node.tail:
            pieces.append(node.tail)
    return "".join(pieces)


def _local_name(node: Element) -> str:
    return str(node.tag).rpartition("}")[2]


def _is_exponent(node: Element) -> bool:
    """Whether it is the second child of MathML's `msup`."""
    parent = node.getparent()
    return parent is not None and _local_name(parent) == "msup" and len(parent) == 2 and parent[1] is node


def _mark_power(pieces: list[str], start: int, *, formula: bool) -> None:
    """Put `^` before the pieces from `start` on if they are the exponent of a bare number before them."""
    inside = pieces[start : start + _LOOK_BACK]
    if len(pieces) > start + _LOOK_BACK or sum(map(len, inside)) > _LOOK_BACK:
        return
    exponent = "".join(inside).lstrip()
    end = start
    if formula:
        # Formulas may be indented; white space between their elements has no meaning.
        exponent = "".join(exponent.split())
        while end and not pieces[end - 1].strip():
            end -= 1
    if not _EXPONENT.fullmatch(exponent.rstrip()):
        return
    before = ""
    for piece in reversed(pieces[max(0, end - _LOOK_BACK) : end]):
        before = piece[-_LOOK_BACK:] + before
    if _BARE_NUMBER.search(before):
        pieces[end:] = ["^", exponent]


def read_double_escapes(text: str) -> str:
    """Undo the second escape of entities and tags: entities become characters, and tags are removed.

    Tags are removed in pairs only: `a<b` stays, and so do names in angle brackets that are no markup.
    """
    if "&" in text:
        text = _ENTITY.sub(_meant_character, text)
    if "<" in text:
        text = _without_tags(_SUPERSCRIPT.sub(_meant_power, text))
    return text


def _meant_character(match: re.Match[str]) -> str:
    entity = match[1]
    if entity[0] != "#" and entity not in html5:
        return match[0]
    character = unescape("&" + entity)
    # An entity that stands for no character is kept.
    return match[0] if character in ("", "\ufffd") else character


def _meant_power(match: re.Match[str]) -> str:
    before = match.string[max(0, match.start() - _LOOK_BACK) : match.start()]
    return f"<sup>^{match[1]}" if _BARE_NUMBER.search(before) else match[0]


def _without_tags(text: str) -> str:
    """The text without pairs of tags, and without the annotations of formulas."""
    opened: dict[str, list[tuple[int, int]]] = {}
    removed: list[tuple[int, int, str]] = []
    for match in _TAG.finditer(text):
        name = match[2].lower()
        local = name.rpartition(":")[2]
        space = " " if local in _BLOCKS else ""
        if local == "br":
            removed.append((*match.span(), space))
        elif not match[1]:
            opened.setdefault(name, []).append(match.span())
        elif opened.get(name):
            start, end = opened[name].pop()
            if local in _ANNOTATIONS:
                removed.append((start, match.end(), ""))
            else:
                removed += [(start, end, space), (*match.span(), space)]
    pieces: list[str] = []
    position = 0
    for start, end, replacement in sorted(removed):
        if start >= position:
            pieces += [text[position:start], replacement]
            position = end
    return "".join([*pieces, text[position:]])
