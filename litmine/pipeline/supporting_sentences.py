"""For a yes/no question, the sentence of each retrieved article that has the most of the question's words.

A verdict of yes or no needs more than words, and readers are little better than chance at it. So `ask` shows these
sentences and how many of the question's words they have; docs/decisions/0146-no-verdict-by-default.md has the figures.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from litmine.lake.articles import text_regions
from litmine.lake.lake import Lake
from litmine.lake.sql_text import sql_string
from litmine.search.terms import question_terms
from litmine.text.sentences import Regions, split_sentences
from litmine.types import Question

_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class SupportingSentence:
    """The sentence of an article with the most of a question's words, and where it stands in the text (code points).

    words: how many different words of the question it has, in any inflection.
    """

    pmid: int
    year: int | None
    journal: str | None
    title: str | None
    publication_types: Sequence[str]
    sentence: str
    start_char: int
    end_char: int
    words: int


@dataclass(frozen=True, slots=True)
class QuestionSupport:
    """A question's words, without stop words, and the sentences of its retrieved articles, most words first."""

    words: Sequence[str]
    sentences: Sequence[SupportingSentence]

    def is_about(self, sentence: SupportingSentence) -> bool:
        """Whether a sentence has more than half of the question's words. With fewer it says neither yes nor no."""
        return 2 * sentence.words > len(self.words)

    @property
    def relevant(self) -> list[SupportingSentence]:
        """The sentences with more than half of the question's words."""
        return [sentence for sentence in self.sentences if self.is_about(sentence)]

    @property
    def complete(self) -> int:
        """The number of sentences with all words of the question."""
        return sum(bool(self.words) and sentence.words == len(self.words) for sentence in self.sentences)


def find_support(lake: Lake, question: Question) -> QuestionSupport:
    """The best sentence of each article that was last retrieved for the question; of equally good ones the first."""
    words = content_words(question.text)
    rows = lake.rows(
        "SELECT DISTINCT ON (pmid) pmid, year, journal, title, publication_types, text, sections"
        f" FROM answers JOIN articles USING (pmid) WHERE question_id = {sql_string(question.question_id)}"
    )
    order = dict(
        lake.rows(
            "SELECT pmid, min(rank) FROM retrieved JOIN questions USING (question_id, model)"
            f" WHERE active AND question_id = {sql_string(question.question_id)} GROUP BY pmid"
        )
    )
    found = []
    for pmid, year, journal, title, publication_types, text, sections in rows:
        start, end, count = best_sentence(text, words, text_regions(title, sections))
        found.append(
            SupportingSentence(pmid, year, journal, title, publication_types or (), text[start:end], start, end, count)
        )
    found.sort(key=lambda one: (-one.words, order.get(one.pmid, len(order) + 1), one.pmid))
    return QuestionSupport(list(words.values()), found)


def content_words(question: str) -> dict[str, str]:
    """The stems of a question's words, without stop words, each with the word as asked."""
    return {stem: word for word in _WORD.findall(question) for stem in question_terms(word)}


def best_sentence(text: str, words: Mapping[str, str], regions: Regions = ()) -> tuple[int, int, int]:
    """Start and end of the sentence with the most of the words (keys: stems), and how many it has.

    regions: those of the text, which a sentence does not cross.
    """
    scored = [
        (len(words.keys() & question_terms(text[start:end]).keys()), -start, end)
        for start, end in split_sentences(text, regions)
    ]
    count, negative_start, end = max(scored, default=(0, 0, 0))
    return -negative_start, end, count
