"""Texts and children of lxml elements, as the readers of PubMed XML need them.

For speed, the children of an element are grouped by tag in one pass instead of searched by path, so that the parts of
a record that nobody needs (its references, for example) are never visited. `child_elements` takes two thirds of the
time of `for child in element`.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from operator import itemgetter
from sys import intern
from typing import cast

from lxml import etree
from lxml.etree import _Element as Element

from litmine.sources.xml_markup import ODD_ELEMENTS, read_double_escapes, text_with_powers

_WHITE_SPACE = re.compile(r"[ \t\r\n]+")

Children = dict[str, list[Element]]

# `element[:]`, the children as a list, which lxml makes in one call. Its type stubs have no slices.
child_elements = cast("Callable[[Element], list[Element]]", itemgetter(slice(None)))


class RecordError(Exception):
    """A record is unusable; the message is the rest of a sentence that starts with "The record"."""


def element_text(element: Element) -> str:
    """The text of an element and its children, as `plain_text` gives it; powers of ten have a `^`.

    Raises RecordError for an undeclared entity, because its text is unknown and must not be lost unnoticed.
    """
    if len(element) == 0:
        text = element.text
        # Nearly half of the texts are a word or a number, which cannot have white space, markup or entities.
        if text is None or text.isalnum():
            return intern(text or "")
    else:
        odd = False
        for found in element.iter(etree.Entity, *ODD_ELEMENTS):
            if found.tag is etree.Entity:
                raise RecordError(f"uses the undeclared entity {str(found.text)[:40]}")
            odd = True
        text = text_with_powers(element) if odd else "".join(cast("Iterator[str]", element.itertext()))
    # As in `plain_text`, without its calls: a record has about sixty elements.
    if "&" in text or "<" in text:
        text = read_double_escapes(text)
    if "\n" in text or "  " in text or "\t" in text or "\r" in text:
        text = _WHITE_SPACE.sub(" ", text)
    # Records share many texts (headings, journals, affiliations), and thousands of records wait for their part.
    return intern(text.strip(" "))


def plain_text(text: str) -> str:
    """The text with double escapes undone, each run of white space as one space, and none at its ends."""
    return normalize_spaces(read_double_escapes(text))


def normalize_spaces(text: str) -> str:
    """The text with each run of white space as one space, and none at its ends."""
    if "\n" in text or "  " in text or "\t" in text or "\r" in text:
        text = _WHITE_SPACE.sub(" ", text)
    return text.strip(" ")


def children(element: Element | None) -> Children:
    """The children of an element by tag."""
    groups: Children = {}
    if element is not None:
        for child in child_elements(element):
            tag = child.tag
            if tag in groups:
                groups[tag].append(child)
            else:
                groups[tag] = [child]
    return groups


def children_of_first(groups: Children, tag: str) -> Children:
    """The children of the first element with that tag."""
    return children(groups[tag][0]) if tag in groups else {}


def list_items(groups: Children, list_tag: str, tag: str) -> list[Element]:
    """The children with that tag of the first element with `list_tag`, such as each `Grant` of a `GrantList`."""
    return [item for item in child_elements(groups[list_tag][0]) if item.tag == tag] if list_tag in groups else []


def first_text(groups: Children, tag: str) -> str | None:
    """The text of the first element with that tag; None if there is none or it is empty."""
    return element_text(groups[tag][0]) or None if tag in groups else None


def all_texts(elements: Iterable[Element]) -> tuple[str, ...]:
    """The texts of the elements, without empty ones."""
    return tuple([text for element in elements if (text := element_text(element))])
