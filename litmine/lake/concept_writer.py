"""Write the concept tables of a lake that are missing (`litmine.lake.concept_parts`)."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from litmine.errors import LakeError
from litmine.lake.articles import list_parts
from litmine.lake.checksums import seal_file
from litmine.lake.concept_parts import ConceptPart, concept_folder, list_concept_parts
from litmine.lake.duckdb_errors import report_damaged_files
from litmine.lake.file_writer import file_age, write_atomically
from litmine.lake.folders import delete_in, glob_files, is_file
from litmine.lake.lock import hold_lock
from litmine.lake.paths import LakePath
from litmine.lake.sql_text import escape_glob, schema_map, sql_string, unsealed_metadata
from litmine.lake.verified_files import CONCEPTS, FileVerifier
from litmine.lake.views import open_duckdb, run_interruptibly
from litmine.specs import ARTICLES

if TYPE_CHECKING:
    import duckdb

# Tables that are no longer needed stay this long, since another process may read them.
_GRACE_SECONDS = 6 * 3600
COLUMNS = ("identifier", "entity_type", "pmid", "text_hash", "mentions")
_READ = ("pmid", "text_hash", "entity_type", "identifier")
_NO_MENTIONS = (
    "SELECT NULL::BIGINT AS pmid, NULL::BIGINT AS text_hash, NULL::VARCHAR AS entity_type,"
    " NULL::VARCHAR AS identifier WHERE false"
)


def write_concept_parts(lake: LakePath) -> list[ConceptPart]:
    """Write the concept tables that are missing; delete those that were replaced some hours ago.

    Returns all tables. Raises LakeError for a damaged target or table, or if the folder cannot be written.
    """
    parts = list_concept_parts(lake)
    if missing := [part for part in parts if not is_file(part.file)]:
        with hold_lock(lake, "concepts", wait=True), report_damaged_files(lake), open_duckdb(lake) as connection:
            for part in missing:
                if not is_file(part.file):
                    _write(connection, part)
        _delete_old({part.file.name for part in parts}, concept_folder(lake) / "parts")
    FileVerifier(lake).verify(CONCEPTS, [part.file for part in parts])
    return parts


def write_heading_tables(lake: LakePath) -> list[Path]:
    """Write the tables of NLM's MeSH headings that are missing, and return all: one for each article part.

    They have the columns of concept tables, with `record_hash` for `text_hash`, since headings belong to records.
    Raises LakeError for a damaged part, or if the folder cannot be written.
    """
    folder = concept_folder(lake) / "headings"
    files = {folder / f"{part.stem}.parquet": part for part in list_parts(lake)}
    if missing := [file for file in files if not is_file(file)]:
        with hold_lock(lake, "concepts", wait=True), report_damaged_files(lake), open_duckdb(lake) as connection:
            for file in missing:
                columns = ("pmid", "record_hash", "deleted", "repeated", "mesh")
                reader = (
                    f"read_parquet({sql_string(escape_glob(files[file]))}, schema = {schema_map(ARTICLES, columns)})"
                )
                query = f"""
                    SELECT DISTINCT 'MESH:' || heading.ui AS identifier, '' AS entity_type, pmid, record_hash
                    FROM (
                        SELECT pmid, record_hash, unnest(mesh) AS heading FROM {reader}
                        WHERE NOT deleted AND NOT repeated
                    )
                    WHERE heading.ui IS NOT NULL ORDER BY pmid, record_hash, identifier"""
                _copy(connection, query, file)
        _delete_old({file.name for file in files}, folder)
    FileVerifier(lake).verify(CONCEPTS, files)
    return list(files)


def _mentions_query(rows: str, keys: str) -> str:
    """Count mentions by identifier and `keys`; each identifier of a composite mention counts.

    rows: SQL for a table with `identifier`, `entity_type` and the keys.
    """
    return f"""
    SELECT identifier, {keys}, min(entity_type) AS entity_type, count(*)::INTEGER AS mentions
    FROM (
        SELECT identifier, {keys}, entity_type FROM {rows}
        WHERE identifier IS NOT NULL AND NOT contains(identifier, '|')
        UNION ALL
        SELECT unnest(string_split(identifier, '|')), {keys}, entity_type FROM {rows} WHERE contains(identifier, '|')
    )
    GROUP BY identifier, {keys}"""


def _write(connection: "duckdb.DuckDBPyConnection", part: ConceptPart) -> None:
    selects = [_NO_MENTIONS]
    for table, file, types in part.sources:
        where = "" if types is None else f" WHERE entity_type IN ({', '.join(map(sql_string, types)) or 'NULL'})"
        reader = f"read_parquet({sql_string(escape_glob(file))}, schema = {schema_map(table, _READ)})"
        selects.append(f"SELECT {', '.join(_READ)} FROM {reader}{where}")
    counted = _mentions_query(f"({' UNION ALL '.join(selects)})", "pmid, text_hash")
    query = f"SELECT {', '.join(COLUMNS)} FROM ({counted}) ORDER BY pmid, text_hash, identifier"

    _copy(connection, query, part.file)


def _copy(connection: "duckdb.DuckDBPyConnection", query: str, file: Path) -> None:
    def write(temporary: Path) -> None:
        target = sql_string(str(temporary))
        run_interruptibly(
            connection,
            lambda: connection.execute(
                f"COPY ({query}) TO {target} (FORMAT parquet, COMPRESSION zstd, KV_METADATA {unsealed_metadata()})"
            ),
        )
        seal_file(temporary)

    write_atomically(file, write)


def _delete_old(names: set[str], folder: Path) -> None:
    with suppress(OSError, LakeError):
        for file in glob_files(folder, "*.parquet"):
            if file.name not in names and file_age(file) > _GRACE_SECONDS:
                delete_in(folder, file.name)
