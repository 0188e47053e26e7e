"""Read the current articles of a lake with their mentions, in order of PMID, in constant memory."""

from collections.abc import Collection, Generator, Iterator, Sequence
from dataclasses import dataclass, is_dataclass
from itertools import accumulate, pairwise
from typing import Any, get_args, get_origin, get_type_hints

import pyarrow as pa
import pyarrow.compute as pc

from litmine.errors import LakeError, QueryError
from litmine.lake.lake import Lake
from litmine.lake.paths import PART_TASKS
from litmine.lake.query import condition_error
from litmine.lake.sql_text import sql_string
from litmine.output.document import Document, Mention
from litmine.types import CONTENT_FIELDS, Article

# Articles are counted per bucket of this many PMIDs, and a query reads as many buckets as hold about a batch.
_BUCKET_PMIDS = 1 << 12
_BATCH_ARTICLES = 20_000
# The list fields of an article, and the type of their items.
_LISTS: dict[str, Any] = {
    name: get_args(hint)[0] for name, hint in get_type_hints(Article).items() if get_origin(hint) is tuple
}
_ARTICLE_COLUMNS = tuple(name for name in CONTENT_FIELDS if name not in _LISTS or name == "sections")


@dataclass(frozen=True, slots=True)
class DocumentSelection:
    """Which articles and mentions to read.

    models: name@digest of the models whose mentions are read, None for the models that the view `entities` shows.
    entity_types: None for all. where: an SQL condition on the view `articles`. tables: tables of other tasks whose
    rows, from the active models, are added to the documents. whole_records: with the lists of the articles, such as
    authors and MeSH, and with `as_of` and class.
    """

    models: Collection[str] | None = None
    entity_types: Collection[str] | None = None
    where: str | None = None
    tables: tuple[str, ...] = ()
    whole_records: bool = False


def read_documents(lake: Lake, selection: DocumentSelection) -> Generator[Document]:
    """Read each selected article once, with its mentions, and with its lists if `whole_records` is set.

    Each range of PMIDs is one query, so changes made meanwhile become visible at the next range. Raises QueryError for
    an invalid condition, and LakeError if the lake is damaged or a mention does not match its text.
    """
    if selection.where is not None and not selection.where.strip():
        raise QueryError("the condition is empty; write one like: year >= 2020 and not retracted")
    view = "entities" if selection.models is None else "all_entities"
    conditions = ["true"] if selection.models is None else [f"model IN ({_sql_list(selection.models)})"]
    if selection.entity_types is not None:
        conditions.append(f"entity_type IN ({_sql_list(selection.entity_types)})")
    try:
        yield from _read_ranges(lake, view, " AND ".join(conditions), selection)
    except QueryError as error:
        if selection.where is None:
            raise
        raise condition_error(selection.where, error) from error


def _read_ranges(lake: Lake, view: str, mention_condition: str, selection: DocumentSelection) -> Iterator[Document]:
    # The line breaks end a comment in the condition.
    article_condition = f"AND (\n{selection.where}\n)" if selection.where else ""
    last_pmid = 0
    for first, end in _pmid_ranges(lake, article_condition):
        in_range = f"pmid >= {first} AND pmid < {end}"
        columns = ", ".join(Mention._fields)
        table_joins = "".join(
            f"""
            LEFT JOIN (
                SELECT pmid, list({table} ORDER BY {table}) AS {table}
                FROM (SELECT pmid, struct_pack(*COLUMNS(* EXCLUDE (pmid))) AS {table}
                      FROM {PART_TASKS[table].export} WHERE {in_range}) GROUP BY pmid
            ) USING (pmid)"""
            for table in selection.tables
        )
        article_columns = ", ".join((*CONTENT_FIELDS, "as_of") if selection.whole_records else _ARTICLE_COLUMNS)
        if selection.whole_records:
            classes = f"SELECT pmid, record_class, reader_version, version FROM current_versions WHERE {in_range}"
            table_joins += f" LEFT JOIN ({classes}) USING (pmid)"
        query = f"""
            FROM (SELECT {article_columns} FROM articles WHERE {in_range} {article_condition})
            LEFT JOIN (
                SELECT pmid, list(({columns}) ORDER BY start_char, end_char, entity_type, model) AS found
                FROM {view} WHERE {in_range} AND {mention_condition} GROUP BY pmid
            ) USING (pmid){table_joins}
            ORDER BY pmid"""
        for batch in lake.select(query):
            for document in _batch_documents(batch, selection.tables):
                # A condition that closes its parenthesis and adds a UNION would return articles out of order.
                if not max(last_pmid + 1, first) <= document.article.pmid < end:
                    raise QueryError("it is not a single condition")
                last_pmid = document.article.pmid
                yield document


def _pmid_ranges(lake: Lake, article_condition: str) -> Iterator[tuple[int, int]]:
    """Half-open ranges of PMIDs that cover all selected articles, with about a batch of articles in each."""
    # Without a condition, all versions are counted: this needs no search for the current version of each PMID.
    table = "articles" if article_condition else "article_versions"
    counts = lake.rows(
        f"SELECT pmid // {_BUCKET_PMIDS}, count(*) FROM {table} WHERE true {article_condition} GROUP BY 1 ORDER BY 1"
    )
    # A range starts at each bucket where the running total passes a multiple of the batch.
    totals = list(accumulate(count for _, count in counts))
    starts = [
        bucket
        for (bucket, count), total in zip(counts, totals, strict=True)
        if total == count or (total // _BATCH_ARTICLES) != (total - count) // _BATCH_ARTICLES
    ]
    if counts:
        for start, end in pairwise([*starts, counts[-1][0] + 1]):
            yield start * _BUCKET_PMIDS, end * _BUCKET_PMIDS


def _batch_documents(batch: pa.RecordBatch, tables: Sequence[str]) -> Iterator[Document]:
    mention_lists = batch.column("found")
    mention_counts = pc.fill_null(mention_lists.value_lengths(), 0).to_pylist()
    mention_columns = mention_lists.flatten().flatten()
    all_mentions = map(Mention._make, zip(*(column.to_pylist() for column in mention_columns), strict=True))
    rows = batch.drop_columns("found").to_pylist()
    for row, mention_count in zip(rows, mention_counts, strict=True):
        more = {table: tuple(row.pop(table) or ()) for table in tables}
        version = [row.pop(name, None) for name in ("as_of", "record_class", "reader_version")]
        article = _article(row)
        mentions = tuple(next(all_mentions) for _ in range(mention_count))
        text = article.text
        for mention in mentions:
            start, end = mention.start_char, mention.end_char
            if text[start:end] != mention.mention:
                raise LakeError(
                    f"PMID {article.pmid}: {mention.model} has {mention.mention!r} at {start}:{end}, but the text there"
                    f" is {text[start:end]!r}; run `litmine doctor --deep` to see which file to delete"
                )
        yield Document(article, mentions, more, *version)


def _article(row: dict[str, Any]) -> Article:
    for name in _LISTS.keys() & row.keys():
        kind = _LISTS[name]
        row[name] = tuple(_with_tuples(kind, one) if is_dataclass(kind) else one for one in row[name] or ())
    # Null if the article was deleted between the two listings of the query.
    return Article(**{**row, "version": row.get("version") or 1})


def _with_tuples(kind: Any, values: dict[str, Any]) -> Any:
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})


def _sql_list(values: Collection[str]) -> str:
    return ", ".join(map(sql_string, values)) or "NULL"
