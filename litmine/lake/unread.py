"""Which of some questions and texts a reader has yet to read, and where the texts stand."""

from collections.abc import Sequence

import pyarrow as pa

from litmine.errors import LakeError
from litmine.lake.articles import parts
from litmine.lake.damage import naming_damage
from litmine.lake.layout import folder_name
from litmine.lake.live import live
from litmine.lake.place import Place, desk
from litmine.lake.readings import Pair
from litmine.lake.views import glob_escaped, interruptibly, quiet_duckdb, schema_map
from litmine.schema import arrow_schema


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
