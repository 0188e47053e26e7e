"""Conditions and lists in litmine's own SQL, made from what a request gives."""

from collections.abc import Iterable

from litmine.lake.sql_text import sql_string


def has_identifier(column: str, identifier: str) -> str:
    """The condition that a column of identifiers has this one, alone or in a composite joined by `|`."""
    wanted = sql_string(identifier)
    # Few mentions are composites, so most rows need no splitting.
    composite = f"(contains({column}, '|') AND list_contains(string_split({column}, '|'), {wanted}))"
    return f"({column} = {wanted} OR {composite})"


def sql_list(values: Iterable[str | int]) -> str:
    """Texts or numbers as a list for IN; a list without values matches nothing."""
    written = [sql_string(value) if isinstance(value, str) else str(int(value)) for value in values]
    return f"({', '.join(written) or 'NULL'})"


def rows_as_list(query: str) -> str:
    """A scalar subquery with the rows of a query as a list of structs, in the order of the query; empty, not null."""
    return f"coalesce((SELECT list(one) FROM ({query}) AS one), [])"
