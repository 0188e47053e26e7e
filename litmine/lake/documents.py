"""A lake's current articles with their mentions, in order of PMID: a range of PMIDs at a time, in constant memory."""

from collections.abc import Collection, Generator, Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import accumulate, pairwise

import pyarrow as pa
import pyarrow.compute as pc

from litmine.errors import LakeError, QueryError
from litmine.lake.lake import Lake
from litmine.lake.paths import PART_TASKS
from litmine.lake.views import quoted
from litmine.output.document import Document, Mention
from litmine.types import Article, Section

# PMIDs are counted by such stretches, and a query reads as many stretches as hold this many articles.
_STRETCH = 1 << 12
_AT_ONCE = 20_000
_ARTICLE = tuple(
    field.name for field in fields(Article) if field.name not in ("authors", "mesh", "keywords", "publication_types")
)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which articles and mentions: those of which a SQL condition on `articles` holds; of these models and types.

    `models` are name@digest; None for what the view `entities` shows. `entity_types` are all when None. `tables` are
    those of further tasks whose rows come along, as the tasks' active models have them.
    """

    models: Collection[str] | None = None
    entity_types: Collection[str] | None = None
    where: str | None = None
    tables: tuple[str, ...] = ()


def documents(lake: Lake, selection: Selection) -> Generator[Document]:
    """Each article of the selection once, with its mentions. Articles lack authors, MeSH, keywords and types.

    What others write meanwhile is seen from the next range on. Raises QueryError, in one sentence, for a bad condition;
    LakeError when the lake is damaged, or a mention does not stand where it says.
    """
    if selection.where is not None and not selection.where.strip():
        raise QueryError("the condition is empty; write one like: year >= 2020 and not retracted")
    view = "entities" if selection.models is None else "all_entities"
    conditions = ["true"] if selection.models is None else [f"model IN ({_listed(selection.models)})"]
    if selection.entity_types is not None:
        conditions.append(f"entity_type IN ({_listed(selection.entity_types)})")
    try:
        yield from _documents(lake, view, " AND ".join(conditions), selection)
    except QueryError as error:
        if selection.where is None:
            raise
        said = str(error).removeprefix("the query cannot be answered: ")
        raise QueryError(f"the condition {selection.where!r} cannot be tried on `articles`: {said}") from error


def _documents(lake: Lake, view: str, of_mentions: str, selection: Selection) -> Iterator[Document]:
    # The line breaks keep a comment in the condition from what follows.
    passing = f"AND (\n{selection.where}\n)" if selection.where else ""
    last = 0
    for first, end in _ranges(lake, passing):
        among = f"pmid >= {first} AND pmid < {end}"
        columns = ", ".join(Mention._fields)
        more = "".join(
            f"""
            LEFT JOIN (
                SELECT pmid, list({table} ORDER BY {table}) AS {table}
                FROM (SELECT pmid, struct_pack(*COLUMNS(* EXCLUDE (pmid))) AS {table}
                      FROM {PART_TASKS[table].export} WHERE {among}) GROUP BY pmid
            ) USING (pmid)"""
            for table in selection.tables
        )
        query = f"""
            FROM (SELECT {", ".join(_ARTICLE)} FROM articles WHERE {among} {passing})
            LEFT JOIN (
                SELECT pmid, list(({columns}) ORDER BY start_char, end_char, entity_type, model) AS found
                FROM {view} WHERE {among} AND {of_mentions} GROUP BY pmid
            ) USING (pmid){more}
            ORDER BY pmid"""
        for batch in lake.select(query):
            for document in _read(batch, selection.tables):
                if not max(last + 1, first) <= document.article.pmid < end:
                    raise QueryError("it is more than a condition")
                last = document.article.pmid
                yield document


def _ranges(lake: Lake, passing: str) -> Iterator[tuple[int, int]]:
    """Ranges of PMIDs, half-open, that hold all articles that pass and few of them each."""
    # Versions are counted without looking for the current one of each PMID, where that is all that is asked.
    table = "articles" if passing else "article_versions"
    counted = lake.rows(f"SELECT pmid // {_STRETCH}, count(*) FROM {table} WHERE true {passing} GROUP BY 1 ORDER BY 1")
    # A new range begins where the running count passes a multiple of what is read at once.
    running = list(accumulate(count for _, count in counted))
    starts = [
        stretch
        for (stretch, count), total in zip(counted, running, strict=True)
        if total == count or (total // _AT_ONCE) != (total - count) // _AT_ONCE
    ]
    if counted:
        for start, end in pairwise([*starts, counted[-1][0] + 1]):
            yield start * _STRETCH, end * _STRETCH


def _read(batch: pa.RecordBatch, tables: Sequence[str]) -> Iterator[Document]:
    found = batch.column("found")
    lengths = pc.fill_null(found.value_lengths(), 0).to_pylist()
    mentions = map(Mention._make, zip(*(column.to_pylist() for column in found.flatten().flatten()), strict=True))
    rows = batch.drop_columns("found").to_pylist()
    for row, length in zip(rows, lengths, strict=True):
        more = {table: tuple(row.pop(table) or ()) for table in tables}
        row["sections"] = tuple(Section(**section) for section in row["sections"] or ())
        article = Article(**row)
        its_own = tuple(next(mentions) for _ in range(length))
        text = article.text
        for one in its_own:
            if text[one.start_char : one.end_char] != one.mention:
                raise LakeError(
                    f"PMID {article.pmid}: {one.model} has {one.mention!r} at {one.start_char}:{one.end_char}, where"
                    " the text has something else; `litmine doctor --deep` says which file to delete"
                )
        yield Document(article, its_own, more)


def _listed(values: Collection[str]) -> str:
    return ", ".join(map(quoted, values)) or "NULL"
