"""Values of registrations of trials in one form, whether they come from JSON, CSV or a record of PubMed."""

import re
from collections.abc import Iterable

from litmine.text.registry_numbers import normal_registry_number

_PHASE = re.compile(r"PHASE\s?([1-4])", re.IGNORECASE)
_NUMBER = re.compile(r"NCT0*[1-9][0-9]{0,7}")
_DATE = re.compile(r"(?P<month>[A-Z][a-z]+) (?:(?P<day>[0-9]{1,2}), )?(?P<year>[12][0-9]{3})")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)


def study_number(text: str | None) -> str:
    """The number of a study of ClinicalTrials.gov in normal form. Raises ValueError for any other text."""
    number = (text or "").strip().upper()
    if not _NUMBER.fullmatch(number):
        raise ValueError(f"has {number[:40]!r} instead of an NCT number" if number else "has no NCT number")
    return f"NCT{int(number[3:]):08}"


def data_bank_number(text: str) -> str:
    """A number in a data bank or of a sponsor: that of a registry of trials in normal form, any other as it is."""
    return normal_registry_number(text) or text


def normal_phase(phases: Iterable[str]) -> str | None:
    """The phase as `1`, `1/2`, `2`, `2/3`, `3` or `4`; an early phase 1 counts as 1, and none is None."""
    steps = sorted({match[1] for phase in phases if (match := _PHASE.search(phase))})
    return "/".join(steps) or None


def constant(text: str) -> str | None:
    """A value of a list as the API writes it: `Active, not recruiting` becomes `ACTIVE_NOT_RECRUITING`."""
    return re.sub(r"[^A-Z0-9]+", "_", text.upper()).strip("_") or None


def iso_date(text: str) -> str | None:
    """`April 3, 2020` as `2020-04-03` and `April 2020` as `2020-04`; any other date as it is."""
    match = _DATE.fullmatch(text.strip())
    if match is None or match["month"] not in _MONTHS:
        return text.strip() or None
    month = f"{match['year']}-{_MONTHS.index(match['month']) + 1:02}"
    return f"{month}-{int(match['day']):02}" if match["day"] else month
