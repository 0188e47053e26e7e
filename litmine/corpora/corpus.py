"""Corpora to passages: by path or by name, in any of the formats, told apart by what the files hold.

Whatever the format, a passage is a text, its spans in code points, and the types that its corpus annotates: training
and judging read texts just as `annotate` does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from litmine.corpora.formats import SUFFIX as CONCEPTS
from litmine.corpora.formats import Passage, read_columns, read_concepts, read_pubtator
from litmine.corpora.registry import Entry, registry
from litmine.errors import CorpusError
from litmine.resources import home
from litmine.sources.pubtator import HEAD
from litmine.text.tags import UNTYPED
from litmine.types import Span

__all__ = ["SPLITS", "Corpus", "Passage", "corpus_files", "corpus_home", "corpus_name", "open_corpus", "read_corpus"]

SPLITS = ("train", "dev")

_PLACES = (".tsv", ".pubtator", CONCEPTS, "")


@dataclass(frozen=True, slots=True)
class Corpus:
    """One split of a corpus: its passages in file order, and the types that it annotates.

    `continuous`: each passage goes on where the one before stops, as the sentences of a tagged file do. `misplaced`:
    the lines of mentions that do not stand at their offsets; they are left out. `file_types`: the types as the file
    names them.
    """

    name: str
    path: Path
    entity_types: tuple[str, ...]
    passages: tuple[Passage, ...] = field(repr=False)
    continuous: bool
    misplaced: tuple[int, ...] = ()
    file_types: tuple[str, ...] = field(default=(), compare=False)


def corpus_home(name: str) -> Path:
    """Where `litmine corpora get NAME` puts a corpus, and where its name is looked for."""
    return home() / "corpora" / name


def corpus_name(reference: str) -> str:
    """What the corpus of `[NAME=]PATH`, or of a registered name, is called."""
    name, _, place = reference.rpartition("=")
    return name or (Path(place).stem if Path(place).is_file() else Path(place).name)


def open_corpus(
    reference: str, split: str, renamed: Mapping[str, str] | None = None, tags: str = "auto"
) -> Corpus | None:
    """One split of `[NAME=]PATH` or of a registered corpus by name; None when it has no such split.

    A corpus that was found by name gets our types for its own; `renamed` counts for either. Raises as `corpus_files`
    and `read_corpus` do, and CorpusError for a type that the registry does not know of that corpus.
    """
    name, path = corpus_files(reference, split)
    if path is None:
        return None
    own = _own(name, renamed or {})
    entry = _registered(reference)
    if entry is None:
        return read_corpus(path, name, own, tags)
    ours = {theirs: own.get(our, our) for theirs, our in entry.types.items()}
    named = ours | own
    if len(kinds := set(ours.values()) - {"-"}) == 1:
        named.setdefault(UNTYPED, kinds.pop())
    corpus = read_corpus(path, name, named, tags)
    if unknown := set(corpus.file_types).difference(named):
        raise CorpusError(
            f"{path} annotates {', '.join(sorted(unknown))}, and {entry.name} is known to annotate"
            f" {', '.join(sorted(entry.types))}; rename a type with --map NAME=TYPE, or leave it out with --map NAME=-"
        )
    return replace(corpus, file_types=(*corpus.file_types, *entry.entity_types))


def corpus_files(reference: str, split: str) -> tuple[str, Path | None]:
    """Name and place of one split of `[NAME=]PATH`, or of a registered corpus by its name where no such path exists.

    A folder holds `train.tsv` and `dev.tsv`, or `.pubtator`, or folders `train` and `dev` of concept files; a file is
    its own train. None when the corpus has no such split (CorpusError when it has no train split, or is not here).
    """
    name, path = corpus_name(reference), Path(reference.rpartition("=")[2])
    if (entry := _registered(reference)) is not None:
        path = corpus_home(entry.name)
        if not path.is_dir():
            raise CorpusError(f"{entry.name} is not in {path}; {entry.how_to_obtain}")
    if path.is_dir():
        file = next((file for suffix in _PLACES if (file := path / f"{split}{suffix}").exists()), None)
        if file is None and split == "train":
            raise CorpusError(f"{path} holds neither train.tsv nor train.pubtator; give the file itself")
        return name, file
    if not path.is_file():
        raise CorpusError(
            f"{path} does not exist; a corpus is a file, a folder with train.tsv and dev.tsv, or one of the names that"
            " `litmine corpora list` shows"
        )
    return name, path if split == "train" else None


def read_corpus(path: Path, name: str, renamed: Mapping[str, str] | None = None, tags: str = "auto") -> Corpus:
    """Read one split in any format; `renamed` maps types of the file to ours, `tags` is a scheme of two columns.

    A key `NAME:TYPE` counts for the corpus of that name alone. A type renamed to `-` is not annotated, as far as anyone
    is told. Published corpora have some mentions off their offsets; a file with more than one in twenty counts in other
    units. Raises CorpusError for that, for what cannot be read, and for a split without a passage or a mention.
    """
    misplaced: list[int] = []
    try:
        passages, continuous = _read(path, tags, misplaced)
    except (OSError, UnicodeDecodeError) as error:
        raise CorpusError(f"{path} cannot be read as a corpus: {error}") from error
    if not passages:
        raise CorpusError(f"{path} is empty: it holds no sentence and no document; leave it out or fill it")
    mentions = len(misplaced) + sum(len(passage.spans) for passage in passages)
    if len(misplaced) * 20 > mentions:
        raise CorpusError(
            f"{path}: {len(misplaced):,} of {mentions:,} mentions do not stand at their offsets, the first in line"
            f" {misplaced[0]:,}; offsets count the code points of title, one space, abstract"
        )
    file_types = _types(passages)
    if own := _own(name, renamed or {}):
        passages = [replace(passage, spans=_rename(passage.spans, own)) for passage in passages]
    entity_types = _types(passages)
    if file_types and not entity_types:
        raise CorpusError(
            f"{path} annotates {', '.join(file_types)} and all of it is left out; keep a type, or leave the corpus out"
        )
    if not entity_types:
        raise CorpusError(f"{path} marks no mention; a corpus is two columns, token TAB tag, or PubTator")
    return Corpus(name, path, entity_types, tuple(passages), continuous, tuple(misplaced), file_types)


def _read(path: Path, tags: str, misplaced: list[int]) -> tuple[list[Passage], bool]:
    """The passages, and whether each goes on where the one before stops."""
    if path.suffix == CONCEPTS or (path.is_dir() and any(path.rglob(f"*{CONCEPTS}"))):
        return list(read_concepts(path, misplaced)), True
    with path.open("rb") as stream:
        first = next((line for line in stream if line.strip()), b"")
    if path.suffix == ".pubtator" or HEAD.match(first):
        return list(read_pubtator(path, misplaced)), False
    return list(read_columns(path, tags)), True


def _registered(reference: str) -> Entry | None:
    """The entry that a reference names, unless a path of that name exists."""
    place = reference.rpartition("=")[2]
    return None if Path(place).exists() else registry().get(place)


def _types(passages: list[Passage]) -> tuple[str, ...]:
    return tuple(sorted({span.entity_type for passage in passages for span in passage.spans}))


def _own(name: str, renamed: Mapping[str, str]) -> dict[str, str]:
    """What is renamed in the corpus of this name: keys `NAME:TYPE` count before those of every corpus."""
    return {
        **renamed,
        **{key.removeprefix(f"{name}:"): our for key, our in renamed.items() if key.startswith(f"{name}:")},
    }


def _rename(spans: tuple[Span, ...], renamed: Mapping[str, str]) -> tuple[Span, ...]:
    named = (replace(span, entity_type=renamed.get(span.entity_type, span.entity_type)) for span in spans)
    return tuple(span for span in named if span.entity_type != "-")
