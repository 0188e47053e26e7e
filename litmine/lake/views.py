"""The SQL views of a lake: in an in-memory DuckDB connection, and in the catalogue file `lake.duckdb`.

`schemas/*.sql` define the views as templates, which `litmine.lake.view_templates` fills in.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from litmine.lake.duckdb_connection import connect_duckdb, is_duckdb_file
from litmine.lake.file_writer import file_write_error, write_atomically
from litmine.lake.lake_cache import read_cached_json, write_cached_json
from litmine.lake.listed_files import ListedFiles
from litmine.lake.listing import live_files_by_table
from litmine.lake.live_file_query import LiveFileQuery
from litmine.lake.object_store import ObjectPath
from litmine.lake.paths import CATALOGUE, PART_TASKS, LakePath
from litmine.lake.query_limits import QueryLimits
from litmine.lake.view_definitions import ACTIVE_MODELS, view_statements
from litmine.lake.view_templates import fill_template
from litmine.specs import ARTICLES

if TYPE_CHECKING:
    import duckdb

# The start of the names of the views that show the rows of all models.
_ALL_MODELS = "all_"
# The comment on this view of the catalogue is the catalogue's fingerprint.
_FINGERPRINT_VIEW = "article_versions"
# Catalogues that this process has written or found current: the file's identity and the SQL that made it.
_checked_catalogues: dict[Path, tuple[list[int] | None, str]] = {}
# The cache with the identity of the catalogue that a process has found current; opening it takes a tenth of a second.
_CHECKED = "catalogue"


def connect(lake: LakePath, names: Collection[str] | None = None) -> "duckdb.DuckDBPyConnection":
    """Open an in-memory DuckDB with the lake's views over the files that are live now. Timestamps are in UTC.

    names: only these views and those that they read; None for all. Raises duckdb.Error for a damaged file, LakeError
    for a damaged merge note or footer.
    """
    connection = open_duckdb(lake)
    create_views(connection, lake, names)
    return connection


def open_duckdb(lake: LakePath | None = None, limits: QueryLimits | None = None) -> "duckdb.DuckDBPyConnection":
    """Open an in-memory DuckDB that can read a lake's files, within limits. It draws no progress bar on stdout.

    Raises SettingError as `limit_connection`.
    """
    connection = connect_duckdb(limits=limits)
    connection.execute("SET enable_progress_bar = false")
    if isinstance(lake, ObjectPath):
        # Imported here because only lakes in an object store need fsspec.
        from litmine.lake.object_reader import ReadOnlyFileSystem

        connection.register_filesystem(ReadOnlyFileSystem(lake))
    return connection


def create_views(
    connection: "duckdb.DuckDBPyConnection",
    lake: LakePath,
    names: Collection[str] | None = None,
    verifies_parts: bool = True,
) -> ListedFiles:
    """Create the lake's views in a connection: all, or those named and the views that they read. Returns their source.

    verifies_parts: as `ListedFiles`. Raises the same errors as `connect`.
    """
    # For the cursors of the connection too.
    connection.execute("SET GLOBAL TimeZone = 'UTC'")
    source = ListedFiles(connection, lake, live_files_by_table(lake), verifies_parts)
    _create_views(connection, source, names)
    return source


def narrow_views(
    connection: "duckdb.DuckDBPyConnection",
    lake: LakePath,
    whole: ListedFiles,
    names: Collection[str],
    files: Mapping[str, Sequence[LakePath]],
    parts: Collection[LakePath],
) -> "duckdb.DuckDBPyConnection":
    """A cursor of a connection with all views, in which those named read some article parts only.

    They are temporary views of the cursor, so the connection keeps its own. whole: the source of those. files: the live
    ones by table. parts: the article parts that are read, with what models found in them. Raises the same errors as
    `connect`.
    """
    cursor = connection.cursor()
    try:
        kept = _files_of_parts(files, {part.stem for part in parts})
        _create_views(cursor, ListedFiles(cursor, lake, kept, whole=whole), names, is_temporary=True)
    except BaseException:
        cursor.close()
        raise
    return cursor


def _create_views(
    connection: "duckdb.DuckDBPyConnection",
    source: ListedFiles,
    names: Collection[str] | None,
    is_temporary: bool = False,
) -> None:
    def create() -> None:
        # One after the other, because how a view reads its tables may depend on the rows of an earlier one.
        statements = view_statements(names, with_macros=not is_temporary)
        for statement in statements:
            sql = fill_template(statement, source)
            connection.execute(sql.replace("\nCREATE VIEW", "\nCREATE TEMP VIEW", 1) if is_temporary else sql)
        knows_active = any(f"VIEW {ACTIVE_MODELS} AS" in statement for statement in statements)
        shows_all = names is None or any(name.startswith(_ALL_MODELS) for name in names)
        source.verify_results(all_models=shows_all or not knows_active)

    run_interruptibly(connection, create)


def _files_of_parts(files: Mapping[str, Sequence[LakePath]], parts: Collection[str]) -> dict[str, list[LakePath]]:
    """The files by table, without those of other article parts; tables that are not read by part stay whole."""
    by_part = {ARTICLES, *PART_TASKS}
    return {
        table: [file for file in found if table not in by_part or file.stem in parts] for table, found in files.items()
    }


def run_interruptibly(connection: "duckdb.DuckDBPyConnection", call: Callable[[], Any]) -> Any:
    """Run `call` so that Ctrl-C interrupts it, and return its result.

    DuckDB may miss Ctrl-C when it runs on the main thread, so the call runs on another one.
    """
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(call)
        try:
            return running.result()
        except KeyboardInterrupt:
            connection.interrupt()
            raise


def write_catalogue(lake: LakePath) -> bool:
    """Write `lake.duckdb` unless it matches the lake's path and the current views; return whether it was written.

    The new file replaces the old one in one step, so a tool that has the old one open can continue to use it. A lake
    in an object store has no catalogue. Raises LakeError when the file cannot be written.
    """
    if isinstance(lake, ObjectPath):
        return False
    path, sql = lake / CATALOGUE, catalogue_sql(lake)
    identity, digest = _file_identity(path), blake2b(sql.encode(), digest_size=16).hexdigest()
    if identity is not None:
        if _checked_catalogues.get(path) == (identity, sql) or read_cached_json(lake, _CHECKED, digest) == identity:
            return False
        if catalogue_is_current(lake):
            _checked_catalogues[path] = identity, sql
            write_cached_json(lake, _CHECKED, digest, identity)
            return False

    def build(temporary: Path) -> None:
        import duckdb

        try:
            build_catalogue(temporary, sql)
        except duckdb.Error as error:
            raise file_write_error(path, OSError(" ".join(str(error).split()))) from error
        finally:
            temporary.with_name(f"{temporary.name}.wal").unlink(missing_ok=True)
        _checked_catalogues[path] = _file_identity(temporary), sql

    return write_atomically(path, build)


def build_catalogue(file: Path, sql: str) -> None:
    """Write a database file with the views that `sql` creates, and with their fingerprint. Raises duckdb.Error."""
    with connect_duckdb(file) as catalogue:
        run_interruptibly(catalogue, lambda: catalogue.execute(sql))
        fingerprint = _fingerprint(sql, catalogue)
        # Without the checkpoint, the views could remain in the write-ahead log when the disk is full.
        catalogue.execute(f"COMMENT ON VIEW {_FINGERPRINT_VIEW} IS '{fingerprint}'; CHECKPOINT")


def catalogue_is_current(lake: LakePath) -> bool:
    """Whether `lake.duckdb` has the views of this version of litmine at the lake's current path.

    False when it is no DuckDB file, or another tool has it locked; True for a lake in an object store, which has no
    catalogue.
    """
    if isinstance(lake, ObjectPath):
        return True
    import duckdb

    if not is_duckdb_file(lake / CATALOGUE):
        return False
    try:
        with connect_duckdb(lake / CATALOGUE, read_only=True) as catalogue:
            comment = catalogue.execute(
                "SELECT comment FROM duckdb_views() WHERE view_name = $1", [_FINGERPRINT_VIEW]
            ).fetchall()
            return comment == [(_fingerprint(catalogue_sql(lake), catalogue),)]
    except duckdb.Error:
        return False


def catalogue_sql(lake: LakePath) -> str:
    """The CREATE VIEW statements of the catalogue. Its views find the lake's live files whenever they are queried."""
    assert isinstance(lake, Path)
    return fill_template("\n".join(view_statements()), LiveFileQuery(lake))


def _file_identity(file: Path) -> list[int] | None:
    """Inode, size and modification time, which change when the file is replaced; None if it does not exist."""
    try:
        stat = file.lstat()
    except OSError:
        return None
    return [stat.st_ino, stat.st_size, stat.st_mtime_ns]


def _fingerprint(sql: str, catalogue: "duckdb.DuckDBPyConnection") -> str:
    """A digest of the SQL that made a catalogue and of the views that it has now.

    Comparing it is much cheaper than creating the views again, which takes a large part of a short command's time.
    """
    views = catalogue.execute("SELECT view_name, sql FROM duckdb_views() WHERE NOT internal ORDER BY ALL").fetchall()
    return blake2b(repr((sql, views)).encode(), digest_size=16).hexdigest()
