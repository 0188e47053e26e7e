"""The copies of term lists in a lake: a file `terms/<name@digest>.parquet` for each list, never changed.

So a list reads new texts without its file, workers on other machines find it, and a copied lake has its lists. The file
also marks its model as a term list, which is active beside other models (`litmine.lake.active_models`).
"""

from collections.abc import Sequence
from urllib.parse import unquote

import pyarrow as pa

from litmine.lake.file_writer import write_bytes
from litmine.lake.folders import glob_files
from litmine.lake.parquet import SCHEMA_FILE, encode_parquet, read_table, report_read_errors
from litmine.lake.paths import TERMS, LakePath, term_list_path
from litmine.schema import arrow_schema
from litmine.text.term_matcher import Term


def list_term_lists(lake: LakePath) -> dict[str, LakePath]:
    """The file of each term list in a lake, by name@digest."""
    files = sorted(file for file in glob_files(lake / TERMS, "*.parquet") if file.name != SCHEMA_FILE)
    return {list_model(file): file for file in files}


def is_term_list(lake: LakePath, model: str) -> bool:
    """Whether a model, name@digest, is a term list of which the lake has a copy."""
    return term_list_path(lake, model).exists()


def list_model(file: LakePath) -> str:
    """The name@digest of the list in a file of a lake."""
    return unquote(file.stem)


def save_term_list(lake: LakePath, model: str, terms: Sequence[Term]) -> LakePath:
    """Copy a list into a lake, unless it is there, and return its file. Raises LakeError if it cannot be written."""
    file = term_list_path(lake, model)
    if not file.exists():
        columns = [
            [model] * len(terms),
            [term.name for term in terms],
            [term.entity_type for term in terms],
            [term.identifier or None for term in terms],
        ]
        schema = arrow_schema(TERMS)
        arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
        rows = pa.Table.from_arrays(arrays, schema=schema)
        write_bytes(file, encode_parquet(TERMS, rows), exclusive=True)
    return file


def read_terms(file: LakePath) -> tuple[Term, ...]:
    """The terms in a list's file. Raises LakeError if it is damaged or missing."""
    rows = read_table(file, ["name", "entity_type", "identifier"])
    with report_read_errors(file):
        columns = [rows.column(name).to_pylist() for name in rows.column_names]
    return tuple(Term(name, kind, identifier or "") for name, kind, identifier in zip(*columns, strict=True))
