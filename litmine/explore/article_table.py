"""The short columns of all articles in memory, which conditions and counts of users read most often.

A condition on a million articles takes 0.27 CPU seconds over Parquet, and 0.04 over this table
(docs/decisions/0222-least-reading.md).
"""

from litmine.explore.queries import LakeQueries
from litmine.lake.prepared_views import TableInMemory

# Texts, authors, headings and the like are left out: they are most of a lake's size.
_COLUMNS = (
    "pmid, year, pub_date, journal, journal_abbreviation, issn, publication_types, language, status, retracted,"
    " revised, as_of"
)


def read_article_table(queries: LakeQueries) -> TableInMemory:
    """Read them from the lake. Raises as `LakeQueries.open`."""
    with queries.open(f"SELECT {_COLUMNS} FROM articles") as rows:
        return TableInMemory(queries.lake.location, queries.query_limits, "articles", rows)
