"""Text analysis for retrieval (tokenization, stop words, stemming), and the schema of the tantivy index."""

import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tantivy

_ANALYZER = "litmine"
# Longer terms are dropped from texts and questions.
_MAX_TERM_LENGTH = 40
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")

# Lucene's English stop words, and words that only mark a question. They are removed from questions; the index keeps
# all terms.
STOP_WORDS = """
a an and are as at be but by for if in into is it no not of on or such that the their then there these they this to was
will with any can could describe did do does had has have how list may might name please should were what when where
which who whom whose why would
"""


def create_index(folder: Path) -> "tantivy.Index":
    """Create an index in an empty folder. A document has `pmid`, `text_hash` and the terms of its text."""
    import tantivy

    fields = tantivy.SchemaBuilder()
    fields.add_integer_field("pmid", indexed=True, fast=True)
    fields.add_integer_field("text_hash", fast=True)
    fields.add_text_field("text", tokenizer_name=_ANALYZER, index_option="freq")
    return _configure(tantivy.Index(fields.build(), path=str(folder)))


def load_index(folder: Path) -> "tantivy.Index":
    """Open the index in a folder. Raises ValueError if there is none, or if a file is missing or truncated."""
    import tantivy

    return _configure(tantivy.Index.open(str(folder)))


def question_terms(question: str) -> Counter[str]:
    """The search terms of a question with their frequencies. No character acts as a query operator."""
    return Counter(_analyzer(remove_stop_words=True).analyze(_LONE_SURROGATE.sub("\ufffd", question)))


def _configure(index: "tantivy.Index") -> "tantivy.Index":
    # A searcher shows the index as it was when opened, so no thread has to watch the folder for changes.
    index.config_reader("manual")
    index.register_tokenizer(_ANALYZER, _analyzer(remove_stop_words=False))
    return index


@cache
def _analyzer(remove_stop_words: bool) -> "tantivy.TextAnalyzer":
    from tantivy import Filter, TextAnalyzerBuilder, Tokenizer

    builder = TextAnalyzerBuilder(Tokenizer.simple())
    builder = builder.filter(Filter.remove_long(_MAX_TERM_LENGTH))
    builder = builder.filter(Filter.lowercase()).filter(Filter.ascii_fold())
    if remove_stop_words:
        builder = builder.filter(Filter.custom_stopword(STOP_WORDS.split()))
    return builder.filter(Filter.stemmer("english")).build()
