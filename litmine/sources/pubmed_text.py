"""Title and abstract of a record of PubMed XML, and the sections of the abstract with their offsets in the text."""

import re

from lxml.etree import _Element as Element

from litmine.sources.xml_elements import Children, children, element_text, first_text, list_items, plain_text
from litmine.types import Section

# NLM's label of a part that has none in the journal.
_FILLER_LABELS = ("UNLABELLED", "UNLABELED", "UNASSIGNED", "UNSPECIFIED")
# What NLM writes where it has no English title (yet), mostly in brackets.
_FILLER_TITLE = re.compile(
    r"\[?\s*(?:(?:title )?not available|no title(?: available)?|untitled|in process citation)\s*\.?\]?\.?",
    re.IGNORECASE,
)
_FILLER_ABSTRACT = re.compile(r"abstract available from the publisher\.?", re.IGNORECASE)


def read_title(article: Children) -> str | None:
    """The English title of an `Article`; where there is none or a filler, the title in the article's language."""
    title = first_text(article, "ArticleTitle")
    if title is None or _FILLER_TITLE.fullmatch(title):
        return first_text(article, "VernacularTitle") or title
    return title


def read_abstract(article: Children, record: Children, title: str | None) -> tuple[str | None, tuple[Section, ...]]:
    """The first `Abstract` of `article`, or else the first English `OtherAbstract` of `record`, and its sections.

    The offsets refer to the text: title, one space, abstract. Each section is led by its label, if it has one, and a
    colon. Both values are empty if there is no abstract.
    """
    abstract, sections = _join_sections(list_items(article, "Abstract", "AbstractText"), title)
    if abstract is None:
        for other in record.get("OtherAbstract", ()):
            # The default of the DTD is `eng`.
            if other.get("Language", "eng").lower() in ("eng", "en"):
                abstract, sections = _join_sections(children(other).get("AbstractText", []), title)
                if abstract is not None and not _FILLER_ABSTRACT.fullmatch(abstract):
                    return abstract, sections
        return None, ()
    return abstract, sections


def _join_sections(elements: list[Element], title: str | None) -> tuple[str | None, tuple[Section, ...]]:
    parts: list[str] = []
    sections: list[Section] = []
    start = 0 if title is None else len(title) + 1
    for element in elements:
        text = element_text(element)
        if not text:
            continue
        label = _label(element)
        prefix = f"{label}: " if label else ""
        start += len(prefix)
        sections.append(Section(label, start, start + len(text)))
        parts.append(prefix + text)
        start += len(text) + 1
    return " ".join(parts) or None, tuple(sections)


def _label(element: Element) -> str | None:
    """The label without colons at its end; None for a filler."""
    label = element.get("Label")
    if not label:
        return None
    label = plain_text(label).rstrip(" :\uff1a")
    return None if label.upper() in _FILLER_LABELS else label or None
