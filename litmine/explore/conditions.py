"""Lists in litmine's own SQL, made from what a request gives."""

from collections.abc import Iterable

from litmine.lake.sql_text import sql_string


def sql_list(values: Iterable[str | int]) -> str:
    """Texts or numbers as a list for IN; a list without values matches nothing."""
    written = [sql_string(value) if isinstance(value, str) else str(int(value)) for value in values]
    return f"({', '.join(written) or 'NULL'})"
