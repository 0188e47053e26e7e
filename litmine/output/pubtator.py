"""Documents as PubTator: `pmid|t|title`, `pmid|a|abstract`, lines of tab-separated columns, a blank line.

There is a line for each mention, and one `pmid type identifier identifier` for each relation between identifiers.
Offsets refer to title, one character and abstract, even if one of them is missing. `Article.text` is the same, except
for an article without a title: it lacks the character before the abstract, so PubTator's offsets are one higher.
"""

import re

from litmine.output.document import Document
from litmine.output.relations import identifier_relations

# Characters at which a program may split lines or columns. Each is replaced by one space, so that offsets stay valid.
_SPLITTERS = re.compile("[\t\n\x0b\x0c\r\x1c\x1d\x1e\x85\u2028\u2029]")
_NO_IDENTIFIER = "-"


def to_pubtator(document: Document) -> str:
    """The document's lines. A mention that several models found appears once, without models and scores.

    Relations are those that the text states between identifiers.
    """
    article, text = document.article, _one_line(document.article.text)
    lines = [
        f"{article.pmid}|t|{_one_line(article.title or '')}",
        f"{article.pmid}|a|{_one_line(article.abstract or '')}",
    ]
    shift = 1 if article.title is None else 0
    lines += dict.fromkeys(
        f"{article.pmid}\t{one.start_char + shift}\t{one.end_char + shift}\t{text[one.start_char : one.end_char]}"
        f"\t{_one_line(one.entity_type)}\t{_one_line(one.identifier or _NO_IDENTIFIER)}"
        for one in document.mentions
    )
    lines += ["\t".join(map(_one_line, (str(article.pmid), *one))) for one in identifier_relations(document)]
    return "\n".join(lines) + "\n\n"


def _one_line(text: str) -> str:
    return _SPLITTERS.sub(" ", text)
