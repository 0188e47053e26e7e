"""Count the current articles of a lake.

The count compares all versions of all PMIDs, which takes a second for a million rows. It depends only on the article
parts, so a cache keeps it until they change.
"""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

from litmine.lake.articles import list_parts
from litmine.lake.caches import files_digest, read_cached, write_cached
from litmine.lake.duckdb_errors import report_damaged_files
from litmine.lake.paths import LakePath
from litmine.lake.sql_text import escape_glob, schema_map
from litmine.lake.version_order import VERSION_COLUMNS, version_struct
from litmine.lake.views import open_duckdb, run_interruptibly
from litmine.types import READER_VERSION

_CACHE = "article-counts"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SCHEMA = schema_map("articles", (*VERSION_COLUMNS, "pmid", "source", "repeated", "deleted", "retracted"))
# A row that only repeats a known version does not say whether that version is retracted.
_QUERY = f"""
SELECT count(*) FILTER (current), count(*) FILTER (current AND list_contains(retracted, newest.record_hash)),
       coalesce(sum(versions), 0)::BIGINT, count(*) FILTER (outdated AND newest.fetched),
       count(*) FILTER (outdated AND NOT newest.fetched), epoch_us(max(newest.as_of) FILTER (current))
FROM (
    SELECT newest, retracted, versions, NOT newest.deleted AS current,
           NOT newest.deleted AND newest.reader_version < {READER_VERSION} AS outdated
    FROM (
        SELECT max({version_struct(["deleted", "fetched"])}) AS newest,
               list(record_hash) FILTER (retracted) AS retracted,
               count(*) FILTER (NOT repeated AND NOT deleted) AS versions
        FROM (SELECT *, source = $source AS fetched FROM read_parquet($files, schema = {_SCHEMA}))
        GROUP BY pmid
    )
)"""


@dataclass(frozen=True, slots=True)
class ArticleCounts:
    """Numbers of articles.

    articles: current articles. retracted: those that are retracted. versions: versions of articles, without repeated
    records and deletions. fetched_before, imported_before: current articles whose records an earlier version of the
    file reader read, by whether they were fetched or imported. as_of_us: the greatest `as_of` of a current article, in
    microseconds since 1970, UTC; None without articles.
    """

    articles: int
    retracted: int
    versions: int
    fetched_before: int
    imported_before: int
    as_of_us: int | None

    @property
    def as_of(self) -> datetime | None:
        return None if self.as_of_us is None else _EPOCH + timedelta(microseconds=self.as_of_us)


def count_articles(lake: LakePath, fetched_source: str) -> ArticleCounts:
    """Count the articles of a lake, or take the counts from the cache.

    `fetched_source` is the source of fetched articles. Raises LakeError for a damaged part.
    """
    parts = list_parts(lake)
    if not parts:
        return ArticleCounts(0, 0, 0, 0, 0, None)
    key = f"{files_digest(lake, parts)} {READER_VERSION} {fetched_source}"
    if (cached := read_cached(lake, _CACHE, key)) is not None:
        return ArticleCounts(**cached)
    parameters = {"files": [escape_glob(part) for part in parts], "source": fetched_source}
    with report_damaged_files(lake), open_duckdb(lake) as connection:
        row = run_interruptibly(connection, lambda: connection.execute(_QUERY, parameters).fetchone())
    counts = ArticleCounts(*row)
    write_cached(lake, _CACHE, key, asdict(counts))
    return counts
