"""Term lists: a user's own names with types and identifiers, read from a file of tab-separated columns.

The first line names the columns `name`, `type`, `identifier` and, optionally, `synonyms` (separated by `|`). The
identity of a list is the digest of its terms and of the version of the matcher, so that neither the order of the rows
nor where a name stands (in a row of its own or as a synonym) matters.
"""

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from litmine.errors import SourceError, TermListError
from litmine.lake.paths import TERMS, LakePath
from litmine.lake.term_lists import list_model, read_terms
from litmine.sources.bounded import read_file_up_to
from litmine.sources.encodings import decode_text, undecodable
from litmine.specs import TASKS
from litmine.text.common_words import COMMON_WORDS
from litmine.text.term_matcher import MATCHER_VERSION, Term, is_name

_COPY_SUFFIX = ".parquet"
COLUMNS = ("name", "type", "identifier")
SYNONYMS = "synonyms"
MAX_TERMS = 1_000_000
_MAX_BYTES = 1 << 28
_MAX_CHARS = 500
_SHOWN = 5
_FORM = f"the columns {', '.join(COLUMNS)} and, optionally, {SYNONYMS}, separated by tabs"
_SAVE = "save the list as tab-separated text (.tsv)"
_MAGIC = (
    (b"PK\x03\x04", "an Excel file or a zip archive"),
    (b"\xd0\xcf\x11\xe0", "an Excel file"),
    (b"\x1f\x8b", "compressed with gzip"),
    (b"BZh", "compressed with bzip2"),
    (b"\xfd7zXZ", "compressed with xz"),
    (b"%PDF", "a PDF"),
    (b"PAR1", "Parquet"),
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
# What would have a meaning of its own in name@digest, in `models use NAME:TYPE` and in SQL.
_NOT_IN_NAMES = re.compile(r"[\s@:,%'\"]+")


@dataclass(frozen=True)
class TermList:
    """The terms of a list, sorted, each once. `notes` are sentences for its owner about what was found in the file."""

    name: str
    terms: tuple[Term, ...]
    notes: tuple[str, ...] = ()

    @cached_property
    def model(self) -> str:
        """`name@digest`. The digest covers the terms and the version of the matcher."""
        content = [[term.name, term.entity_type, term.identifier] for term in self.terms]
        encoded = json.dumps([MATCHER_VERSION, content], ensure_ascii=False).encode()
        return f"{self.name}@{hashlib.sha256(encoded).hexdigest()[:12]}"

    @cached_property
    def entity_types(self) -> tuple[str, ...]:
        """The types of the list, sorted."""
        return tuple(sorted({term.entity_type for term in self.terms}))


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of the file: its terms, and the number of its line."""

    line: int
    terms: tuple[Term, ...]


def read_term_list(path: Path) -> TermList:
    """Read a term list; its name is that of the file without the suffix.

    Raises TermListError, with the line, for a file that cannot be read or has another form, for a row without a name or
    a type, for a cell with control characters or more than 500 characters, and for a list without names or with
    more than MAX_TERMS.
    """
    name = _NOT_IN_NAMES.sub("-", path.stem)
    if name in {ref for spec in TASKS for ref in spec.builtins}:
        raise TermListError(f"{path} has the name of a built-in model, {name}; rename the file")
    rows = _Rows(path, _read_text(path))
    terms: list[Term] = []
    for row in rows:
        terms += row.terms
        if len(terms) > MAX_TERMS:
            raise TermListError(
                f"{path} has more than {MAX_TERMS:,} names, the most that a term list may have; split it"
            )
    usable = sorted({term for term in terms if is_name(term.name)})
    if not usable:
        raise TermListError(f"{path} has no names; write one row for each, below {_FORM}")
    notes = [f"{path}: {note}" for note in (*rows.notes, *_notes(terms, usable))]
    return TermList(name, tuple(usable), tuple(notes))


def open_term_list(file: LakePath) -> TermList:
    """The list in a user's file, or in a lake's copy of one (`terms/<name@digest>.parquet`).

    Raises TermListError as `read_term_list`, and LakeError for a damaged copy.
    """
    if file.name.endswith(_COPY_SUFFIX) and file.parent.name == TERMS:
        return TermList(list_model(file).rpartition("@")[0], read_terms(file))
    return read_term_list(Path(str(file)))


def _read_text(path: Path) -> str:
    try:
        size = path.stat().st_size
        if size > _MAX_BYTES:
            raise TermListError(f"{path} has {size:,} bytes, and a term list may have {_MAX_BYTES:,}; split it")
        content = read_file_up_to(path, _MAX_BYTES, "a term list")
    except SourceError as error:
        raise TermListError(f"{path} cannot be read: {error}") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise TermListError(f"{path} cannot be read ({reason}); check the path") from error
    for magic, form in _MAGIC:
        if content.startswith(magic):
            raise TermListError(f"{path} is {form}; {_SAVE}")
    try:
        return decode_text(content)
    except UnicodeDecodeError as error:
        raise TermListError(f"{path}, {undecodable(content, error)}") from None
    except SourceError as error:
        raise TermListError(f"{path}: {error}") from None


class _Rows:
    """The rows of a list in the order of the file. `notes`: what else is in it, complete when all rows are read."""

    def __init__(self, path: Path, text: str) -> None:
        self._path = path
        lines = text.count("\n")
        if lines > MAX_TERMS:
            raise TermListError(
                f"{path} has {lines:,} lines, and a term list may have at most {MAX_TERMS:,} names; split it"
            )
        # `splitlines` would also split at characters that may stand in a cell.
        self._lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        self._columns = self._read_header(self._lines[0])
        unread = [column for column in self._columns if column and column not in (*COLUMNS, SYNONYMS)]
        self.notes = [f"only {_FORM.partition(',')[0]} ... are read, not {', '.join(unread)}"] if unread else []

    def _read_header(self, line: str) -> list[str]:
        columns = [_unquote(cell).lower() for cell in line.split("\t")]
        missing = [column for column in COLUMNS if column not in columns]
        if not missing:
            repeated = next((column for column in (*COLUMNS, SYNONYMS) if columns.count(column) > 1), None)
            if repeated:
                raise TermListError(f"{self._path}, line 1: the column {repeated} stands there twice; remove one")
            return columns
        start = line.lstrip()[:1]
        if start in ("{", "["):
            raise TermListError(f"{self._path} looks like JSON; {_SAVE}, with {_FORM}")
        if "\t" not in line and sum(column in re.split("[,;]", line.lower()) for column in COLUMNS) > 1:
            raise TermListError(f"{self._path} separates its columns by commas or semicolons; {_SAVE}")
        raise TermListError(
            f"{self._path}, line 1: it does not name the column {missing[0]}; the first line must name {_FORM}"
        )

    def __iter__(self) -> Iterator[_Row]:
        at = {column: self._columns.index(column) for column in (*COLUMNS, SYNONYMS) if column in self._columns}
        for number, line in enumerate(self._lines[1:], 2):
            if not line.strip():
                continue
            cells = [_unquote(cell) for cell in line.split("\t")]
            if len(cells) > len(self._columns) and any(cells[len(self._columns) :]):
                raise self._error(number, f"it has {len(cells)} cells, and the first line {len(self._columns)} columns")
            values = {column: cells[index] if index < len(cells) else "" for column, index in at.items()}
            synonyms = [part.strip() for part in values.get(SYNONYMS, "").split("|")]
            names = [values["name"], *filter(None, synonyms)]
            self._check(number, values, names)
            yield _Row(number, tuple(Term(name, values["type"], values["identifier"]) for name in names))

    def _check(self, number: int, values: dict[str, str], names: Sequence[str]) -> None:
        for column in ("name", "type"):
            if not values[column]:
                raise self._error(number, f"it has no {column}; write one, or remove the line")
        cells = [("name", name) for name in names]
        cells += [("type", values["type"]), ("identifier", values["identifier"])]
        for column, cell in cells:
            if len(cell) > _MAX_CHARS:
                raise self._error(
                    number,
                    f"the {column} has {len(cell):,} characters, and at most {_MAX_CHARS} are allowed; shorten it",
                )
            if _CONTROL.search(cell):
                raise self._error(number, f"the {column} has a control character; remove it")

    def _error(self, number: int, problem: str) -> TermListError:
        return TermListError(f"{self._path}, line {number:,}: {problem}")


def _unquote(cell: str) -> str:
    """A cell without spaces around it, and without the quotation marks that spreadsheets put around some cells."""
    cell = cell.strip()
    if len(cell) > 1 and cell[0] == cell[-1] == '"':
        return cell[1:-1].replace('""', '"').strip()
    return cell


def _notes(terms: Sequence[Term], usable: Sequence[Term]) -> Iterator[str]:
    """Sentences about names that are found in another way than their owner may expect."""
    repeated = len(terms) - len(set(terms))
    if repeated:
        yield f"{_names(repeated)} {'stands' if repeated == 1 else 'stand'} there twice and {_count(repeated)} once"
    short = sorted({term.name for term in terms} - {term.name for term in usable})
    if short:
        yield f"{_names(len(short))} without a letter, or of one character: left out{_shown(short)}"
    identifiers: dict[tuple[str, str], set[str]] = defaultdict(set)
    types: dict[str, set[str]] = defaultdict(set)
    spelled: dict[str, str] = {}
    for term in usable:
        key = term.name.lower()
        identifiers[key, term.entity_type].add(term.identifier)
        types[key].add(term.entity_type)
        spelled.setdefault(key, term.name)
    several = sorted({spelled[key] for (key, _), known in identifiers.items() if len(known - {""}) > 1})
    if several:
        yield f"{_names(len(several))} with several identifiers, which are joined by `|`{_shown(several)}"
    typed = sorted(spelled[key] for key, known in types.items() if len(known) > 1)
    if typed:
        yield f"{_names(len(typed))} with several types, found as each of them{_shown(typed)}"
    common = sorted({term.name for term in usable if _is_common_word(term.name)})
    if common:
        words = "is a common English word" if len(common) == 1 else "are common English words"
        yield (
            f"{_names(len(common))} that {words}: found only in the capitals of the list, but in any"
            f" meaning{_shown(common)}"
        )


def _is_common_word(name: str) -> bool:
    """Whether ordinary text would have the name: a common word without capitals after the first letter."""
    return name[1:] == name[1:].lower() and name.lower() in COMMON_WORDS


def _names(count: int) -> str:
    return f"{count:,} {'name' if count == 1 else 'names'}"


def _count(count: int) -> str:
    return "counts" if count == 1 else "count"


def _shown(names: Sequence[str]) -> str:
    more = ", ..." if len(names) > _SHOWN else ""
    return f" ({', '.join(names[:_SHOWN])}{more})"
