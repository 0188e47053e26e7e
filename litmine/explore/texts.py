"""A copy of the current articles in a temporary file that is mapped into memory, for lists of hits and for sentences.

A Parquet file gives a text only with thousands of others, so twenty hits would take a third of a CPU second on a lake
of a million articles. The copy is as large as the uncompressed texts, and is made once for each state of the lake.
"""

import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from litmine.explore.queries import LakeQueries

_COLUMNS = (
    "SELECT pmid, title, text, sections, journal, year, authors[:3] AS authors, len(authors) AS author_count,"
    " publication_types, coalesce(retracted, false) AS retracted FROM articles"
)


@dataclass(frozen=True, slots=True)
class ArticleTexts:
    """The articles of one state of the lake. `rows` has the row of each of the sorted PMIDs."""

    table: pa.Table
    pmids: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]

    def get(self, pmids: Iterable[int]) -> dict[int, dict[str, Any]]:
        """The articles with these PMIDs, those that the copy has."""
        wanted = np.fromiter(pmids, np.int64)
        if not len(self.pmids) or not len(wanted):
            return {}
        places = np.searchsorted(self.pmids, wanted)
        places[places == len(self.pmids)] = 0
        found = places[self.pmids[places] == wanted]
        # One row at a time: `take` on many rows would first join the chunks of a column.
        rows = (self.table.slice(row, 1).to_pylist()[0] for row in self.rows[found].tolist())
        return {row["pmid"]: row for row in rows}


def read_texts(queries: LakeQueries) -> ArticleTexts:
    """Copy the articles of the lake. Raises as `LakeQueries.open`."""
    descriptor, name = tempfile.mkstemp(prefix="litmine-texts-", suffix=".arrow")
    file = Path(name)
    try:
        with (
            os.fdopen(descriptor, "wb") as out,
            queries.open(_COLUMNS) as reader,
            pa.ipc.new_file(out, reader.schema) as writer,
        ):
            for batch in reader:
                writer.write_batch(batch)
        with pa.memory_map(name) as mapped:
            table = pa.ipc.open_file(mapped).read_all()
    finally:
        # The mapping keeps the content; the name goes now, so that nothing is left when the process is killed.
        file.unlink()
    pmids = table["pmid"].to_numpy()
    order = np.argsort(pmids, kind="stable")
    return ArticleTexts(table, pmids[order], order)
