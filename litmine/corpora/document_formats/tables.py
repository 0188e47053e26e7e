"""The tables of ChemProt and DrugProt: a folder with one file each of abstracts, entities and relations, by name.

Abstracts: PMID, title, abstract. Entities: PMID, id, type, start, end, words; offsets into title, one character,
abstract. Relations: PMID, type, `Arg1:T1`, `Arg2:T2`; ChemProt's have two more columns, of which only the rows marked
`Y` are judged. Columns are divided by tabs.
"""

from collections.abc import Iterator
from pathlib import Path

from litmine.corpora.documents import RawDocument, RawEntity, RawRelation
from litmine.errors import CorpusError

_TABLES = ("abstracts", "entities", "relations")
_EVALUATED = {"Y": True, "N": False}


def is_table_folder(folder: Path) -> bool:
    """Whether a folder has the three tables."""
    return folder.is_dir() and all(_table(folder, kind) is not None for kind in _TABLES)


def _table(folder: Path, kind: str) -> Path | None:
    return next((file for file in sorted(folder.glob("*.tsv")) if kind in file.name.lower()), None)


def read_table_folder(folder: Path) -> list[RawDocument]:
    """The documents of a folder.

    A row whose PMID has no abstract is reported with the first document. Raises CorpusError, with the line number, for
    a row of the wrong form and for a repeated abstract.
    """
    documents: dict[str, RawDocument] = {}
    for where, columns in _rows(folder, "abstracts", 3):
        if columns[0] in documents:
            raise CorpusError(f"{folder}, {where}: the abstract of {columns[0]} is there twice; delete one")
        documents[columns[0]] = RawDocument(columns[0], f"{columns[1]} {columns[2]}", where)
    if not documents:
        raise CorpusError(f"{folder} has no abstract; add {folder}/abstracts.tsv")
    first = next(iter(documents.values()))
    for where, columns in _rows(folder, "entities", 6):
        if (document := documents.get(columns[0])) is None:
            first.unread.append((where, f"there is no abstract of {columns[0]}"))
            continue
        try:
            span = int(columns[3]), int(columns[4])
        except ValueError:
            document.unread.append((where, f"{columns[3]!r} to {columns[4]!r} are no offsets"))
            continue
        document.entities.append(RawEntity(columns[1], columns[2], (span,), columns[5], "", where))
    for where, columns in _rows(folder, "relations", 4):
        document = documents.get(columns[0])
        evaluated = _EVALUATED.get(columns[2].strip(), True)
        arguments = [one.partition(":")[2] or one for one in columns[-2:]]
        relation = RawRelation(columns[1], arguments[0], arguments[1], where, elsewhere=document is None)
        if evaluated:
            (document or first).relations.append(relation)
        else:
            (document or first).unread.append((where, f"{columns[1]} is marked as not judged"))
    return list(documents.values())


def _rows(folder: Path, kind: str, least: int) -> Iterator[tuple[str, list[str]]]:
    file = _table(folder, kind)
    assert file is not None
    try:
        lines = file.read_bytes().decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise CorpusError(f"{file}: not UTF-8 ({error}); save it as UTF-8") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        columns = line.rstrip("\r").split("\t")
        if len(columns) < least:
            raise CorpusError(f"{file}, line {number}: {len(columns)} columns instead of {least} or more")
        yield f"{file.name}, line {number}", columns
