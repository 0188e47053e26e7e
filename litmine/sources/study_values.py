"""Values of registrations of trials in one form, whether they come from JSON, CSV or a record of PubMed.

A value of a wrong form is left out of its study, and `ValueFaults` names it, so that nobody takes it for a missing one.
"""

import re
from collections.abc import Iterable
from datetime import date
from reprlib import Repr

from litmine.sources.pmids import parse_pmid
from litmine.text.registry_numbers import normal_registry_number

# National registers and databases of patients have tens of millions of participants; larger numbers are mistakes.
MAX_ENROLLED = 99_999_999
_PHASE = re.compile(r"PHASE\s?([1-4])(?![0-9])", re.IGNORECASE)
_NO_PHASE = {"NA", "N/A", "NOT APPLICABLE", "NOT_APPLICABLE"}
_NUMBER = re.compile(r"NCT0*[1-9][0-9]{0,7}")
_WHOLE = re.compile(r"([0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,12})(?:\.0*)?")
_ISO_DATE = re.compile(r"([12][0-9]{3})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")
_DATE = re.compile(r"(?P<month>[A-Z][a-z]+) (?:(?P<day>[0-9]{1,2}), )?(?P<year>[12][0-9]{3})")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_SHOWN = 5
_SHORT = Repr()
_SHORT.maxlevel, _SHORT.maxlist, _SHORT.maxdict, _SHORT.maxstring = 2, 3, 3, 40


class ValueFaults:
    """The values of a study that have a wrong form; each is named once by its field."""

    def __init__(self) -> None:
        """Begin without faults."""
        self._shown: list[str] = []
        self._more = 0

    def add(self, field: str, value: object) -> None:
        """Note a value that is left out."""
        if len(self._shown) < _SHOWN:
            self._shown.append(f"{field} is {_SHORT.repr(value)}")
        else:
            self._more += 1

    def sentence(self, study: str) -> str:
        """Names the study, the fields and their values; empty without faults."""
        if not self._shown:
            return ""
        more = f"; and {self._more:,} more" if self._more else ""
        return (
            f"The study {study} was written without values of a wrong form ({'; '.join(self._shown)}{more});"
            " correct them, or download it again."
        )

    def enrolled(self, field: str, value: object) -> int | None:
        """A number of participants, from a number or from a text such as `1,204`; None for none, and for a fault."""
        count = value
        if isinstance(value, str):
            match = _WHOLE.fullmatch(value)
            count = int(match[1].replace(",", "")) if match else None
        elif isinstance(value, float) and value.is_integer():
            count = int(value)
        if isinstance(count, int) and not isinstance(count, bool) and 0 <= count <= MAX_ENROLLED:
            return count
        if value is not None:
            self.add(field, value)
        return None

    def date(self, field: str, text: str | None) -> str | None:
        """`2020-04-03`, `2020-04` or `2020`, also from `April 3, 2020` or `April 2020`; None for none and a fault."""
        if text is None:
            return None
        found = _iso_form(text)
        if found is None:
            self.add(field, text)
        return found

    def phase(self, field: str, phases: Iterable[str]) -> str | None:
        """The phase as `1`, `1/2`, `2`, `2/3`, `3` or `4`; an early phase 1 counts as 1. None for none."""
        steps: set[str] = set()
        for phase in phases:
            found = _PHASE.findall(phase)
            if not found and phase.upper() not in _NO_PHASE:
                self.add(field, phase)
            steps |= set(found)
        return "/".join(sorted(steps)) or None

    def pmid(self, field: str, value: object) -> int | None:
        """A PMID, from a number or its digits; None for none, and for a fault."""
        found = parse_pmid(value)
        if found is None and value is not None:
            self.add(field, value)
        return found


def study_number(value: object) -> str:
    """The number of a study of ClinicalTrials.gov in normal form. Raises ValueError for any other value."""
    number = value.strip().upper() if isinstance(value, str) else value
    if number is None or number == "":
        raise ValueError("has no NCT number")
    if not isinstance(number, str) or not _NUMBER.fullmatch(number):
        raise ValueError(f"has {_SHORT.repr(number)} instead of an NCT number")
    return f"NCT{int(number[3:]):08}"


def data_bank_number(text: str) -> str:
    """A number in a data bank or of a sponsor: that of a registry of trials in normal form, any other as it is."""
    return normal_registry_number(text) or text


def constant(text: str) -> str | None:
    """A value of a list as the API writes it: `Active, not recruiting` becomes `ACTIVE_NOT_RECRUITING`."""
    return re.sub(r"[^A-Z0-9]+", "_", text.upper()).strip("_") or None


def _iso_form(text: str) -> str | None:
    """A date of the calendar, as exact as the text has it; None for any other text."""
    text = text.strip()
    written = _DATE.fullmatch(text)
    if written is not None and written["month"] in _MONTHS:
        text = f"{written['year']}-{_MONTHS.index(written['month']) + 1:02}"
        text += f"-{int(written['day']):02}" if written["day"] else ""
    match = _ISO_DATE.fullmatch(text)
    if match is None:
        return None
    try:
        date(int(match[1]), int(match[2] or 1), int(match[3] or 1))
    except ValueError:
        return None
    return text
