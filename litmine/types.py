"""Data classes that several packages share: articles, entities, questions and answers."""

from dataclasses import dataclass, field
from datetime import date, datetime

# Those of BioASQ, except for `summary`, whose answers are not spans.
QUESTION_TYPES = ("factoid", "list", "yesno")


@dataclass(frozen=True, slots=True)
class Section:
    """One section of an abstract: its label, if any, and the offsets of its words in `Article.text`, end exclusive."""

    label: str | None
    start_char: int
    end_char: int


@dataclass(frozen=True, slots=True)
class MeshHeading:
    """A MeSH descriptor with its qualifiers; `major` if it or a qualifier is a major topic of the article."""

    ui: str | None
    name: str
    major: bool
    qualifiers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Article:
    """One version of a PubMed record, as read from a source.

    `title` and `abstract` are None if the record has none, never the empty string. `pub_date` is as exact as the
    record: `2013`, `2013-05` or `2013-05-07`.
    """

    pmid: int
    title: str | None = None
    abstract: str | None = None
    sections: tuple[Section, ...] = ()
    journal: str | None = None
    pub_date: str | None = None
    year: int | None = None
    authors: tuple[str, ...] = ()
    mesh: tuple[MeshHeading, ...] = ()
    keywords: tuple[str, ...] = ()
    publication_types: tuple[str, ...] = ()
    doi: str | None = None
    pmcid: str | None = None
    language: str | None = None
    retracted: bool = False
    revised: date | None = None

    @property
    def text(self) -> str:
        """The text that models read and that offsets refer to."""
        return join_text(self.title, self.abstract)


@dataclass(frozen=True, slots=True)
class Deletion:
    """A PMID that its source has deleted."""

    pmid: int


@dataclass(frozen=True, slots=True)
class UnreadableRecord:
    """A part of a source that could not be read (a file, the rest of a file, or one line), and the reason."""

    where: str
    why: str


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """An article or a deletion, with the time (UTC) at which the source had it.

    `mended` is the number of lone surrogates of the source that were replaced by U+FFFD.
    """

    record: Article | Deletion
    as_of: datetime
    mended: int = 0


@dataclass(frozen=True, slots=True, repr=False)
class Entity:
    """A mention found by a model: `text[start_char:end_char] == mention`, in Unicode code points."""

    mention: str
    entity_type: str
    start_char: int
    end_char: int
    score: float = field(compare=False)

    def __repr__(self) -> str:
        return f"Entity({self.mention!r}, {self.entity_type})"


@dataclass(frozen=True, slots=True)
class Span:
    """A typed span of a text in code points, end exclusive, as corpora annotate it and evaluations compare it."""

    start_char: int
    end_char: int
    entity_type: str


@dataclass(frozen=True, slots=True)
class Question:
    """A question; `question_type` is one of QUESTION_TYPES, set by the user or `guessed` from the question's words."""

    question_id: str
    text: str
    question_type: str
    guessed: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class SpanAnswer:
    """An answer that a reader found in a text: `text[start_char:end_char] == answer`, in Unicode code points.

    `start_token` and `end_token` count only the tokens of the text, without question and special tokens, end exclusive.
    `score` is the calibrated probability, 0 to 1, that this span is the text's answer.
    """

    answer: str
    start_char: int
    end_char: int
    start_token: int
    end_token: int
    score: float = field(compare=False)

    def __repr__(self) -> str:
        return f"SpanAnswer({self.answer!r}, {self.score:.3f})"


@dataclass(frozen=True, slots=True)
class ReaderOutput:
    """The output of a reader for one question and one text.

    `spans` do not overlap each other, the best first. `variants` are further spans with high scores that overlap one of
    them: "an allergy to penicillin" beside "penicillin". `no_answer` is the probability that the text has no answer.
    `yes` and `no` are the probabilities that it answers yes or no; the rest to 1 is neither. They are None if the
    reader was not trained on yes/no questions or the text has no words.
    """

    spans: tuple[SpanAnswer, ...]
    variants: tuple[SpanAnswer, ...]
    no_answer: float = field(compare=False)
    yes: float | None = field(default=None, compare=False)
    no: float | None = field(default=None, compare=False)


def join_text(title: str | None, abstract: str | None) -> str:
    """Title and abstract joined by one space; the one that exists if the other is None; empty if both are None."""
    return " ".join(part for part in (title, abstract) if part is not None)
