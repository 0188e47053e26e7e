"""Texts and questions as terms, and the tantivy index that counts them."""

import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tantivy

_ANALYZER = "litmine"
_LONGEST = 40
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")

# Lucene's English stop words, and the words that ask. They are dropped from questions only: the index keeps all terms.
ASKING = """
a an and are as at be but by for if in into is it no not of on or such that the their then there these they this to was
will with any can could describe did do does had has have how list may might name please should were what when where
which who whom whose why would
"""


def create(folder: Path) -> "tantivy.Index":
    """A new index in an empty folder: for each document `pmid`, `text_hash` and the terms of its text."""
    import tantivy

    fields = tantivy.SchemaBuilder()
    fields.add_integer_field("pmid", indexed=True, fast=True)
    fields.add_integer_field("text_hash", fast=True)
    fields.add_text_field("text", tokenizer_name=_ANALYZER, index_option="freq")
    return _prepared(tantivy.Index(fields.build(), path=str(folder)))


def load(folder: Path) -> "tantivy.Index":
    """The index in the folder. Raises ValueError when there is none or a file of it is missing or cut short."""
    import tantivy

    return _prepared(tantivy.Index.open(str(folder)))


def question_terms(question: str) -> Counter[str]:
    """The terms to look for, and how often the question has each. No character is an operator."""
    return Counter(_analyzer(asking=True).analyze(_LONE_SURROGATE.sub("\ufffd", question)))


def _prepared(index: "tantivy.Index") -> "tantivy.Index":
    # Its searchers stay as they are: they need no thread that watches the folder.
    index.config_reader("manual")
    index.register_tokenizer(_ANALYZER, _analyzer(asking=False))
    return index


@cache
def _analyzer(asking: bool) -> "tantivy.TextAnalyzer":
    from tantivy import Filter, TextAnalyzerBuilder, Tokenizer

    words = TextAnalyzerBuilder(Tokenizer.simple()).filter(Filter.remove_long(_LONGEST)).filter(Filter.lowercase())
    words = words.filter(Filter.ascii_fold())
    if asking:
        words = words.filter(Filter.custom_stopword(ASKING.split()))
    return words.filter(Filter.stemmer("english")).build()
