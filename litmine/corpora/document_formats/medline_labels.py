"""MEDLINE text as documents whose labels are NLM's publication types."""

from collections.abc import Iterator
from typing import BinaryIO

from litmine.corpora.documents import RawDocument
from litmine.sources.medline import read_medline
from litmine.types import Article, UnreadableRecord


def read_medline_labels(stream: BinaryIO) -> Iterator[RawDocument]:
    """Yield each record; one that cannot be read is an empty document that says so. Raises SourceError."""
    for number, one in enumerate(read_medline(stream), 1):
        if isinstance(one, UnreadableRecord):
            yield RawDocument(f"unread {number}", "", one.where, unread=[(one.where, one.why)])
        elif isinstance(article := one.record, Article):
            document = RawDocument(str(article.pmid), article.text, f"PMID {article.pmid}")
            document.labels = list(article.publication_types)
            yield document
