"""Two columns to passages: token TAB tag, a blank line between sentences; IOB2, IOB1, IOBES or BILOU, typed or not.

A file's scheme is told from its tags: where an I follows nothing, the file is IOB1 if every B in it follows a mention
of its own type, which is what B is for in IOB1, and damaged otherwise.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from litmine.corpora.formats.passage import Passage
from litmine.errors import CorpusError, SettingError
from litmine.text.tags import OUTSIDE, parse_tag, spans_of_tags
from litmine.types import Span

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
