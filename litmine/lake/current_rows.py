"""SQL that finds the current texts and versions of articles, for the few PMIDs whose text or version ever changed.

Most PMIDs have one row for ever. A row that changes the text of a PMID, or that adds any row to a known PMID, is marked
when it is written (`text_changed`, `pmid_known`), so only the PMIDs of marked rows are grouped. A null mark means
unknown, and counts as a mark.
"""

from collections.abc import Sequence

from litmine.lake.version_order import VERSION_COLUMNS, version_column, version_struct
from litmine.lake.view_templates import FILE_NAME

# The columns that the subqueries of this module read.
TEXT_COLUMNS = ("pmid", *VERSION_COLUMNS, "text_hash", "new_text", "deleted")
# The columns that `current_articles` and `single_versions` read besides those that they show.
CONTENT_COLUMNS = ("pmid", "record_hash", "deleted", "repeated")
VERSION_ROWS = ("pmid", *VERSION_COLUMNS, "deleted")
# The columns of a version that a later row without content may change.
_SEEN_AGAIN = ("as_of", "reader_version", "version")


def marked_pmids(rows: str, mark: str) -> str:
    """The PMIDs that have a marked row. `rows` is a subquery with the columns `pmid` and `mark`."""
    return f"(SELECT pmid FROM {rows} WHERE coalesce({mark}, true))"


def superseded_texts(rows: str, pmids: str | None) -> str:
    """The texts that models read and that are no longer current: (`pmid`, `text_hash`), each once.

    rows: a subquery over all articles with TEXT_COLUMNS. pmids: a subquery over PMIDs that include all with several
    texts; None for all.
    """
    texts = _texts_read(rows, pmids, "{'text_hash': text_hash}")
    return f"(SELECT DISTINCT pmid, text.text_hash AS text_hash FROM {texts} WHERE NOT current)"


def texts_with_parts(rows: str, pmids: str | None) -> str:
    """All texts that models read of the PMIDs with a superseded text: (`pmid`, `text_hash`, `part`, `current`).

    The arguments are those of `superseded_texts`; `rows` also has the column `filename`. A text that models read in
    several parts has a row for each.
    """
    texts = _texts_read(rows, pmids, f"{{'text_hash': text_hash, 'part': parse_filename({FILE_NAME}, true)}}")
    return f"(SELECT DISTINCT pmid, text.text_hash AS text_hash, text.part AS part, current FROM {texts})"


def _texts_read(rows: str, pmids: str | None, text: str) -> str:
    """The structs `text` of the texts of each PMID that has a superseded one, and whether each is current."""
    return f"""(
    SELECT pmid, text, NOT newest.deleted AND text.text_hash = newest.text_hash AS current
    FROM (
        SELECT pmid, newest, unnest(texts) AS text
        FROM (
            SELECT pmid, max({version_struct(["text_hash", "deleted"])}) AS newest,
                   list({text}) FILTER (new_text) AS texts,
                   min(text_hash) FILTER (new_text) AS least, max(text_hash) FILTER (new_text) AS greatest
            FROM {rows}{_among(pmids)}
            GROUP BY pmid
        )
        WHERE newest.deleted OR least <> newest.text_hash OR greatest <> newest.text_hash
    )
)"""


def current_articles(articles: str, columns: Sequence[str], rows: str, pmids: str | None) -> str:
    """The content rows of current versions, with the time and the reader version of the last row of each.

    articles: a subquery over all articles with `columns` and CONTENT_COLUMNS. rows: another one with VERSION_ROWS.
    pmids: a subquery over PMIDs that include all with several rows; None for all.
    """
    shown = ", ".join(_with_last_seen(name) for name in columns)
    return f"""(
    SELECT {shown}
    FROM {articles} AS article
    LEFT JOIN (
        SELECT pmid AS known_pmid, max({version_struct(["deleted"])}) AS newest
        FROM {rows}{_among(pmids)}
        GROUP BY pmid
    ) ON pmid = known_pmid
    WHERE NOT article.deleted AND NOT article.repeated
      AND (known_pmid IS NULL OR (newest.record_hash = article.record_hash AND NOT newest.deleted))
)"""


def single_versions(articles: str, columns: Sequence[str]) -> str:
    """The same as `current_articles` where no PMID has several rows."""
    shown = ", ".join(f"{_shown(name)} AS {name}" for name in columns)
    return f"(SELECT {shown} FROM {articles} WHERE NOT deleted AND NOT repeated)"


def _with_last_seen(name: str) -> str:
    column = _shown(name, "article.")
    return f"{f'coalesce(newest.{name}, {column})' if name in _SEEN_AGAIN else column} AS {name}"


def _among(pmids: str | None) -> str:
    return "" if pmids is None else f" WHERE pmid IN {pmids}"


def _shown(name: str, row: str = "") -> str:
    """A column of articles, with its null replaced where it is part of the order of versions."""
    return f"{row}{name}" if name == "revised" else version_column(name, row)
