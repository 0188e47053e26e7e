"""Targets: what one model made of one article part. The file exists = the work is done."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from litmine.errors import SchemaError
from litmine.lake.articles import NewTexts
from litmine.lake.file_writer import write_bytes
from litmine.lake.parquet import EMPTY, encode, read, read_footer, reading
from litmine.lake.paths import PART_TASKS, Place, file_pattern, folder_name, parse_folder
from litmine.schema import arrow_schema

# A row of a target, its columns in the order of the table: pmid and text_hash are the first two.
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True, order=True)
class TargetSet:
    """The targets of one model, one file an article part: entities/model=builtin@0123456789ab.

    `model` is name@digest. `inputs` says which other targets these are made of (`inputs_key`); empty where they are
    made of articles alone.
    """

    table: str
    model: str
    inputs: str = ""

    def __str__(self) -> str:
        return folder_name(self.table, self.model, self.inputs)

    def folder(self, lake: Place) -> Place:
        return lake / str(self)

    def target(self, lake: Place, part: str) -> Place:
        """Where the target for the part of that name belongs."""
        return self.folder(lake) / f"{part}.parquet"

    def done(self, lake: Place) -> set[str]:
        """The names of the parts that have a target."""
        return {path.stem for path in self.folder(lake).glob("*.parquet") if path.name != EMPTY}


@dataclass(frozen=True, slots=True, order=True)
class Input:
    """What a target of another task is made of: a set of targets, and which of its rows.

    `types` are values of the column that the task's active models share out (`TaskSpec.shared`); None for all rows.
    """

    targets: TargetSet
    types: tuple[str, ...] | None = None


def inputs_key(inputs: Sequence[Input]) -> str:
    """The name of some inputs in a path: the model where there is one that is made of articles alone, else a digest."""
    if not inputs:
        return ""
    first = inputs[0]
    if len(inputs) == 1 and first.types is None and not first.targets.inputs:
        return first.targets.model
    told = sorted((str(one.targets), list(one.types) if one.types is not None else None) for one in inputs)
    return blake2b(repr(told).encode(), digest_size=6).hexdigest()


@dataclass(frozen=True, slots=True)
class FailedText:
    """A text that the model could not read, and why."""

    pmid: int
    text_hash: int
    why: str


@dataclass(frozen=True, slots=True)
class TargetFooter:
    """What a target's file says about its making: `texts` counts the failed ones too, `seconds` is wall time.

    `inputs` are the target sets that it is made of beside the articles, as folders of the lake.
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
class Upstream:
    """What one input says of a part's texts.

    `rows` has the columns of the input's table, text after text as the part has them; those of text i are rows
    `edges[i]` to `edges[i + 1]`. `failed` says of a text, by its number, why it could not be read there.
    """

    rows: pa.Table
    edges: Sequence[int]
    failed: Mapping[int, str]

    def of_texts(self) -> Iterator[list[dict[str, Any]]]:
        """The rows of each text."""
        rows = self.rows.to_pylist()
        return (rows[first:after] for first, after in pairwise(self.edges))


def target_sets(lake: Place, tables: Sequence[str] = tuple(PART_TASKS)) -> list[TargetSet]:
    """The sets of targets in a lake that have at least one file, in the order of the tables."""
    found: list[TargetSet] = []
    for table in tables:
        paths = (lake / table).glob(file_pattern(table))
        folders = {str(path.parent).removeprefix(f"{lake}/") for path in paths if path.name != EMPTY}
        found += [TargetSet(*parse_folder(folder)) for folder in sorted(folders)]
    return found


def read_upstream(lake: Place, one: Input, part: str, texts: NewTexts) -> Upstream:
    """What an input says of the texts of a part. Raises LakeError when the target is damaged or not there."""
    path = one.targets.target(lake, part)
    footer = read_footer(path)
    table = one.targets.table
    rows = read(path, arrow_schema(table).names)
    with reading(path):
        if one.types is not None:
            shared = PART_TASKS[table].shared
            rows = rows.filter(pc.is_in(rows.column(shared), value_set=pa.array(one.types)))
        number = {key: i for i, key in enumerate(zip(texts.pmids, texts.text_hashes, strict=True))}
        keys = zip(rows.column("pmid").to_pylist(), rows.column("text_hash").to_pylist(), strict=True)
        of = np.array([number[key] for key in keys], dtype=np.int64)
        order = np.argsort(of, kind="stable")
        edges = np.searchsorted(of[order], np.arange(len(texts) + 1)).tolist()
        failed = {number[text["pmid"], text["text_hash"]]: str(text["why"]) for text in footer["failed"]}
    return Upstream(rows.take(order), edges, failed)


def write_target(
    lake: Place, targets: TargetSet, part: str, texts: NewTexts, rows: Sequence[Row], footer: TargetFooter
) -> bool:
    """Write a target, whole and only if it is absent; returns whether it was written.

    Raises SchemaError, naming the first row at fault, when a row is of a text that the part does not hold or that
    failed, its offsets do not hold, or its score is no probability; and when texts and footer do not fit together.
    Raises LakeError when the file cannot be written.
    """
    if (footer.model, footer.part) != (targets.model, part):
        raise SchemaError(f"the target of {targets.model} for {part} has a footer of {footer.model} for {footer.part}")
    known = dict(zip(zip(texts.pmids, texts.text_hashes, strict=True), texts.texts, strict=True))
    failed = {(text.pmid, text.text_hash) for text in footer.failed}
    if footer.texts != len(texts) or not failed <= known.keys():
        raise SchemaError(
            f"{part}: {len(texts)} texts and a footer of {footer.texts}, {len(failed)} failed, do not fit together"
        )
    _check(targets.table, rows, known, failed)
    schema = arrow_schema(targets.table)
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(schema)
    try:
        arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise SchemaError(
            f"the target of {targets.model} for {part} has a value that is not as declared: {error}"
        ) from error
    data = encode(targets.table, pa.Table.from_arrays(arrays, schema=schema), asdict(footer))
    return write_bytes(targets.target(lake, part), data, exclusive=True)


def _check(table: str, rows: Sequence[Row], known: Mapping[tuple[int, int], str], failed: set[tuple[int, int]]) -> None:
    names = arrow_schema(table).names
    quotes = [tuple(map(names.index, columns)) for columns in PART_TASKS[table].quotes]
    score = names.index("score") if "score" in names else None
    for row in rows:
        text = known.get(row[:2])
        if text is None or row[:2] in failed:
            raise SchemaError(f"PMID {row[0]}: {table} has a row of a text that the part does not hold, or that failed")
        for start, end, quote in quotes:
            check_quote(row[0], text, row[start], row[end], row[quote])
        if score is not None and not (math.isfinite(row[score]) and 0 <= row[score] <= 1):
            raise SchemaError(f"PMID {row[0]}: {row[2:]} has the score {row[score]}, which is no probability")


def check_quote(pmid: int, text: str, start: int | None, end: int | None, quote: str | None) -> None:
    """Raise SchemaError unless `quote` is what the text has from start to end; all three may be None together."""
    if start is None and end is None and quote is None:
        return
    if start is None or end is None or not 0 <= start < end <= len(text):
        raise SchemaError(f"PMID {pmid}: {quote!r} stands at {start}:{end}, outside a text of {len(text)}")
    if text[start:end] != quote:
        raise SchemaError(f"PMID {pmid}: {quote!r} stands at {start}:{end}, where the text has {text[start:end]!r}")
