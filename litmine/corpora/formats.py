"""Read corpus formats into passages: two-column files, PubTator, and 2010 i2b2/VA concept files.

Two columns: token TAB tag, a blank line between sentences; IOB2, IOB1, IOBES or BILOU, with or without types. More
columns may be between the two, as in CoNLL-2003, and spaces may replace all tabs. Lines `-DOCSTART-` and
`###MEDLINE:1` (JNLPBA) separate documents. The scheme is detected from the tags. If an I tag continues nothing, the
file is IOB1 when every B tag follows a mention of its own type, because that is the only use of B in IOB1; otherwise
the file is damaged.

PubTator: whole documents, mentions by their offsets in code points.

Concept files: `c="..." LINE:TOKEN LINE:TOKEN||t="problem"` beside the record in a `.txt`. Lines count from 1 and
whitespace-separated tokens from 0; the last token is included. The reader is written from the format's description and
untested on the real records, which each user must obtain.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from litmine.errors import CorpusError, SettingError, SourceError
from litmine.sources.encodings import decode_text, undecodable
from litmine.sources.pmids import parse_pmid
from litmine.sources.pubtator import read_pubtator_documents
from litmine.text.tags import OUTSIDE, parse_tag, tags_to_spans
from litmine.types import Span, UnreadableRecord


@dataclass(frozen=True, slots=True)
class Passage:
    """A sentence or a document of a corpus; `pmid` is None when the file has none."""

    text: str
    spans: tuple[Span, ...]
    pmid: int | None = None


TAG_SCHEMES = ("auto", "iob2", "iob1", "iobes")

_TAG = re.compile(r"([BIESLU])(?:[-_].+)?")
_DOCUMENT_START = re.compile(r"-DOCSTART-(?:\s.*)?|###MEDLINE:\S*\s*")


@dataclass(slots=True)
class _Sentence:
    """The rows of one sentence: tokens, tags, and line numbers from 1."""

    tokens: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)


def read_columns(path: Path, scheme: str = "auto") -> Iterator[Passage]:
    """Yield each sentence with its tokens joined by single spaces; the tag is the last column.

    Raises CorpusError, with the line number, for a token without a tag and for a tag that the scheme does not allow;
    SettingError for a scheme not in `TAG_SCHEMES`; OSError for a file that cannot be read; CorpusError for one that is
    neither UTF-8 nor UTF-16.
    """
    if scheme not in TAG_SCHEMES:
        raise SettingError(f"{scheme!r} is not a tag scheme; use one of {', '.join(TAG_SCHEMES)}")
    sentences = list(_sentences(path))
    _check_tags(path, sentences, scheme)
    return (_passage(sentence) for sentence in sentences)


def _sentences(path: Path) -> Iterator[_Sentence]:
    sentence = _Sentence()
    text = _read_text(path)
    with_tabs = "\t" in text
    for number, line in enumerate([*text.split("\n"), ""], 1):
        if not line.strip() or _DOCUMENT_START.fullmatch(line):
            if sentence.tokens:
                yield sentence
            sentence = _Sentence()
            continue
        columns = line.rstrip("\r").split("\t") if with_tabs else line.split()
        if len(columns) < 2 or not columns[0].strip() or not columns[-1].strip():
            raise CorpusError(f"{path}, line {number}: expected token TAB tag, not {line[:60]!r}; correct the line")
        if not with_tabs and columns[-1] != OUTSIDE and not _TAG.fullmatch(columns[-1]):
            # Prose split at spaces has columns too; only tags show that the file is a corpus.
            raise CorpusError(
                f"{path}, line {number}: expected a tag such as O or B-Disease at the end, not {columns[-1][:40]!r};"
                " correct the line, or separate token and tag with a tab"
            )
        sentence.tokens.append(columns[0])
        sentence.tags.append(columns[-1].strip())
        sentence.lines.append(number)


def _read_text(path: Path) -> str:
    """A file as text, UTF-8 or UTF-16. Raises OSError, and CorpusError for another encoding."""
    content = path.read_bytes()
    try:
        return decode_text(content)
    except UnicodeDecodeError as error:
        raise CorpusError(f"{path}, {undecodable(content, error)}") from None
    except SourceError as error:
        raise CorpusError(f"{path}: {error}") from None


def _check_tags(path: Path, sentences: Sequence[_Sentence], scheme: str) -> None:
    """Raise CorpusError at the first tag that the scheme does not allow; IOB1 allows all."""
    dangling = next((pair for pair in _tag_pairs(sentences) if _continues_nothing(*pair[:2])), None)
    if dangling and not (scheme == "iob1" or (scheme == "auto" and _is_iob1(sentences))):
        before, tag, number = dangling[0][:60], dangling[1][:60], dangling[2]
        raise CorpusError(
            f"{path}, line {number}: {tag} continues no mention (previous tag: {before}); correct the tag, or use"
            " --tags iob1 if the file is IOB1"
        )
    if scheme == "iobes":
        for before, tag, number in _tag_pairs(sentences):
            if _prefix(before) in {"B", "I"} and not _continues(before, tag):
                raise CorpusError(
                    f"{path}, line {number}: {before[:60]} is followed by {tag[:60]}, but in IOBES a mention ends with"
                    " E or is a single S; correct the tag, or use --tags iob2 if the file is IOB2"
                )


def _tag_pairs(sentences: Sequence[_Sentence]) -> Iterator[tuple[str, str, int]]:
    """Each tag with the previous one and its line number; every sentence is padded with O on both sides."""
    for sentence in sentences:
        tags = [OUTSIDE, *sentence.tags, OUTSIDE]
        yield from zip(tags, tags[1:], [*sentence.lines, sentence.lines[-1]], strict=False)


def _prefix(tag: str) -> str | None:
    """B, I, E, S, L or U; None for O and for a label that is only a type."""
    found = _TAG.fullmatch(tag)
    return found[1] if found else None


def _continues(before: str, tag: str) -> bool:
    same = parse_tag(before).entity_type == parse_tag(tag).entity_type
    return same and _prefix(before) in {"B", "I"} and _prefix(tag) in {"I", "E", "L"}


def _continues_nothing(before: str, tag: str) -> bool:
    return _prefix(tag) in {"I", "E", "L"} and not _continues(before, tag)


def _is_iob1(sentences: Sequence[_Sentence]) -> bool:
    return all(
        _prefix(tag) in {None, "I"}
        or (_prefix(tag) == "B" and parse_tag(before).entity_type == parse_tag(tag).entity_type)
        for before, tag, _ in _tag_pairs(sentences)
    )


def _passage(sentence: _Sentence) -> Passage:
    starts = [0]
    for token in sentence.tokens:
        starts.append(starts[-1] + len(token) + 1)
    spans = (Span(starts[first], starts[last] - 1, kind) for first, last, kind in tags_to_spans(sentence.tags))
    return Passage(" ".join(sentence.tokens), tuple(spans))


CONCEPT_SUFFIX = ".con"

_CONCEPT = re.compile(r'c="(.*)" (\d+):(\d+) (\d+):(\d+)\|\|t="([^"]+)"')


def read_concepts(path: Path, misplaced: list[int]) -> Iterator[Passage]:
    """Yield each line of the records as a passage; `path` is a `.con` file or a folder with such files at any depth.

    The record `NAME.txt` is beside `NAME.con`, or in a folder `txt` beside the folder of `NAME.con`. Line numbers of
    concepts whose words are elsewhere, or that span several lines, are added to `misplaced`. Raises CorpusError for a
    malformed line and for a missing record.
    """
    for file in sorted(path.rglob(f"*{CONCEPT_SUFFIX}")) if path.is_dir() else [path]:
        places = (file.with_suffix(".txt"), file.parent.parent / "txt" / f"{file.stem}.txt")
        record = next((place for place in places if place.is_file()), None)
        if record is None:
            raise CorpusError(f"{file} has no record: neither {places[0]} nor {places[1]} exists; add the record")
        yield from _read_record(record, file, misplaced)


def _read_record(record: Path, concepts: Path, misplaced: list[int]) -> Iterator[Passage]:
    lines = _read_text(record).split("\n")
    words = [list(re.finditer(r"\S+", line)) for line in lines]
    spans: dict[int, set[Span]] = {}
    for number, line in enumerate(_read_text(concepts).splitlines(), 1):
        if not line.strip():
            continue
        concept = _CONCEPT.fullmatch(line.strip())
        if concept is None:
            raise CorpusError(
                f'{concepts}, line {number}: expected c="..." LINE:TOKEN LINE:TOKEN||t="...", not {line[:60]!r}'
            )
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


def read_pubtator(
    path: Path, misplaced: list[int], is_wanted: Callable[[str], bool] = lambda _: True
) -> Iterator[Passage]:
    """Yield each document with a text; line numbers of mentions that are not at their offsets go to `misplaced`.

    is_wanted: whether to read the document of that number.

    Raises CorpusError, with the line number, for anything that is not PubTator, and OSError.
    """
    with path.open("rb") as stream:
        for document in read_pubtator_documents(stream):
            if isinstance(document, UnreadableRecord):
                raise CorpusError(f"{path}, {document.where}: {document.why}")
            if not is_wanted(document.identifier):
                continue
            spans = []
            for number, columns in document.annotations:
                # Relations are in the same file; their second column is a word.
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
    """The span of a mention; None when its offsets hold another text, ignoring case and outer space."""
    try:
        start, end, entity_type = int(columns[1]), int(columns[2]), columns[4]
    except (IndexError, ValueError) as error:
        raise CorpusError(f"{path}, line {number}: not a PubTator mention: {' '.join(columns)[:60]!r}") from error
    found = text[start:end]
    if not found.strip() or found.strip().casefold() != columns[3].strip().casefold():
        return None
    start += len(found) - len(found.lstrip())
    return Span(start, start + len(found.strip()), entity_type)
