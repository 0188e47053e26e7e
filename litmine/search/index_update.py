"""An index brought up to date with its lake: what differs is deleted and added again, in rounds.

A round first notes its PMIDs as uncertain, then commits, then notes what it added. So a process may die at any instant:
the next one does that round again, and nothing is indexed twice or left behind.
"""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

from litmine.errors import LakeError
from litmine.lake.compaction import origins
from litmine.lake.duckdb_errors import naming_damage, verify
from litmine.lake.file_writer import make_folder, unwritable
from litmine.lake.lake import Lake
from litmine.lake.views import connect, glob_escaped, interruptibly, quoted
from litmine.search.index_state import State, digest, read_state, search_folder, state_file, write_state
from litmine.search.terms import create, load

if TYPE_CHECKING:
    import duckdb
    import tantivy

# BM25 counts deleted documents until they are merged away, which tantivy does when it pleases. So an index of few
# documents is made anew in seconds for any deletion, and a larger one when this share of it is deleted.
SMALL = 20_000
MOST_DELETED = 0.01
ROUND = 1_000_000
_BATCH = 1_000
_HEAP = 256 << 20
_MEMORY = "2GiB"
_MOST_THREADS = 4
_INDEX, _SPILL = "bm25-", "spill-"
_REST = "SELECT pmid, text_hash FROM indexed ANTI JOIN round USING (pmid)"


def update(lake: Lake) -> None:
    """Bring the lake's index up to date, or make it anew; for one process at a time.

    Raises LakeError when the lake is damaged or its folder `search` cannot be written.
    """
    folder = search_folder(lake.place)

    def unwritten(message: str) -> LakeError:
        return unwritable(folder, OSError(" ".join(message.split())))

    try:
        with naming_damage(lake.place, unwritten, (OSError,)):
            make_folder(folder)
            for left in folder.glob(f"{_SPILL}*"):
                shutil.rmtree(left, ignore_errors=True)
            # What comes in from now on may be indexed below, but is not vouched for.
            parts, written = digest(lake.parts()), digest(origins(lake.place))
            with connect(lake.place) as connection:
                _Update(lake, connection, parts, written).run()
    # What tantivy raises.
    except ValueError as error:
        raise unwritten(str(error)) from error


class _Update:
    """One update, through a connection that shows the lake's views."""

    def __init__(self, lake: Lake, connection: "duckdb.DuckDBPyConnection", parts: str, written: str) -> None:
        self._lake = lake.place
        self._folder = search_folder(lake.place)
        self._connection = connection
        self._parts, self._written = parts, written
        self._name = ""

    def run(self) -> None:
        self._execute(f"SET memory_limit = '{_MEMORY}'")
        self._execute(f"SET temp_directory = {quoted(str(self._folder / (_SPILL + uuid4().hex)))}")
        index = self._present()
        if index is not None:
            self._compare()
            if self._is_worn(index):
                index = None
        if index is None:
            index = self._begin()
            self._compare()
        ((rows,),) = self._execute("SELECT count(*) FROM delta").fetchall()
        if rows:
            threads = 1 if rows <= SMALL else min(_MOST_THREADS, os.cpu_count() or 1)
            with _writing(index, threads) as writer:
                for start in range(0, rows, ROUND):
                    self._round(writer, index, start, rows)
        else:
            self._note(index, self._parts, "FROM indexed")
        for left in self._folder.glob(f"{_INDEX}*"):
            if left.name != self._name:
                shutil.rmtree(left, ignore_errors=True)

    def _present(self) -> "tantivy.Index | None":
        """The index that is there, if it can be gone on with."""
        state = read_state(self._lake)
        if state is None:
            return None
        try:
            verify(state_file(self._lake))
            index = load(self._folder / state.folder)
        except (LakeError, ValueError):
            return None
        if state.parts is not None and index.searcher().num_docs != state.documents:
            return None
        self._name = state.folder
        return index

    def _begin(self) -> "tantivy.Index":
        """A new index that holds nothing. From now on it is the lake's."""
        self._name = _INDEX + uuid4().hex
        make_folder(self._folder / self._name)
        index = create(self._folder / self._name)
        self._note(index, None, "SELECT NULL::BIGINT AS pmid, NULL::BIGINT AS text_hash WHERE false")
        return index

    def _compare(self) -> None:
        """Put into the table `delta` what differs: no `text_hash` for an article that is gone, by PMID."""
        place = quoted(glob_escaped(state_file(self._lake)))
        self._execute(f"CREATE OR REPLACE TEMP VIEW indexed AS FROM read_parquet({place})")
        self._execute("""
            CREATE OR REPLACE TEMP TABLE delta AS
            SELECT coalesce(article.pmid, indexed.pmid) AS pmid, article.text_hash AS text_hash, record_hash,
                   indexed.pmid IS NOT NULL AS present
            FROM current_versions AS article FULL JOIN indexed ON article.pmid = indexed.pmid
            WHERE article.pmid IS NULL OR article.text_hash IS DISTINCT FROM indexed.text_hash
            ORDER BY ALL""")

    def _is_worn(self, index: "tantivy.Index") -> bool:
        """Whether deletions, past ones and those of `delta`, weigh so much that the index is better made anew."""
        ((deletions, additions),) = self._execute(
            "SELECT count(*) FILTER (present), count(text_hash) FILTER (NOT present) FROM delta"
        ).fetchall()
        documents = index.searcher().num_docs + additions
        if documents <= SMALL:
            return bool(deletions)
        segments = json.loads((self._folder / self._name / "meta.json").read_bytes())["segments"]
        deletions += sum(segment["deletes"]["num_deleted_docs"] for segment in segments if segment["deletes"])
        return bool(deletions > MOST_DELETED * documents)

    def _round(self, writer: "tantivy.IndexWriter", index: "tantivy.Index", start: int, rows: int) -> None:
        end = start + ROUND
        self._execute(f"CREATE OR REPLACE TEMP TABLE round AS FROM delta WHERE rowid >= {start} AND rowid < {end}")
        self._note(index, None, f"{_REST} UNION ALL SELECT pmid, NULL FROM round")
        self._change(writer)
        known = f"{_REST} UNION ALL SELECT pmid, text_hash FROM round WHERE text_hash IS NOT NULL"
        self._note(index, self._parts if end >= rows else None, known)

    def _change(self, writer: "tantivy.IndexWriter") -> None:
        """Delete and add the round's documents, a batch at a time, and commit."""
        from tantivy import Document

        for (pmid,) in self._execute("SELECT pmid FROM round WHERE present").fetchall():
            writer.delete_documents_by_term("pmid", pmid)
        texts = """
            SELECT pmid, round.text_hash, concat_ws(' ', title, abstract)
            FROM article_versions JOIN round USING (pmid, record_hash)
            WHERE NOT repeated AND round.text_hash IS NOT NULL"""
        batches = interruptibly(self._connection, lambda: self._connection.sql(texts).to_arrow_reader(_BATCH))
        while (batch := interruptibly(self._connection, lambda: next(batches, None))) is not None:
            for pmid, text_hash, text in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                document = Document()
                document.add_integer("pmid", pmid)
                document.add_integer("text_hash", text_hash)
                document.add_text("text", text)
                writer.add_document(document)
        writer.commit()

    def _note(self, index: "tantivy.Index", parts: str | None, rows: str) -> None:
        index.reload()
        state = State(self._name, parts, index.searcher().num_docs, self._written)
        write_state(self._lake, state, self._execute, rows)

    def _execute(self, statement: str) -> "duckdb.DuckDBPyConnection":
        connection: duckdb.DuckDBPyConnection = interruptibly(
            self._connection, lambda: self._connection.execute(statement)
        )
        return connection


@contextmanager
def _writing(index: "tantivy.Index", threads: int) -> Iterator["tantivy.IndexWriter"]:
    """A writer that is gone afterwards, its merges done and what it did not commit forgotten."""
    writer = index.writer(_HEAP, threads)
    try:
        yield writer
    finally:
        writer.wait_merging_threads()
