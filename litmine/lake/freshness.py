"""Queries that compare a lake with what was fetched or read before.

They tell which PMIDs a fetch can skip, how many articles changed after a model read them, and which pairs of question
and text a reader has not read yet.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from litmine.errors import LakeError
from litmine.lake.articles import list_parts
from litmine.lake.duckdb_errors import report_damaged_files
from litmine.lake.listing import live_files
from litmine.lake.paths import LakePath, folder_name, local_folder
from litmine.lake.readings import QuestionTextPair
from litmine.lake.sql_text import escape_glob, schema_map
from litmine.lake.targets import TargetSet
from litmine.lake.version_order import version_struct
from litmine.lake.views import connect, open_duckdb, run_interruptibly
from litmine.schema import arrow_schema
from litmine.types import RECORD

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# This does not use the view `current_versions`, which would find the newest version of every PMID in the lake.
_LAST_SEEN_QUERY = f"""
SELECT pmid, epoch_us(given)
FROM (
    SELECT pmid, max(as_of) FILTER (source = $source) AS given, max({version_struct(["deleted"])}) AS newest
    FROM article_versions SEMI JOIN wanted USING (pmid)
    GROUP BY pmid
)
WHERE NOT newest.deleted AND newest.record_class = {RECORD}"""


def last_seen(lake: LakePath, pmids: Iterable[int], source: str) -> dict[int, datetime | None]:
    """When `source` last returned each PMID (UTC), None if it never did.

    PMIDs without a current version, and those of which the lake has only bare texts, are left out. Raises LakeError for
    a damaged part.
    """
    wanted = pa.table({"pmid": pa.array(pmids, pa.int64())})
    with report_damaged_files(lake), connect(lake, {"article_versions"}) as connection:
        connection.register("wanted", wanted)
        rows = run_interruptibly(
            connection, lambda: connection.execute(_LAST_SEEN_QUERY, {"source": source}).fetchall()
        )
    return {pmid: None if as_of is None else _EPOCH + timedelta(microseconds=as_of) for pmid, as_of in rows}


def count_revised_since_read(lake: LakePath, targets: TargetSet) -> int:
    """Count the articles that the model has read before, and that have a new text it has not read yet.

    The views do not show the model's rows for such articles, because they belong to an older text. Raises LakeError for
    a damaged part.
    """
    finished = targets.finished_parts(lake)
    unread: list[str] = []
    read: list[str] = []
    for path in list_parts(lake):
        (read if path.stem in finished else unread).append(escape_glob(path))
    if not (unread and read):
        return 0
    columns = schema_map("articles", [name for name in arrow_schema("articles").names if name in ("pmid", "new_text")])
    query = f"""
        SELECT count(DISTINCT pmid) FROM read_parquet($unread, schema = {columns})
        SEMI JOIN (SELECT pmid FROM read_parquet($read, schema = {columns}) WHERE new_text) USING (pmid)
        WHERE new_text"""
    with open_duckdb(lake) as connection, report_damaged_files(lake):
        rows = run_interruptibly(
            connection, lambda: connection.execute(query, {"unread": unread, "read": read}).fetchall()
        )
    return int(rows[0][0])


def pending_pairs(lake: LakePath, model: str, pairs: Sequence[QuestionTextPair]) -> list[tuple[QuestionTextPair, str]]:
    """The pairs that the reader has not read yet, each with the part that holds its text, sorted by part.

    Raises LakeError if a file is damaged, or if the lake does not hold one of the texts.
    """
    folder = folder_name("readings", model)
    files = {
        "done": [escape_glob(path) for path in live_files(lake, folder).values()],
        "parts": [escape_glob(path) for path in list_parts(lake)],
    }
    keys = ", ".join(QuestionTextPair._fields)
    with open_duckdb(lake) as connection:
        connection.register("wanted", pa.table(list(zip(*pairs, strict=True)) or [()] * 3, schema=_pair_schema()))
        done = f"ANTI JOIN read_parquet($done, schema = {schema_map('readings')}) USING ({keys})"
        query = f"""
            SELECT question_digest, pmid, text_hash, part
            FROM (FROM wanted {done if files["done"] else ""})
            LEFT JOIN (
                SELECT pmid, text_hash, min(parse_filename(filename, true)) AS part
                FROM read_parquet($parts, filename = true, schema = {schema_map("articles")})
                WHERE new_text AND pmid IN (SELECT pmid FROM wanted)
                GROUP BY ALL
            ) USING (pmid, text_hash)
            ORDER BY part, pmid, text_hash, question_digest"""
        parameters = {name: paths for name, paths in files.items() if paths}
        with report_damaged_files(lake):
            rows = run_interruptibly(connection, lambda: connection.execute(query, parameters).fetchall())
    for _, pmid, _, part in rows:
        if part is None:
            raise LakeError(
                f"the search index has a text of PMID {pmid} that the lake does not hold; delete"
                f" {local_folder(lake) / 'search'}, and the next run rebuilds the index"
            )
    return [(QuestionTextPair(*row[:3]), row[3]) for row in rows]


def _pair_schema() -> pa.Schema:
    schema = arrow_schema("readings")
    return pa.schema([schema.field(name) for name in QuestionTextPair._fields])
