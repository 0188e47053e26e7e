"""Conditions and lists in litmine's own SQL, made from what a request gives."""

from collections.abc import Iterable

from litmine.lake.sql_text import sql_string


def sql_list(values: Iterable[str | int]) -> str:
    """Texts or numbers as a list for IN; a list without values matches nothing."""
    written = [sql_string(value) if isinstance(value, str) else str(int(value)) for value in values]
    return f"({', '.join(written) or 'NULL'})"


def rows_as_list(query: str) -> str:
    """A scalar subquery with the rows of a query as a list of structs, in the order of the query; empty, not null."""
    return f"coalesce((SELECT list(one) FROM ({query}) AS one), [])"
