"""Targets: the rows that one model made from one article part. If the file exists, the work is done."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from litmine.errors import SchemaError
from litmine.lake.articles import NewTexts
from litmine.lake.file_writer import write_bytes
from litmine.lake.folders import glob_files
from litmine.lake.parquet import SCHEMA_FILE, encode_parquet, read_footer, read_table, report_read_errors
from litmine.lake.paths import PART_TASKS, LakePath, file_pattern, folder_name, parse_folder_name
from litmine.schema import arrow_schema
from litmine.specs import type_column_of

# A row of a target, in the columns of its table. The first two are pmid and text_hash.
TargetRow = tuple[Any, ...]


@dataclass(frozen=True, slots=True, order=True)
class TargetSet:
    """The targets of one model, one file per article part, in a folder such as entities/model=builtin@0123456789ab.

    model: name@digest. inputs: the `inputs_key` of the targets of other tasks from which these targets are made; empty
    if they are made from articles only.
    """

    table: str
    model: str
    inputs: str = ""

    def __str__(self) -> str:
        return folder_name(self.table, self.model, self.inputs)

    def folder(self, lake: LakePath) -> LakePath:
        return lake / str(self)

    def target_path(self, lake: LakePath, part: str) -> LakePath:
        """The path of the target of a part."""
        return self.folder(lake) / f"{part}.parquet"

    def finished_parts(self, lake: LakePath) -> set[str]:
        """The names of the parts that have a target."""
        return {path.stem for path in glob_files(self.folder(lake), "*.parquet") if path.name != SCHEMA_FILE}


@dataclass(frozen=True, slots=True, order=True)
class TargetInput:
    """The targets of another task from which a target is made, and which of their rows it uses.

    types: the target uses only rows with these values in the type column (`litmine.specs.type_column_of`), because each
    type is read from one active model; None for all rows.
    """

    targets: TargetSet
    types: tuple[str, ...] | None = None


def inputs_key(inputs: Sequence[TargetInput]) -> str:
    """The key of some inputs, for a path. It does not depend on their order.

    The key is the model if the only input is all rows of a model that reads articles only; otherwise it is a digest.
    """
    if not inputs:
        return ""
    first = inputs[0]
    if len(inputs) == 1 and first.types is None and not first.targets.inputs:
        return first.targets.model
    content = sorted((str(item.targets), None if item.types is None else list(item.types)) for item in inputs)
    return blake2b(repr(content).encode(), digest_size=6).hexdigest()


@dataclass(frozen=True, slots=True)
class FailedText:
    """A text that the model could not read, and the reason."""

    pmid: int
    text_hash: int
    why: str


@dataclass(frozen=True, slots=True)
class TargetFooter:
    """The footer of a target file: how it was made.

    texts: number of texts, failed ones included. seconds: wall time. inputs: the target sets of other tasks that it was
    made from, as folders of the lake.
    """

    model: str
    part: str
    texts: int
    failed: Sequence[FailedText]
    device: str
    precision: str
    seconds: float
    tokens: int
    versions: Mapping[str, str]
    inputs: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class UpstreamRows:
    """The rows that one input holds for the texts of a part.

    rows: in the columns of the input's table, grouped by text in the order of the part. edges: row boundaries; text i
    has the rows from `edges[i]` up to `edges[i + 1]`, exclusive. failed: maps the position of a text that the input's
    model could not read to the reason.
    """

    rows: pa.Table
    edges: Sequence[int]
    failed: Mapping[int, str]

    def rows_by_text(self) -> Iterator[list[dict[str, Any]]]:
        """The rows of each text, in the order of the part."""
        rows = self.rows.to_pylist()
        return (rows[start:end] for start, end in pairwise(self.edges))


def list_target_sets(lake: LakePath, tables: Sequence[str] = tuple(PART_TASKS)) -> list[TargetSet]:
    """The target sets of a lake that have at least one file, in the order of the tables."""
    found: list[TargetSet] = []
    for table in tables:
        paths = glob_files(lake / table, file_pattern(table))
        folders = {str(path.parent).removeprefix(f"{lake}/") for path in paths if path.name != SCHEMA_FILE}
        found += [TargetSet(*parse_folder_name(folder)) for folder in sorted(folders)]
    return found


def read_upstream(lake: LakePath, source: TargetInput, part: str, texts: NewTexts) -> UpstreamRows:
    """Read an input's rows for the texts of a part. Raises LakeError if the target is missing or damaged."""
    import pyarrow.compute as pc

    path = source.targets.target_path(lake, part)
    footer = read_footer(path)
    table = source.targets.table
    rows = read_table(path, arrow_schema(table).names)
    with report_read_errors(path):
        if source.types is not None:
            rows = rows.filter(pc.is_in(rows.column(type_column_of(table)), value_set=pa.array(source.types)))
        positions = {key: i for i, key in enumerate(zip(texts.pmids, texts.text_hashes, strict=True))}
        keys = zip(rows.column("pmid").to_pylist(), rows.column("text_hash").to_pylist(), strict=True)
        row_texts = np.array([positions[key] for key in keys], dtype=np.int64)
        order = np.argsort(row_texts, kind="stable")
        edges = np.searchsorted(row_texts[order], np.arange(len(texts) + 1)).tolist()
        failed = {positions[text["pmid"], text["text_hash"]]: str(text["why"]) for text in footer["failed"]}
    return UpstreamRows(rows.take(order), edges, failed)


def write_target(
    lake: LakePath, targets: TargetSet, part: str, texts: NewTexts, rows: Sequence[TargetRow], footer: TargetFooter
) -> bool:
    """Write a target unless its file exists. Returns whether it was written.

    Raises SchemaError, naming the first bad row, if a row belongs to a text that the part does not hold or that failed,
    if its offsets do not match its text, or if its score is not a probability; also if the footer does not match the
    texts. Raises LakeError if the file cannot be written.
    """
    if (footer.model, footer.part) != (targets.model, part):
        raise SchemaError(
            f"the target of {targets.model} for {part} has the footer of {footer.model} for {footer.part}"
        )
    text_of = dict(zip(zip(texts.pmids, texts.text_hashes, strict=True), texts.texts, strict=True))
    failed = {(text.pmid, text.text_hash) for text in footer.failed}
    if footer.texts != len(texts) or not failed <= text_of.keys():
        raise SchemaError(
            f"{part} has {len(texts)} texts, but the footer of its target counts {footer.texts}, {len(failed)} failed"
        )
    _check_rows(targets.table, rows, text_of, failed)
    schema = arrow_schema(targets.table)
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(schema)
    try:
        arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise SchemaError(f"the target of {targets.model} for {part} has a value of the wrong type: {error}") from error
    data = encode_parquet(targets.table, pa.Table.from_arrays(arrays, schema=schema), asdict(footer))
    return write_bytes(targets.target_path(lake, part), data, exclusive=True)


def _check_rows(
    table: str, rows: Sequence[TargetRow], text_of: Mapping[tuple[int, int], str], failed: set[tuple[int, int]]
) -> None:
    names = arrow_schema(table).names
    quotes = [tuple(map(names.index, columns)) for columns in PART_TASKS[table].quotes]
    score = names.index("score") if "score" in names else None
    for row in rows:
        text = text_of.get(row[:2])
        if text is None or row[:2] in failed:
            raise SchemaError(
                f"PMID {row[0]}: {table} has a row for a text that the part does not hold or that could not be read"
            )
        for start, end, quote in quotes:
            check_quote(row[0], text, row[start], row[end], row[quote])
        if score is not None and not (math.isfinite(row[score]) and 0 <= row[score] <= 1):
            raise SchemaError(f"PMID {row[0]}: {row[2:]} has the score {row[score]}, which is not a probability")


def check_quote(pmid: int, text: str, start: int | None, end: int | None, quote: str | None) -> None:
    """Raise SchemaError unless `text[start:end] == quote`. All three may be None together."""
    if start is None and end is None and quote is None:
        return
    if start is None or end is None or not 0 <= start < end <= len(text):
        raise SchemaError(f"PMID {pmid}: {quote!r} is at {start}:{end}, outside its text (length {len(text)})")
    if text[start:end] != quote:
        raise SchemaError(f"PMID {pmid}: {quote!r} is at {start}:{end}, but the text there is {text[start:end]!r}")
