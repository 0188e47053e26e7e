"""Corpora of a few made-up sentences."""

from collections.abc import Callable
from pathlib import Path

import pytest

from litmine.corpora.corpus import Corpus, Passage
from litmine.types import Span

MakeCorpus = Callable[..., Corpus]


@pytest.fixture(scope="session")
def make_corpus() -> MakeCorpus:
    """`make_corpus(name, "an [allergy](Disease) to [penicillin](Chemical)", ...)`: a corpus of these passages."""

    def read(marked: str) -> Passage:
        text, spans = "", []
        for part in marked.split("["):
            mention, found, rest = part.partition("](")
            if found:
                entity_type, _, after = rest.partition(")")
                spans.append(Span(len(text), len(text) + len(mention), entity_type))
                text += mention + after
            else:
                text += part
        return Passage(text, tuple(spans))

    def make(name: str, *marked: str, continuous: bool = True) -> Corpus:
        passages = tuple(map(read, marked))
        types = sorted({span.entity_type for passage in passages for span in passage.spans})
        return Corpus(name, Path(f"{name}.tsv"), tuple(types), passages, continuous)

    return make
