"""PubTator to passages: whole documents, mentions by their offsets in code points.

What every format gives: a text and its spans.

Two columns to passages: token TAB tag, a blank line between sentences; IOB2, IOB1, IOBES or BILOU, typed or not.

A file's scheme is told from its tags: where an I follows nothing, the file is IOB1 if every B in it follows a mention
of its own type, which is what B is for in IOB1, and damaged otherwise.

2010 i2b2/VA concept files to passages: `c="..." LINE:TOKEN LINE:TOKEN||t="problem"`, and the record in a `.txt`.

Lines count from 1, tokens between white space from 0, the last one included. Written from the format's description;
untried on the real records, which each user must obtain.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from litmine.errors import CorpusError, SettingError
from litmine.sources.pmids import parse_pmid
from litmine.sources.pubtator import read_documents
from litmine.text.tags import OUTSIDE, parse_tag, spans_of_tags
from litmine.types import Span, Unreadable


@dataclass(frozen=True, slots=True)
class Passage:
    """A sentence or a document of a corpus; `pmid` is a document's number, None where the file has none."""

    text: str
    spans: tuple[Span, ...]
    pmid: int | None = None


SCHEMES = ("auto", "iob2", "iob1", "iobes")

_TAG = re.compile(r"([BIESLU])(?:[-_].+)?")


@dataclass(slots=True)
class _Sentence:
    tokens: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)


def read_columns(path: Path, scheme: str = "auto") -> Iterator[Passage]:
    """Yield each sentence, its tokens one space apart; the tag is the last column.

    Raises CorpusError, with the line, for a token without a tag and for a tag that its scheme does not allow there;
    SettingError for a scheme that is none of `SCHEMES`; OSError and UnicodeDecodeError pass through.
    """
    if scheme not in SCHEMES:
        raise SettingError(f"{scheme!r} is no scheme of tags; it is one of {', '.join(SCHEMES)}")
    sentences = list(_sentences(path))
    _check(path, sentences, scheme)
    return (_passage(sentence) for sentence in sentences)


def _sentences(path: Path) -> Iterator[_Sentence]:
    sentence = _Sentence()
    for number, line in enumerate([*path.read_text(encoding="utf-8").split("\n"), ""], 1):
        columns = line.rstrip("\r").split("\t")
        if len(columns) == 1 and not columns[0].strip():
            if sentence.tokens:
                yield sentence
            sentence = _Sentence()
        elif len(columns) < 2 or not columns[0].strip() or not columns[-1].strip():
            raise CorpusError(f"{path}, line {number}: a line is token TAB tag, and this one is {line[:60]!r}")
        elif columns[0] != "-DOCSTART-":
            sentence.tokens.append(columns[0])
            sentence.tags.append(columns[-1].strip())
            sentence.lines.append(number)


def _check(path: Path, sentences: Sequence[_Sentence], scheme: str) -> None:
    """CorpusError at the first tag that the scheme does not allow; IOB1 allows them all."""
    dangling = next((place for place in _pairs(sentences) if _follows_nothing(*place[:2])), None)
    if dangling and not (scheme == "iob1" or (scheme == "auto" and _is_iob1(sentences))):
        before, tag, number = dangling
        raise CorpusError(
            f"{path}, line {number}: {tag} follows nothing that it could continue (before it: {before});"
            " mend the tag, or give --tags iob1 if the file is IOB1"
        )
    if scheme == "iobes":
        for before, tag, number in _pairs(sentences):
            if _prefix(before) in {"B", "I"} and not _continues(before, tag):
                raise CorpusError(
                    f"{path}, line {number}: {before} is followed by {tag}, and in IOBES a mention ends with E"
                    " or is an S; mend the tag, or give --tags iob2 if the file is IOB2"
                )


def _pairs(sentences: Sequence[_Sentence]) -> Iterator[tuple[str, str, int]]:
    """Each tag with the one before it and its line; outside stands before and after each sentence."""
    for sentence in sentences:
        tags = [OUTSIDE, *sentence.tags, OUTSIDE]
        yield from zip(tags, tags[1:], [*sentence.lines, sentence.lines[-1]], strict=False)


def _prefix(tag: str) -> str | None:
    """B, I, E, S, L or U, None for O and for a label that is a type by itself."""
    found = _TAG.fullmatch(tag)
    return found[1] if found else None


def _continues(before: str, tag: str) -> bool:
    same = parse_tag(before).entity_type == parse_tag(tag).entity_type
    return same and _prefix(before) in {"B", "I"} and _prefix(tag) in {"I", "E", "L"}


def _follows_nothing(before: str, tag: str) -> bool:
    return _prefix(tag) in {"I", "E", "L"} and not _continues(before, tag)


def _is_iob1(sentences: Sequence[_Sentence]) -> bool:
    return all(
        _prefix(tag) in {None, "I"}
        or (_prefix(tag) == "B" and parse_tag(before).entity_type == parse_tag(tag).entity_type)
        for before, tag, _ in _pairs(sentences)
    )


def _passage(sentence: _Sentence) -> Passage:
    starts = [0]
    for token in sentence.tokens:
        starts.append(starts[-1] + len(token) + 1)
    spans = (Span(starts[first], starts[last] - 1, kind) for first, last, kind in spans_of_tags(sentence.tags))
    return Passage(" ".join(sentence.tokens), tuple(spans))


SUFFIX = ".con"

_CONCEPT = re.compile(r'c="(.*)" (\d+):(\d+) (\d+):(\d+)\|\|t="([^"]+)"')


def read_concepts(path: Path, misplaced: list[int]) -> Iterator[Passage]:
    """Yield each line of the records as a passage; `path` is a `.con` file or a folder that holds some, at any depth.

    The record `NAME.txt` stands beside `NAME.con`, or in a folder `txt` beside the folder of `NAME.con`. Lines of
    concepts whose words stand elsewhere, or that run over a line's end, are added to `misplaced`. Raises CorpusError
    for a line that is no concept, and for a record that is missing.
    """
    for file in sorted(path.rglob(f"*{SUFFIX}")) if path.is_dir() else [path]:
        places = (file.with_suffix(".txt"), file.parent.parent / "txt" / f"{file.stem}.txt")
        record = next((place for place in places if place.is_file()), None)
        if record is None:
            raise CorpusError(f"{file} has no record: neither {places[0]} nor {places[1]} exists")
        yield from _record(record, file, misplaced)


def _record(record: Path, concepts: Path, misplaced: list[int]) -> Iterator[Passage]:
    lines = record.read_text(encoding="utf-8").split("\n")
    words = [list(re.finditer(r"\S+", line)) for line in lines]
    spans: dict[int, set[Span]] = {}
    for number, line in enumerate(concepts.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        concept = _CONCEPT.fullmatch(line.strip())
        if concept is None:
            raise CorpusError(f'{concepts}, line {number}: not c="..." LINE:TOKEN LINE:TOKEN||t="...": {line[:60]!r}')
        row, first, end_row, last = (int(concept[group]) for group in range(2, 6))
        marked = words[row - 1][first : last + 1] if 0 < row <= len(words) and row == end_row else []
        if " ".join(word.group() for word in marked).casefold() != " ".join(concept[1].split()).casefold():
            misplaced.append(number)
        else:
            spans.setdefault(row, set()).add(Span(marked[0].start(), marked[-1].end(), concept[6]))
    for row, line in enumerate(lines, 1):
        if line.strip():
            ordered = sorted(spans.get(row, ()), key=lambda span: (span.start_char, span.end_char, span.entity_type))
            yield Passage(line.rstrip("\r"), tuple(ordered))


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
