"""`export`: the current articles and their mentions, in a form that other tools read."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import IO

from litmine.atomic_write import open_atomic
from litmine.errors import SettingError
from litmine.lake.documents import Selection, documents
from litmine.lake.lake import Lake
from litmine.lake.paths import PART_TASKS
from litmine.output import bioc
from litmine.output.document import Document
from litmine.output.jsonl import to_jsonl
from litmine.output.pubtator import to_pubtator

FORMATS = ("pubtator", "bioc", "jsonl")
_CHUNK = 1 << 20


@dataclass(slots=True)
class ExportResult:
    """What went out."""

    articles: int = 0
    mentions: int = 0


def export(lake: Lake, form: str, out: Path | IO[bytes], selection: Selection | None = None) -> ExportResult:
    """Write the selection (every current article, the active models' mentions) as one of FORMATS, in order of PMID.

    A path is a file outside the lake, whole under its name or not there. Memory does not grow with the lake, and equal
    lakes give equal bytes. Raises SettingError for another format or a file inside the lake, LitmineError when the
    file cannot be written, QueryError for a bad condition, LakeError when the lake is damaged.
    """
    if form not in FORMATS:
        raise SettingError(f"no format {form!r}; say one of {', '.join(FORMATS)}")
    if isinstance(out, Path):
        lake.keep_out(out)
        with open_atomic(out) as stream:
            return export(lake, form, stream, selection)
    exported, selection = ExportResult(), selection or Selection()
    if form == "jsonl":
        selection = replace(selection, tables=_more_tables(lake))
    with closing(documents(lake, selection)) as selected:
        _write(out, _pieces(lake, form, _counted(selected, exported)))
    return exported


def _more_tables(lake: Lake) -> tuple[str, ...]:
    """The tables of further tasks that have active models and go out with an article."""
    active = {one.task for one in lake.active()}
    return tuple(table for table, spec in PART_TASKS.items() if spec.export and spec.name in active)


def _pieces(lake: Lake, form: str, selected: Iterable[Document]) -> Iterator[str]:
    if form != "bioc":
        write: Callable[[Document], str] = to_pubtator if form == "pubtator" else to_jsonl
        yield from map(write, selected)
        return
    # The lake's date and not today's, so that an export that changes nothing changes no byte.
    ((written,),) = lake.rows("SELECT max(finished) FROM runs")
    yield bioc.collection_header(f"{written:%Y%m%d}" if isinstance(written, datetime) else "")
    for number, document in enumerate(selected):
        yield f"{bioc.DOCUMENT_SEPARATOR if number else ''}{bioc.to_bioc(document)}"
    yield bioc.COLLECTION_END


def _counted(selected: Iterable[Document], exported: ExportResult) -> Iterator[Document]:
    for document in selected:
        exported.articles += 1
        exported.mentions += len(document.mentions)
        yield document


def _write(out: IO[bytes], pieces: Iterable[str]) -> None:
    """Write the pieces, a good many at a time."""
    waiting: list[str] = []
    size = 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= _CHUNK:
            out.write("".join(waiting).encode())
            waiting, size = [], 0
    out.write("".join(waiting).encode())
