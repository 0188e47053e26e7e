"""Bring a lake's search index up to date: delete and add the articles that changed, in rounds.

Each round first marks its PMIDs as uncertain in the state file, then commits to the index, then records the documents
that it added. A process can therefore be killed at any time: the next update repeats that round, so that no document is
indexed twice and none remains that should be deleted.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from litmine.errors import LakeError
from litmine.lake.compaction import original_part_names
from litmine.lake.duckdb_errors import report_damaged_files, verify_parquet
from litmine.lake.file_writer import file_write_error, make_folder
from litmine.lake.folders import delete_in, glob_folders
from litmine.lake.lake import Lake
from litmine.lake.sql_text import escape_glob, sql_string
from litmine.lake.views import connect, run_interruptibly
from litmine.search.index_state import (
    IndexState,
    open_index,
    parts_digest,
    read_state,
    search_folder,
    state_file,
    write_state,
)
from litmine.search.terms import create_index

if TYPE_CHECKING:
    import duckdb
    import tantivy

# BM25 statistics include deleted documents until tantivy merges their segment, and tantivy decides when. Rebuilding a
# small index takes only seconds, so it is rebuilt after any deletion. A larger index is rebuilt when more than this
# share of its documents is deleted.
SMALL_INDEX = 20_000
MAX_DELETED_SHARE = 0.01
ROUND_SIZE = 1_000_000
_BATCH_ROWS = 1_000
_WRITER_HEAP_BYTES = 256 << 20
_DUCKDB_MEMORY = "2GiB"
_MAX_THREADS = 4
_INDEX_PREFIX, _SPILL_PREFIX = "bm25-", "spill-"
# The indexed documents that the current round does not change.
_UNCHANGED = "SELECT pmid, text_hash FROM indexed ANTI JOIN round USING (pmid)"


def update_index(lake: Lake) -> None:
    """Update the lake's index, or rebuild it. The caller must hold the lock `search`.

    Raises LakeError when the lake is damaged or its folder `search` cannot be written.
    """
    folder = search_folder(lake.location)

    def search_folder_error(message: str) -> LakeError:
        return file_write_error(folder, OSError(" ".join(message.split())))

    try:
        with report_damaged_files(lake.location, search_folder_error, (OSError,)):
            make_folder(folder)
            _delete_folders(folder, _SPILL_PREFIX)
            # Parts that arrive during the update may be indexed too, but the state does not include them.
            parts, written = parts_digest(lake.parts()), parts_digest(original_part_names(lake.location))
            with connect(lake.location, ["article_versions", "current_versions"]) as connection:
                _IndexUpdate(lake, connection, parts, written).run()
    # Tantivy raises ValueError.
    except ValueError as error:
        raise search_folder_error(str(error)) from error


class _IndexUpdate:
    """One update of an index, through a connection that has the lake's views."""

    def __init__(self, lake: Lake, connection: "duckdb.DuckDBPyConnection", parts: str, written: str) -> None:
        self._lake = lake.location
        self._folder = search_folder(lake.location)
        self._connection = connection
        self._parts, self._written = parts, written
        self._index_name = ""

    def run(self) -> None:
        self._execute(f"SET memory_limit = '{_DUCKDB_MEMORY}'")
        self._execute(f"SET temp_directory = {sql_string(str(self._folder / (_SPILL_PREFIX + uuid4().hex)))}")
        index = self._open_existing()
        if index is not None:
            self._find_changes()
            if self._needs_rebuild(index):
                index = None
        if index is None:
            index = self._start_new()
            self._find_changes()
        ((rows,),) = self._execute("SELECT count(*) FROM delta").fetchall()
        if rows:
            threads = 1 if rows <= SMALL_INDEX else min(_MAX_THREADS, os.cpu_count() or 1)
            with _open_writer(index, threads) as writer:
                for start in range(0, rows, ROUND_SIZE):
                    self._run_round(writer, index, start, rows)
        else:
            self._write_state(index, self._parts, "FROM indexed")
        _delete_folders(self._folder, _INDEX_PREFIX, keep=self._index_name)

    def _open_existing(self) -> "tantivy.Index | None":
        """Open the existing index; None if there is none that can be updated."""
        state = read_state(self._lake)
        if state is None:
            return None
        try:
            verify_parquet(state_file(self._lake))
            index = open_index(self._lake, state)
        except (LakeError, ValueError):
            return None
        if state.parts is not None and index.searcher().num_docs != state.documents:
            return None
        self._index_name = state.folder
        return index

    def _start_new(self) -> "tantivy.Index":
        """Create an empty index, and make it the lake's index."""
        self._index_name = _INDEX_PREFIX + uuid4().hex
        make_folder(self._folder / self._index_name)
        index = create_index(self._folder / self._index_name)
        self._write_state(index, None, "SELECT NULL::BIGINT AS pmid, NULL::BIGINT AS text_hash WHERE false")
        return index

    def _find_changes(self) -> None:
        """Fill the table `delta` with the articles that differ, sorted by PMID; deleted ones have no `text_hash`."""
        path = sql_string(escape_glob(state_file(self._lake)))
        self._execute(f"CREATE OR REPLACE TEMP VIEW indexed AS FROM read_parquet({path})")
        self._execute("""
            CREATE OR REPLACE TEMP TABLE delta AS
            SELECT coalesce(article.pmid, indexed.pmid) AS pmid, article.text_hash AS text_hash, record_hash,
                   indexed.pmid IS NOT NULL AS present
            FROM current_versions AS article FULL JOIN indexed ON article.pmid = indexed.pmid
            WHERE article.pmid IS NULL OR article.text_hash IS DISTINCT FROM indexed.text_hash
            ORDER BY ALL""")

    def _needs_rebuild(self, index: "tantivy.Index") -> bool:
        """Whether there are too many deleted documents, counting earlier deletions and those in `delta`."""
        ((deletions, additions),) = self._execute(
            "SELECT count(*) FILTER (present), count(text_hash) FILTER (NOT present) FROM delta"
        ).fetchall()
        documents = index.searcher().num_docs + additions
        if documents <= SMALL_INDEX:
            return bool(deletions)
        segments = json.loads((self._folder / self._index_name / "meta.json").read_bytes())["segments"]
        deletions += sum(segment["deletes"]["num_deleted_docs"] for segment in segments if segment["deletes"])
        return bool(deletions > MAX_DELETED_SHARE * documents)

    def _run_round(self, writer: "tantivy.IndexWriter", index: "tantivy.Index", start: int, rows: int) -> None:
        end = start + ROUND_SIZE
        self._execute(f"CREATE OR REPLACE TEMP TABLE round AS FROM delta WHERE rowid >= {start} AND rowid < {end}")
        self._write_state(index, None, f"{_UNCHANGED} UNION ALL SELECT pmid, NULL FROM round")
        self._change_documents(writer)
        indexed = f"{_UNCHANGED} UNION ALL SELECT pmid, text_hash FROM round WHERE text_hash IS NOT NULL"
        self._write_state(index, self._parts if end >= rows else None, indexed)

    def _change_documents(self, writer: "tantivy.IndexWriter") -> None:
        """Delete and add the round's documents in batches, then commit."""
        from tantivy import Document

        for (pmid,) in self._execute("SELECT pmid FROM round WHERE present").fetchall():
            writer.delete_documents_by_term("pmid", pmid)
        query = """
            SELECT pmid, round.text_hash, concat_ws(' ', title, abstract)
            FROM article_versions JOIN round USING (pmid, record_hash)
            WHERE NOT repeated AND round.text_hash IS NOT NULL"""
        batches = run_interruptibly(self._connection, lambda: self._connection.sql(query).to_arrow_reader(_BATCH_ROWS))
        while (batch := run_interruptibly(self._connection, lambda: next(batches, None))) is not None:
            for pmid, text_hash, text in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                document = Document()
                document.add_integer("pmid", pmid)
                document.add_integer("text_hash", text_hash)
                document.add_text("text", text)
                writer.add_document(document)
        writer.commit()

    def _write_state(self, index: "tantivy.Index", parts: str | None, rows: str) -> None:
        index.reload()
        state = IndexState(self._index_name, parts, index.searcher().num_docs, self._written)
        write_state(self._lake, state, self._execute, rows)

    def _execute(self, statement: str) -> "duckdb.DuckDBPyConnection":
        connection: duckdb.DuckDBPyConnection = run_interruptibly(
            self._connection, lambda: self._connection.execute(statement)
        )
        return connection


def _delete_folders(folder: Path, prefix: str, keep: str = "") -> None:
    """Delete the folders whose names have a prefix, except one. What cannot be deleted waits for the next update."""
    for path in glob_folders(folder, f"{prefix}*"):
        if path.name != keep:
            with suppress(OSError):
                delete_in(folder, path.name)


@contextmanager
def _open_writer(index: "tantivy.Index", threads: int) -> Iterator["tantivy.IndexWriter"]:
    """A writer that is closed at the end: its merges are finished, and uncommitted changes are discarded."""
    writer = index.writer(_WRITER_HEAP_BYTES, threads)
    try:
        yield writer
    finally:
        writer.wait_merging_threads()
