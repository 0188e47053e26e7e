"""Count the current articles of a lake.

The count reads narrow columns of all rows, and compares the versions of the PMIDs that have several. It depends only on
the article parts, so a cache keeps it until they change.
"""

from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta

from litmine.lake.articles import list_parts
from litmine.lake.current_rows import marked_pmids
from litmine.lake.duckdb_errors import report_damaged_files
from litmine.lake.file_metadata import read_file_metadata
from litmine.lake.lake_cache import are_worth_caching, files_digest, read_cached_json, write_cached_json
from litmine.lake.paths import LakePath
from litmine.lake.sql_text import escape_glob, schema_map
from litmine.lake.version_order import VERSION_COLUMNS, version_column, version_struct
from litmine.lake.views import open_duckdb, run_interruptibly
from litmine.specs import ARTICLES
from litmine.types import READER_VERSION

_CACHE = "article-counts"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_COLUMNS = (*VERSION_COLUMNS, "pmid", "source", "repeated", "deleted", "retracted")
_NO_PMIDS = "(SELECT NULL::BIGINT AS pmid WHERE false)"
_MARKED_PMIDS = marked_pmids(
    f"read_parquet($marked, schema = {schema_map(ARTICLES, ('pmid', 'pmid_known'))})", "pmid_known"
)
_OUTDATED = f"NOT deleted AND {version_column('reader_version')} < {READER_VERSION}"


def _count_query(pmids: str | None) -> str:
    """The query for ArticleCounts over `$files`; rows from `$source` are fetched ones.

    pmids: a subquery over PMIDs that include all with several rows, whose versions are compared; None for all. Any
    other PMID has one row, which is its current version. A row that only repeats a known version does not say whether
    that version is retracted.
    """
    if pmids is None:
        known, join = "article.pmid", ""
    else:
        known, join = "several.pmid", f"LEFT JOIN (SELECT DISTINCT pmid FROM {pmids}) AS several USING (pmid)"
    return f"""
WITH versions AS (
    SELECT article.*, source = $source AS fetched, {known} AS known
    FROM read_parquet($files, schema = {schema_map(ARTICLES, _COLUMNS)}) AS article {join}
), by_pmid AS (
    SELECT known, count(*) FILTER (NOT repeated AND NOT deleted) AS versions,
           max({version_struct(["deleted", "fetched"])}) FILTER (known IS NOT NULL) AS newest,
           list(record_hash) FILTER (retracted AND known IS NOT NULL) AS retracted_hashes,
           count(*) FILTER (known IS NULL AND NOT deleted) AS single_articles,
           count(*) FILTER (known IS NULL AND NOT deleted AND retracted) AS single_retracted,
           count(*) FILTER (known IS NULL AND {_OUTDATED} AND fetched) AS single_fetched,
           count(*) FILTER (known IS NULL AND {_OUTDATED} AND NOT fetched) AS single_imported,
           max(as_of) FILTER (known IS NULL AND NOT deleted) AS single_as_of
    FROM versions GROUP BY known
), counted AS (
    SELECT *, coalesce(NOT newest.deleted, false) AS current,
           coalesce(NOT newest.deleted AND newest.reader_version < {READER_VERSION}, false) AS outdated
    FROM by_pmid
)
SELECT count(*) FILTER (current) + coalesce(sum(single_articles), 0),
       count(*) FILTER (current AND list_contains(retracted_hashes, newest.record_hash))
       + coalesce(sum(single_retracted), 0),
       coalesce(sum(versions), 0),
       count(*) FILTER (outdated AND newest.fetched) + coalesce(sum(single_fetched), 0),
       count(*) FILTER (outdated AND NOT newest.fetched) + coalesce(sum(single_imported), 0),
       epoch_us(greatest(max(newest.as_of) FILTER (current), max(single_as_of)))
FROM counted"""


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
    names = [field.name for field in fields(ArticleCounts)]
    key = f"{files_digest(lake, parts)} {names} {fetched_source} {_count_query(None)}"
    if (cached := read_cached_json(lake, _CACHE, key)) is not None:
        return ArticleCounts(**cached)
    parameters: dict[str, object] = {"files": [escape_glob(part) for part in parts], "source": fetched_source}
    # A part whose metadata cannot be read is reported by the query.
    metadata = read_file_metadata(lake, ARTICLES, parts).found
    marked = [escape_glob(part) for part in parts if part not in metadata or metadata[part].pmid_known]
    pmids: str | None = _NO_PMIDS
    if all("pmid_known" in (found.missing or ()) for found in metadata.values()):
        pmids = None  # no part has the mark yet, so nearly all PMIDs would be in the set
    elif marked:
        parameters["marked"] = marked
        pmids = _MARKED_PMIDS
    with report_damaged_files(lake), open_duckdb(lake) as connection:
        query = _count_query(pmids)
        row = run_interruptibly(connection, lambda: connection.execute(query, parameters).fetchone())
    counts = ArticleCounts(*row)
    if are_worth_caching(parts):
        write_cached_json(lake, _CACHE, key, asdict(counts))
    return counts
