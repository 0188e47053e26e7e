"""When the lake last saw some PMIDs: what a fetch need not ask for again."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from litmine.lake.damage import naming_damage
from litmine.lake.place import Place
from litmine.lake.views import connect, interruptibly

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
