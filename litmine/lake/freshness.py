"""Which of some questions and texts a reader has yet to read, and where the texts stand.

When the lake last saw some PMIDs: what a fetch need not ask for again.

Articles whose rows dropped out of a view: a text of theirs was read, and the one that came after it was not yet.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from litmine.errors import LakeError
from litmine.lake.articles import parts
from litmine.lake.duckdb_errors import naming_damage
from litmine.lake.listing import live
from litmine.lake.paths import Place, desk, folder_name
from litmine.lake.readings import Pair
from litmine.lake.targets import TargetSet
from litmine.lake.views import connect, glob_escaped, interruptibly, quiet_duckdb, schema_map
from litmine.schema import arrow_schema

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Not from the view `current_versions`: that would first find the newest version of every record in the lake.
_QUERY = """
SELECT pmid, epoch_us(given)
FROM (
    SELECT pmid, max(as_of) FILTER (source = $source) AS given,
           max({'as_of': as_of, 'revised': coalesce(revised, DATE '0001-01-01'), 'record_hash': record_hash,
                'deleted': deleted}) AS newest
    FROM article_versions SEMI JOIN wanted USING (pmid)
    GROUP BY pmid
)
WHERE NOT newest.deleted"""


def last_seen(lake: Place, pmids: Iterable[int], source: str) -> dict[int, datetime | None]:
    """For each of the PMIDs that has a current version: when `source` last gave it (UTC), None if it never did.

    Raises LakeError for a damaged part.
    """
    wanted = pa.table({"pmid": pa.array(pmids, pa.int64())})
    with naming_damage(lake), connect(lake) as connection:
        connection.register("wanted", wanted)
        rows = interruptibly(connection, lambda: connection.execute(_QUERY, {"source": source}).fetchall())
    return {pmid: None if given is None else _EPOCH + timedelta(microseconds=given) for pmid, given in rows}


def revised_since_read(lake: Place, targets: TargetSet) -> int:
    """How many articles have new texts in parts without a target of the set, and others in parts that have one.

    Raises LakeError when a part is damaged.
    """
    finished = targets.done(lake)
    files: tuple[list[str], list[str]] = ([], [])
    for path in parts(lake):
        files[path.stem in finished].append(glob_escaped(path))
    if not all(files):
        return 0
    columns = schema_map("articles", [name for name in arrow_schema("articles").names if name in ("pmid", "new_text")])
    query = f"""
        SELECT count(DISTINCT pmid) FROM read_parquet($unread, schema = {columns})
        SEMI JOIN (SELECT pmid FROM read_parquet($read, schema = {columns}) WHERE new_text) USING (pmid)
        WHERE new_text"""
    given = dict(zip(("unread", "read"), files, strict=True))
    with quiet_duckdb(lake) as connection, naming_damage(lake):
        rows = interruptibly(connection, lambda: connection.execute(query, given).fetchall())
    return int(rows[0][0])


def left_to_read(lake: Place, model: str, wanted: Sequence[Pair]) -> list[tuple[Pair, str]]:
    """The pairs that the reader has not read yet, each with the name of the part that holds its text, in parts' order.

    Raises LakeError when a file is damaged, or the lake does not hold a text.
    """
    folder = folder_name("readings", model)
    given = {
        "done": [glob_escaped(path) for path in live(lake, folder).values()],
        "parts": [glob_escaped(path) for path in parts(lake)],
    }
    with quiet_duckdb(lake) as connection:
        connection.register("wanted", pa.table(list(zip(*wanted, strict=True)) or [()] * 3, schema=_keys()))
        done = f"ANTI JOIN read_parquet($done, schema = {schema_map('readings')}) USING ({', '.join(Pair._fields)})"
        query = f"""
            SELECT question_digest, pmid, text_hash, part
            FROM (FROM wanted {done if given["done"] else ""})
            LEFT JOIN (
                SELECT pmid, text_hash, min(parse_filename(filename, true)) AS part
                FROM read_parquet($parts, filename = true, schema = {schema_map("articles")})
                WHERE new_text AND pmid IN (SELECT pmid FROM wanted)
                GROUP BY ALL
            ) USING (pmid, text_hash)
            ORDER BY part, pmid, text_hash, question_digest"""
        given = {name: paths for name, paths in given.items() if paths}
        with naming_damage(lake):
            rows = interruptibly(connection, lambda: connection.execute(query, given).fetchall())
    for _, pmid, _, part in rows:
        if part is None:
            raise LakeError(
                f"the search index knows a text of PMID {pmid} that the lake does not hold; delete"
                f" {desk(lake) / 'search'}, which the next run makes again"
            )
    return [(Pair(*row[:3]), row[3]) for row in rows]


def _keys() -> pa.Schema:
    schema = arrow_schema("readings")
    return pa.schema([schema.field(name) for name in Pair._fields])
