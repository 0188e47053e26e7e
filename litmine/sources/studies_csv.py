"""Read registrations of trials from the CSV of the site of ClinicalTrials.gov, of today or from before 2023.

A CSV has less of a study than JSON: no countries of the sites, no references, and today no ages in years.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping

from litmine.errors import SourceError
from litmine.sources.study_values import constant, data_bank_number, iso_date, normal_phase, study_number
from litmine.types import RegisteredTrial, TrialIntervention, UnreadableRecord

CSV_HEADER = re.compile(r'\ufeff?\s*(?:"?Rank"?,)?"?NCT Number"?,')
_AGES = re.compile(r"(?<![A-Za-z])(CHILD|ADULT|OLDER[_ ]ADULT)(?![A-Za-z])", re.IGNORECASE)
_YEARS = re.compile(
    r"(?P<from>[0-9]+ [A-Z]\w+)(?: to (?P<to>[0-9]+ [A-Z]\w+)| and older)|up to (?P<until>[0-9]+ [A-Z]\w+)"
)
# Largest value of a cell: a study with hundreds of outcomes has a long one.
_MAX_CELL = 1 << 24


def read_studies_csv(text: str) -> Iterator[RegisteredTrial | UnreadableRecord]:
    """Yield each study of a CSV; a row without a number is unreadable. Raises SourceError for a damaged CSV."""
    csv.field_size_limit(_MAX_CELL)
    rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    try:
        for number, row in enumerate(rows, 1):
            try:
                yield _registration({key: value for key, value in row.items() if key and isinstance(value, str)})
            except ValueError as error:
                yield UnreadableRecord(f"record {number}", f"The study {error}; download it again.")
    except csv.Error as error:
        raise SourceError(f"The CSV is damaged near line {rows.line_num} ({error}); download it again.") from error


def _registration(row: Mapping[str, str]) -> RegisteredTrial:
    design = dict(part.split(": ", 1) for part in _parts(row, "Study Design", "Study Designs") if ": " in part)
    age = _cell(row, "Age") or ""
    years = _YEARS.search(age)
    enrolled = (_cell(row, "Enrollment") or "").split(".")[0].replace(",", "")
    results = _cell(row, "Study Results")
    return RegisteredTrial(
        registry_id=study_number(_cell(row, "NCT Number")),
        title=_cell(row, "Study Title", "Title"),
        acronym=_cell(row, "Acronym"),
        secondary_ids=tuple(dict.fromkeys(map(data_bank_number, _parts(row, "Other IDs")))),
        status=constant(_cell(row, "Study Status", "Status") or ""),
        study_type=constant((_cell(row, "Study Type") or "").partition(":")[0]),
        phase=normal_phase(_parts(row, "Phases")),
        allocation=constant(design.get("Allocation", "")),
        masking=constant(design.get("Masking", "").partition("(")[0]),
        intervention_model=constant(design.get("Intervention Model", "").removesuffix(" Assignment")),
        enrolled=int(enrolled) if enrolled.isascii() and enrolled.isdigit() else None,
        conditions=_parts(row, "Conditions"),
        interventions=tuple(map(_intervention, _parts(row, "Interventions"))),
        primary_outcomes=_parts(row, "Primary Outcome Measures", "Outcome Measures"),
        secondary_outcomes=_parts(row, "Secondary Outcome Measures"),
        sponsor=next(iter(_parts(row, "Sponsor", "Sponsor/Collaborators")), None),
        start_date=iso_date(_cell(row, "Start Date") or ""),
        completion_date=iso_date(_cell(row, "Completion Date") or ""),
        first_posted=iso_date(_cell(row, "First Posted") or ""),
        updated=iso_date(_cell(row, "Last Update Posted") or ""),
        sex=constant(_cell(row, "Sex", "Gender") or ""),
        minimum_age=years["from"] if years else None,
        maximum_age=years["to"] or years["until"] if years else None,
        age_groups=tuple(dict.fromkeys(match.upper().replace(" ", "_") for match in _AGES.findall(age))),
        has_results=None if results is None else results.upper() in {"YES", "HAS RESULTS"},
    )


def _cell(row: Mapping[str, str], *names: str) -> str | None:
    """The first of these columns that has a value."""
    return next((value for name in names if (value := row.get(name, "").strip())), None)


def _parts(row: Mapping[str, str], *names: str) -> tuple[str, ...]:
    """The values of a column, which `|` separates."""
    return tuple(part.strip() for part in (_cell(row, *names) or "").split("|") if part.strip())


def _intervention(text: str) -> TrialIntervention:
    """`DRUG: Aspirin`."""
    kind, separator, name = text.partition(": ")
    return TrialIntervention(constant(kind), name) if separator and name else TrialIntervention(None, text)
