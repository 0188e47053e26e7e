"""PubTator to passages: whole documents, mentions by their offsets in code points."""

from collections.abc import Iterator
from pathlib import Path

from litmine.corpora.formats.passage import Passage
from litmine.errors import CorpusError
from litmine.sources.pmid import parse_pmid
from litmine.sources.pubtator import read_documents
from litmine.types import Span, Unreadable


def read_pubtator(path: Path, misplaced: list[int]) -> Iterator[Passage]:
    """Yield each document that has a text; lines whose mention stands elsewhere are added to `misplaced`.

    Raises CorpusError, with the line, for what is not PubTator; OSError passes through.
    """
    with path.open("rb") as stream:
        for document in read_documents(stream):
            if isinstance(document, Unreadable):
                raise CorpusError(f"{path}, {document.where}: {document.why}")
            spans = []
            for number, columns in document.annotations:
                # Relations share the file: their second column is a word.
                if columns[1].isdecimal():
                    span = _mention(columns, document.text, path, number)
                    if span is None:
                        misplaced.append(number)
                    else:
                        spans.append(span)
            if document.text:
                ordered = sorted(spans, key=lambda span: (span.start_char, span.end_char))
                yield Passage(document.text, tuple(ordered), parse_pmid(document.identifier))


def _mention(columns: list[str], text: str, path: Path, number: int) -> Span | None:
    """A mention, None when something else stands at its offsets; case and outer space do not count."""
    try:
        start, end, entity_type = int(columns[1]), int(columns[2]), columns[4]
    except (IndexError, ValueError) as error:
        raise CorpusError(f"{path}, line {number}: not a PubTator mention: {' '.join(columns)[:60]!r}") from error
    stands = text[start:end]
    if not stands.strip() or stands.strip().casefold() != columns[3].strip().casefold():
        return None
    start += len(stands) - len(stands.lstrip())
    return Span(start, start + len(stands.strip()), entity_type)
