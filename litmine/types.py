"""Data classes that several packages share: articles, entities, questions and answers."""

from dataclasses import dataclass, field, fields
from datetime import date, datetime

# The question types of BioASQ, without `summary`, whose answers are not spans.
QUESTION_TYPES = ("factoid", "list", "yesno")

# The class of a version of a PMID: a bare text (PubTator, RIS, most JSON Lines), or a PubMed record. If a lake holds
# both for a PMID, the record is the current version, whichever is newer.
BARE_TEXT, RECORD = 0, 1
# The version of the source readers (`litmine.sources`), increased when they read more fields of a record or build its
# text differently. Of two versions of a record with the same dates, the one from the newer reader is current; dated
# files that an older reader imported are imported again.
READER_VERSION = 4
# The key that marks a line as written by `litmine export --format jsonl`, and the names of the classes in it.
EXPORT_MARK = "litmine"
EXPORT_CLASSES = {"text": BARE_TEXT, "record": RECORD}


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
class AuthorAffiliation:
    """The affiliations of one author, named as in `Article.authors`, and the ORCID, such as `0000-0002-1825-0097`."""

    author: str
    affiliations: tuple[str, ...] = ()
    orcid: str | None = None


@dataclass(frozen=True, slots=True)
class Chemical:
    """A substance of an article: its CAS, EC or UNII number, its name, and the MeSH identifier of the name."""

    registry_number: str | None
    name: str
    ui: str | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """A grant for an article: its number, two letters for the institute, agency and country, as the record has them."""

    grant_id: str | None = None
    acronym: str | None = None
    agency: str | None = None
    country: str | None = None


@dataclass(frozen=True, slots=True)
class Correction:
    """An article that corrects, retracts, updates or comments on this one, or that this one corrects and so on.

    `kind` is PubMed's RefType: `RetractionIn` links a retracted article to its notice, `RetractionOf` the notice to the
    article. `pmid` is None where PubMed does not have the other article. `note` says what was wrong, in old records.
    """

    kind: str
    pmid: int | None = None
    citation: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class DataBank:
    """A data bank or registry that has data of an article, and the numbers there: ClinicalTrials.gov, GENBANK."""

    name: str
    numbers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Article:
    """One version of a PubMed record, as read from a source.

    `title` and `abstract` are None if the record has none, never the empty string. `pub_date` is as exact as the
    record: `2013`, `2013-05` or `2013-05-07`. `version` is PubMed's number of the version of an article that was
    published again with new findings (`<PMID Version="2">`); it orders records and is no content of theirs.
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
    affiliations: tuple[AuthorAffiliation, ...] = ()
    chemicals: tuple[Chemical, ...] = ()
    grants: tuple[Grant, ...] = ()
    journal_abbreviation: str | None = None
    issn: str | None = None
    volume: str | None = None
    issue: str | None = None
    pages: str | None = None
    status: str | None = None
    corrections: tuple[Correction, ...] = ()
    data_banks: tuple[DataBank, ...] = ()
    version: int = field(default=1, compare=False)

    @property
    def text(self) -> str:
        """The text that models read and that offsets refer to."""
        return join_text(self.title, self.abstract)


# The fields of an article that are content of the record, in order.
CONTENT_FIELDS = tuple(field.name for field in fields(Article) if field.compare)


@dataclass(frozen=True, slots=True)
class Deletion:
    """A PMID that its source has deleted, and the version of the article that it names."""

    pmid: int
    version: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class OlderVersion:
    """A version of a PMID that comes after a greater `Version` of it in the same file. It is counted but not stored."""

    pmid: int


@dataclass(frozen=True, slots=True)
class TrialIntervention:
    """An intervention of a registered trial: its kind (`DRUG`), if the registry has it, and its name."""

    kind: str | None
    name: str


@dataclass(frozen=True, slots=True)
class RegisteredTrial:
    """The registration of a trial, as a registry publishes it; `schemas/registered_trials.json` explains the fields."""

    registry_id: str
    title: str | None = None
    official_title: str | None = None
    acronym: str | None = None
    secondary_ids: tuple[str, ...] = ()
    status: str | None = None
    study_type: str | None = None
    phase: str | None = None
    allocation: str | None = None
    masking: str | None = None
    intervention_model: str | None = None
    enrolled: int | None = None
    enrolled_type: str | None = None
    conditions: tuple[str, ...] = ()
    interventions: tuple[TrialIntervention, ...] = ()
    primary_outcomes: tuple[str, ...] = ()
    secondary_outcomes: tuple[str, ...] = ()
    sponsor: str | None = None
    start_date: str | None = None
    completion_date: str | None = None
    first_posted: str | None = None
    updated: str | None = None
    sex: str | None = None
    minimum_age: str | None = None
    maximum_age: str | None = None
    age_groups: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    has_results: bool | None = None
    result_pmids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class UnreadableRecord:
    """A part of a source that could not be read (a file, the rest of a file, or one line), and the reason."""

    where: str
    why: str


@dataclass(frozen=True, slots=True)
class SourceNote:
    """What a source reader did not read, although no record was lost: fields that it does not know, for example."""

    where: str
    what: str


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """An article or a deletion from a source.

    `as_of` is the date (UTC) of the source, or that of the record itself if `dated` is set. `mended` counts the lone
    surrogates that became U+FFFD. `record_class` is `BARE_TEXT` or `RECORD`. `reader_version` is the version of the
    source reader that made the record.
    """

    record: Article | Deletion | OlderVersion
    as_of: datetime
    mended: int = 0
    record_class: int = RECORD
    reader_version: int = READER_VERSION
    dated: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class Entity:
    """A mention found by a model: `text[start_char:end_char] == mention`, in Unicode code points.

    `identifier` is that of its concept, several joined by `|`; None if the model gives none. `identifier_score` is the
    probability that it is right, 0 to 1, if a linker found it.
    """

    mention: str
    entity_type: str
    start_char: int
    end_char: int
    score: float = field(compare=False)
    identifier: str | None = None
    identifier_score: float | None = field(default=None, compare=False)

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
    """A question; `question_type` is one of QUESTION_TYPES, set by the user or `guessed` from the question's words.

    `summary`: the user calls it a summary question, which asks for a paragraph; its type is guessed.
    """

    question_id: str
    text: str
    question_type: str
    guessed: bool = False
    summary: bool = False


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
