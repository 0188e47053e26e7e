"""Dates as PubMed writes them, `{"Year": "2013", "Month": "May"}`, to dates as litmine keeps them."""

import re
from collections.abc import Mapping
from datetime import date

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_YEAR = re.compile(r"[12][0-9]{3}")
# "1998 Dec-1999 Jan", "2000 Spring", "2004-2005 Winter", "1999 Jul 8-14": the first year, and the month beside it.
_MEDLINE_DATE = re.compile(r"(?<![0-9])([12][0-9]{3})(?![0-9])(?: ([A-Za-z]{3}))?")


def publication_date(parts: Mapping[str, str]) -> str | None:
    """`2013`, `2013-05` or `2013-05-07`: as much of the date as is there and possible; None without a year.

    A season says no more than its year, and of a range the first month counts.
    """
    year, month, day = parts.get("Year", ""), parts.get("Month", ""), parts.get("Day", "")
    if not _YEAR.fullmatch(year):
        spelled = _MEDLINE_DATE.search(parts.get("MedlineDate", ""))
        if spelled is None:
            return None
        year, month, day = spelled[1], spelled[2] or "", ""
    number = _month(month)
    if number is None:
        return year
    exact = exact_date({"Year": year, "Month": str(number), "Day": day})
    return exact.isoformat() if exact else f"{year}-{number:02}"


def exact_date(parts: Mapping[str, str]) -> date | None:
    """The day that year, month and day name; None when one is missing or there is no such day."""
    try:
        return date(int(parts["Year"]), int(parts["Month"]), int(parts["Day"]))
    except (KeyError, ValueError):
        return None


def _month(text: str) -> int | None:
    name = text[:3].lower()
    if name in _MONTHS:
        return _MONTHS.index(name) + 1
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 2 else 0
    return number if 1 <= number <= 12 else None
