"""Articles whose rows dropped out of a view: a text of theirs was read, and the one that came after it was not yet."""

from litmine.lake.articles import parts
from litmine.lake.damage import naming_damage
from litmine.lake.place import Place
from litmine.lake.targets import TargetSet
from litmine.lake.views import glob_escaped, interruptibly, quiet_duckdb, schema_map
from litmine.schema import arrow_schema


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
