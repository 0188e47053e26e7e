"""Open annotated corpora by path or by registered name; the format is detected from the files.

Every format gives the same passages: a text and its spans in code points. So training and evaluation read text exactly
as `annotate` does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from litmine.corpora.document_files import DOCUMENT_SUFFIXES
from litmine.corpora.document_passages import (
    divides_by_hash,
    documents_of,
    find_sentences,
    is_document_file,
    read_document_passages,
)
from litmine.corpora.formats import CONCEPT_SUFFIX as CONCEPTS
from litmine.corpora.formats import Passage, read_columns, read_concepts, read_pubtator
from litmine.corpora.registry import CorpusEntry, registry
from litmine.errors import CorpusError, SourceError
from litmine.resources import litmine_home
from litmine.sources.lines import numbered_lines
from litmine.sources.pubtator import HEADER_PATTERN
from litmine.text.tags import UNTYPED
from litmine.types import Span

__all__ = ["SPLITS", "Corpus", "Passage", "corpus_files", "corpus_home", "corpus_name", "open_corpus", "read_corpus"]

SPLITS = ("train", "dev")

_SUFFIXES = (".tsv", ".pubtator", *DOCUMENT_SUFFIXES, CONCEPTS, "")


@dataclass(frozen=True, slots=True)
class Corpus:
    """One split of a corpus: its passages in file order, and the entity types that it annotates.

    `continuous`: each passage continues the one before, like the sentences of a tagged file. `misplaced`: line numbers
    of mentions that are not at their offsets; they are skipped. `file_types`: the types as the file names them.
    `by_article`: each passage is a sentence, and its PMID is that of its article.
    """

    name: str
    path: Path
    entity_types: tuple[str, ...]
    passages: tuple[Passage, ...] = field(repr=False)
    continuous: bool
    misplaced: tuple[int, ...] = ()
    file_types: tuple[str, ...] = field(default=(), compare=False)
    by_article: bool = False


def corpus_home(name: str) -> Path:
    """The folder of a registered corpus, where `litmine corpora get NAME` puts it."""
    return litmine_home() / "corpora" / name


def corpus_name(reference: str) -> str:
    """The name of the corpus that `[NAME=]PATH` or a registered name refers to."""
    name, _, path = reference.rpartition("=")
    return name or (Path(path).stem if Path(path).is_file() else Path(path).name)


def open_corpus(
    reference: str, split: str, type_map: Mapping[str, str] | None = None, tags: str = "auto"
) -> Corpus | None:
    """Open one split of `[NAME=]PATH` or of a registered corpus; None when the corpus has no such split.

    The types of a registered corpus are renamed to litmine's types. The keys of `type_map` may be litmine's names or
    the file's own. Raises CorpusError for a type that the registry does not list, and the errors of `corpus_files` and
    `read_corpus`.
    """
    name, path = corpus_files(reference, split)
    if path is None:
        return None
    requested = _types_for(name, type_map or {})
    entry = _registry_entry(reference)
    if entry is None:
        return read_corpus(path, name, requested, tags, split)
    registered = {file_type: requested.get(our_type, our_type) for file_type, our_type in entry.types.items()}
    combined = registered | requested
    if len(our_types := set(registered.values()) - {"-"}) == 1:
        combined.setdefault(UNTYPED, our_types.pop())
    corpus = read_corpus(path, name, combined, tags, split)
    if unknown := set(corpus.file_types).difference(combined):
        raise CorpusError(
            f"{path} annotates {', '.join(sorted(unknown))}, but the registry lists {', '.join(sorted(entry.types))}"
            f" for {entry.name}; rename the type with --map NAME=TYPE, or drop it with --map NAME=-"
        )
    return replace(corpus, file_types=(*corpus.file_types, *entry.entity_types))


def corpus_files(reference: str, split: str) -> tuple[str, Path | None]:
    """Name and path of one split of `[NAME=]PATH`, or of a registered corpus if no such path exists.

    A folder holds `train.tsv` and `dev.tsv`, or the same with `.pubtator` or `.jsonl` (plain or gzip), or folders
    `train` and `dev` of concept files; a corpus of a single file has only a train split. The files of some corpora
    hold both splits (`divides_by_hash`). The path is None when the corpus has no such split. Raises CorpusError for a
    missing corpus or train split.
    """
    name, path = corpus_name(reference), Path(reference.rpartition("=")[2])
    if (entry := _registry_entry(reference)) is not None:
        path = corpus_home(entry.name)
        if not path.is_dir():
            raise CorpusError(f"{entry.name} is not in {path}; {entry.how_to_obtain}")
    if path.is_dir():
        if is_document_file(path):
            return name, path
        splits = (split, "train") if divides_by_hash(path, name) else (split,)
        file = next(
            (file for one in splits for suffix in _SUFFIXES if (file := path / f"{one}{suffix}").exists()), None
        )
        if file is None and split == "train":
            raise CorpusError(f"{path} contains neither train.tsv nor train.pubtator; name the file itself")
        return name, file
    if not path.is_file():
        raise CorpusError(
            f"{path} does not exist; a corpus is a file, a folder with train.tsv and dev.tsv, or one of the names that"
            " `litmine corpora list` shows"
        )
    return name, path if split == "train" else None


def read_corpus(
    path: Path, name: str, type_map: Mapping[str, str] | None = None, tags: str = "auto", split: str = ""
) -> Corpus:
    """Read one split in any format; `tags` is the tag scheme of two-column files.

    `split` divides files that hold all splits (`read_document_passages`); if it is empty, all is read.

    `type_map` maps types of the file to others; a key `NAME:TYPE` applies to the corpus of that name only, and the
    value `-` drops the type. Published corpora contain a few mentions that are not at their offsets. If more than one
    in twenty is misplaced, the file probably counts offsets in other units. Raises CorpusError in that case, for a file
    that cannot be read, and for a split without a passage or a mention.
    """
    misplaced: list[int] = []
    try:
        passages, continuous = _read_passages(path, name, tags, misplaced, split)
    except (OSError, SourceError) as error:
        raise CorpusError(f"{path} cannot be read as a corpus: {error}") from error
    if not passages:
        raise CorpusError(f"{path} is empty; leave it out, or add sentences or documents")
    mentions = len(misplaced) + sum(len(passage.spans) for passage in passages)
    if len(misplaced) * 20 > mentions:
        raise CorpusError(
            f"{path}: {len(misplaced):,} of {mentions:,} mentions are not at their offsets, first in line"
            f" {misplaced[0]:,}; offsets must count code points of title, one space, abstract"
        )
    file_types = _types(passages)
    if types := _types_for(name, type_map or {}):
        passages = [replace(passage, spans=_map_types(passage.spans, types)) for passage in passages]
    entity_types = _types(passages)
    if file_types and not entity_types:
        raise CorpusError(
            f"{path} annotates {', '.join(file_types)}, but --map drops all of it; keep a type, or leave the corpus out"
        )
    if not entity_types:
        raise CorpusError(f"{path} annotates no mention; use two columns (token TAB tag), PubTator or JSON lines")
    by_article = is_document_file(path) and find_sentences(path, name) is not None
    return Corpus(name, path, entity_types, tuple(passages), continuous, tuple(misplaced), file_types, by_article)


def _read_passages(path: Path, name: str, tags: str, misplaced: list[int], split: str) -> tuple[list[Passage], bool]:
    """The passages, and whether each continues the one before."""
    if is_document_file(path):
        return read_document_passages(path, name, misplaced, split), find_sentences(path, name) is not None
    if path.suffix == CONCEPTS or (path.is_dir() and any(path.rglob(f"*{CONCEPTS}"))):
        return list(read_concepts(path, misplaced)), True
    with path.open("rb") as stream:
        first = next((line for _, line in numbered_lines(stream) if line.strip()), b"")
    if path.suffix == ".pubtator" or HEADER_PATTERN.match(first):
        return list(read_pubtator(path, misplaced, documents_of(path, name, split))), False
    return list(read_columns(path, tags)), True


def _registry_entry(reference: str) -> CorpusEntry | None:
    """The registry entry that a reference names; None if a path of that name exists."""
    path = reference.rpartition("=")[2]
    return None if Path(path).exists() else registry().get(path)


def _types(passages: list[Passage]) -> tuple[str, ...]:
    return tuple(sorted({span.entity_type for passage in passages for span in passage.spans}))


def _types_for(name: str, type_map: Mapping[str, str]) -> dict[str, str]:
    """The type map of one corpus: its keys `NAME:TYPE` take precedence over keys for all corpora."""
    prefix = f"{name}:"
    return {**type_map, **{key.removeprefix(prefix): to for key, to in type_map.items() if key.startswith(prefix)}}


def _map_types(spans: tuple[Span, ...], type_map: Mapping[str, str]) -> tuple[Span, ...]:
    mapped = (replace(span, entity_type=type_map.get(span.entity_type, span.entity_type)) for span in spans)
    return tuple(span for span in mapped if span.entity_type != "-")
