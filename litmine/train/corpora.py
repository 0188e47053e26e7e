"""Corpus files to passages: tagged sentences (two columns) and PubTator documents.

Whatever the format, a passage is a text, its spans in code points, and the types that its corpus annotates: training
and judging read texts just as `annotate` does.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from litmine.errors import CorpusError
from litmine.sources.pubtator import read_documents
from litmine.text.tags import spans_of_tags
from litmine.types import Span, Unreadable

SPLITS = ("train", "dev")
SUFFIXES = (".tsv", ".pubtator")


@dataclass(frozen=True, slots=True)
class Passage:
    """A sentence or a document of a corpus."""

    text: str
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Corpus:
    """One file of a corpus: its passages in file order, and the types that it annotates.

    `continuous`: each passage goes on where the one before stops, as the sentences of a tagged file do. `misplaced`:
    the lines of mentions that do not stand at their offsets; they are left out.
    """

    name: str
    path: Path
    entity_types: tuple[str, ...]
    passages: tuple[Passage, ...] = field(repr=False)
    continuous: bool
    misplaced: tuple[int, ...] = ()


def read_corpus(path: Path, name: str, renamed: dict[str, str] | None = None) -> Corpus:
    """Read a `.tsv` or `.pubtator` file; `renamed` maps types of the file to ours (CorpusError on a bad file).

    A type renamed to `-` is not annotated, as far as anyone is told. Published corpora have some mentions off their
    offsets; a file with more than one in twenty counts in other units, and is a bad one.
    """
    misplaced: list[int] = []
    try:
        passages = list(_documents(path, misplaced) if path.suffix == ".pubtator" else _sentences(path))
    except (OSError, UnicodeDecodeError) as error:
        raise CorpusError(f"{path} cannot be read as a corpus: {error}") from error
    mentions = len(misplaced) + sum(len(passage.spans) for passage in passages)
    if len(misplaced) * 20 > mentions:
        raise CorpusError(
            f"{path}: {len(misplaced):,} of {mentions:,} mentions do not stand at their offsets, the first in line"
            f" {misplaced[0]:,}; offsets count the code points of title, one space, abstract"
        )
    if renamed:
        passages = [replace(passage, spans=_rename(passage.spans, renamed)) for passage in passages]
    entity_types = tuple(sorted({span.entity_type for passage in passages for span in passage.spans}))
    if not entity_types:
        raise CorpusError(f"{path} marks no mention; a corpus is two columns, token TAB tag, or PubTator (.pubtator)")
    return Corpus(name, path, entity_types, tuple(passages), path.suffix != ".pubtator", tuple(misplaced))


def corpus_files(reference: str, split: str) -> tuple[str, Path | None]:
    """Name and file of one split of `[NAME=]PATH`: a folder holds `train.tsv` and `dev.tsv`, a file is its own train.

    None when the corpus has no such split (CorpusError when it has no train split).
    """
    name, _, place = reference.rpartition("=")
    path = Path(place)
    if path.is_dir():
        file = next((path / f"{split}{suffix}" for suffix in SUFFIXES if (path / f"{split}{suffix}").is_file()), None)
        if file is None and split == "train":
            raise CorpusError(f"{path} holds neither train.tsv nor train.pubtator; give the file itself")
        return name or path.name, file
    if not path.is_file():
        raise CorpusError(f"{path} does not exist; a corpus is a file, or a folder with train.tsv and dev.tsv")
    return name or path.stem, path if split == "train" else None


def _sentences(path: Path) -> Iterator[Passage]:
    tokens: list[str] = []
    tags: list[str] = []
    for number, line in enumerate([*path.read_text(encoding="utf-8").split("\n"), ""], 1):
        columns = line.rstrip("\r").split("\t")
        if len(columns) == 1 and not columns[0].strip():
            if tokens:
                yield _sentence(tokens, tags)
            tokens, tags = [], []
        elif len(columns) < 2 or not columns[0].strip() or not columns[-1].strip():
            raise CorpusError(f"{path}, line {number}: a line is token TAB tag, and this one is {line[:60]!r}")
        elif columns[0] != "-DOCSTART-":
            tokens.append(columns[0])
            tags.append(columns[-1].strip())


def _sentence(tokens: list[str], tags: list[str]) -> Passage:
    starts = [0]
    for token in tokens:
        starts.append(starts[-1] + len(token) + 1)
    spans = (Span(starts[first], starts[last] - 1, kind) for first, last, kind in spans_of_tags(tags))
    return Passage(" ".join(tokens), tuple(spans))


def _documents(path: Path, misplaced: list[int]) -> Iterator[Passage]:
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
                yield Passage(document.text, tuple(sorted(spans, key=lambda span: (span.start_char, span.end_char))))


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


def _rename(spans: tuple[Span, ...], renamed: dict[str, str]) -> tuple[Span, ...]:
    named = (replace(span, entity_type=renamed.get(span.entity_type, span.entity_type)) for span in spans)
    return tuple(span for span in named if span.entity_type != "-")
