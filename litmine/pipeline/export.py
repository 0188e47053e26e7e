"""`export`: write articles and their entities in formats that annotation tools read."""

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import IO

from litmine.atomic_write import open_atomic, require_outside_lakes
from litmine.errors import SettingError
from litmine.lake.documents import DocumentSelection, read_documents
from litmine.lake.lake import Lake
from litmine.lake.paths import PART_TASKS
from litmine.output import bioc
from litmine.output.document import Document
from litmine.output.jsonl import to_jsonl
from litmine.output.pubtator import to_pubtator
from litmine.output.relations import RELATIONS, identifier_relations, left_out_relations
from litmine.pipeline.choose_models import check_types
from litmine.pipeline.count_format import format_count

FORMATS = ("pubtator", "bioc", "jsonl")
_CHUNK_CHARS = 1 << 20


@dataclass(slots=True)
class ExportResult:
    """How many articles, mentions and relations were exported, and relations left out for want of their mentions."""

    articles: int = 0
    mentions: int = 0
    relations: int = 0
    left_out: int = 0

    def summary(self) -> str:
        """`102 articles with 1,234 entities and 56 relations`."""
        entities = f" with {format_count(self.mentions, 'entities')}" if self.mentions else ""
        relations = f" and {format_count(self.relations, 'relations')}" if self.relations else ""
        return f"{format_count(self.articles, 'articles')}{entities}{relations}"

    def notes(self) -> list[str]:
        """What a reader of the file should know about it."""
        left_out = f"{format_count(self.left_out, 'relations')} left out, because the file lacks their mentions"
        return [f"{left_out}: those of another model, or of a type that was not chosen"] if self.left_out else []


def export(lake: Lake, form: str, out: Path | IO[bytes], selection: DocumentSelection | None = None) -> ExportResult:
    """Write articles and their mentions in one of FORMATS, in order of PMID.

    The default selection is every current article with the mentions of the active models. A file at `out` appears only
    when it is complete, and must be outside the lake. Memory use does not grow with the lake. Equal lakes give equal
    bytes.

    Raises SettingError for an unknown format or a file inside the lake, UnknownTypeError for a type that no model
    finds, LitmineError when the file cannot be written, QueryError for an invalid condition, and LakeError when the
    lake is damaged.
    """
    if form not in FORMATS:
        raise SettingError(f"unknown format {form!r}; choose one of {', '.join(FORMATS)}")
    if selection is not None and selection.entity_types is not None:
        models = None if selection.models is None else list(selection.models)
        check_types(lake, selection.entity_types, models)
    if isinstance(out, Path):
        require_outside_lakes(out, lake.location)
        with open_atomic(out) as stream:
            return export(lake, form, stream, selection)
    result, selection = ExportResult(), selection or DocumentSelection()
    tables = _exported_tables(lake)
    if form == "jsonl":
        selection = replace(selection, tables=tables, whole_records=True)
    else:
        selection = replace(selection, tables=tuple(table for table in tables if table == RELATIONS))
    with closing(read_documents(lake, selection)) as selected:
        _write(out, _formatted(lake, form, _counted(selected, form, result)))
    return result


def export_notes(lake: Lake, models: Collection[str] | None = None) -> list[str]:
    """What a reader of the export should know: nothing was annotated, or a model (None: the active) missed texts."""
    if models is None and not any(model.task == "ner" for model in lake.active_models()):
        if any(targets.table == "entities" for targets in lake.target_sets()):
            return ["no model that finds entities has read the whole lake yet; run `litmine annotate` again"]
        return ["no model that finds entities has read this lake; run `litmine annotate` to have entities in it"]
    return [sentence for model, sentence in lake.coverage_warnings() if models is None or model in models]


def _exported_tables(lake: Lake) -> tuple[str, ...]:
    """The tables beside entities that JSON lines include: of tasks with an export view and active models."""
    active = {model.task for model in lake.active_models()}
    return tuple(table for table, spec in PART_TASKS.items() if spec.export and spec.name in active)


def _formatted(lake: Lake, form: str, selected: Iterable[Document]) -> Iterator[str]:
    if form != "bioc":
        write: Callable[[Document], str] = to_pubtator if form == "pubtator" else to_jsonl
        yield from map(write, selected)
        return
    # The date of the latest run and not today's date, so that equal lakes give equal bytes.
    ((written,),) = lake.rows("SELECT max(finished) FROM runs")
    yield bioc.collection_header(f"{written:%Y%m%d}" if isinstance(written, datetime) else "")
    for number, document in enumerate(selected):
        yield f"{bioc.DOCUMENT_SEPARATOR if number else ''}{bioc.to_bioc(document)}"
    yield bioc.COLLECTION_END


def _counted(selected: Iterable[Document], form: str, result: ExportResult) -> Iterator[Document]:
    for document in selected:
        result.articles += 1
        result.mentions += len(document.mentions)
        left_out = 0 if form == "jsonl" else left_out_relations(document)
        result.left_out += left_out
        if form == "pubtator":
            result.relations += len(identifier_relations(document))
        else:
            result.relations += len(document.more.get(RELATIONS, ())) - left_out
        yield document


def _write(out: IO[bytes], texts: Iterable[str]) -> None:
    """Write the texts, joined to chunks because an article alone is small."""
    chunk: list[str] = []
    size = 0
    for text in texts:
        chunk.append(text)
        size += len(text)
        if size >= _CHUNK_CHARS:
            out.write("".join(chunk).encode())
            chunk, size = [], 0
    out.write("".join(chunk).encode())
