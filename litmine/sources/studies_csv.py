"""Read registrations of trials from the CSV of the site of ClinicalTrials.gov, of today or from before 2023.

A CSV has less of a study than JSON: no countries of the sites, no references, and today no ages in years.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping

from litmine.errors import SourceError
from litmine.sources.study_values import ValueFaults, constant, data_bank_number, study_number
from litmine.types import RegisteredTrial, TrialIntervention, UnreadableRecord

CSV_HEADER = re.compile(r'\ufeff?\s*(?:"?Rank"?,)?"?NCT Number"?,')
_AGES = re.compile(r"(?<![A-Za-z])(CHILD|ADULT|OLDER[_ ]ADULT)(?![A-Za-z])", re.IGNORECASE)
_YEARS = re.compile(
    r"(?P<from>[0-9]+ [A-Z]\w+)(?: to (?P<to>[0-9]+ [A-Z]\w+)| and older)|up to (?P<until>[0-9]+ [A-Z]\w+)"
)
# Largest value of a cell: a study with hundreds of outcomes has a long one.
_MAX_CELL = 1 << 24
_MORE_CELLS = "more cells"
_DATES = ("Start Date", "Completion Date", "First Posted", "Last Update Posted")
_RESULTS = {"YES": True, "HAS RESULTS": True, "NO": False, "NO RESULTS AVAILABLE": False, "NO RESULTS POSTED": False}


def read_studies_csv(text: str) -> Iterator[RegisteredTrial | UnreadableRecord]:
    """Yield each study of a CSV; a row without a number, or with more cells than the header, is unreadable.

    After a study with values of a wrong form comes an `UnreadableRecord` that names them. Raises SourceError for a
    damaged CSV.
    """
    csv.field_size_limit(_MAX_CELL)
    rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), restkey=_MORE_CELLS)
    try:
        for number, row in enumerate(rows, 1):
            faults = ValueFaults()
            try:
                if row.pop(_MORE_CELLS, None):
                    raise ValueError("has more cells than the header")
                trial = _registration({key: value for key, value in row.items() if isinstance(value, str)}, faults)
            except ValueError as error:
                yield UnreadableRecord(f"record {number}", f"The study {error}; download it again.")
                continue
            yield trial
            if fault := faults.sentence(trial.registry_id):
                yield UnreadableRecord(f"record {number}", fault)
    except csv.Error as error:
        raise SourceError(f"The CSV is damaged near line {rows.line_num} ({error}).") from error


def _registration(row: Mapping[str, str], faults: ValueFaults) -> RegisteredTrial:
    design = dict(_design_parts(row, faults))
    age = _cell(row, "Age") or ""
    years, groups = _YEARS.search(age), _AGES.findall(age)
    if age and not (years or groups):
        faults.add("Age", age)
    results = (_cell(row, "Study Results") or "").upper()
    if results and results not in _RESULTS:
        faults.add("Study Results", results)
    dates = {name: faults.date(name, _cell(row, name)) for name in _DATES}
    return RegisteredTrial(
        registry_id=study_number(_cell(row, "NCT Number")),
        title=_cell(row, "Study Title", "Title"),
        acronym=_cell(row, "Acronym"),
        secondary_ids=tuple(dict.fromkeys(map(data_bank_number, _parts(row, "Other IDs")))),
        status=constant(_cell(row, "Study Status", "Status") or ""),
        study_type=constant((_cell(row, "Study Type") or "").partition(":")[0]),
        phase=faults.phase("Phases", _parts(row, "Phases")),
        allocation=constant(design.get("Allocation", "")),
        masking=constant(design.get("Masking", "").partition("(")[0]),
        intervention_model=constant(design.get("Intervention Model", "").removesuffix(" Assignment")),
        enrolled=faults.enrolled("Enrollment", _cell(row, "Enrollment")),
        conditions=_parts(row, "Conditions"),
        interventions=tuple(map(_intervention, _parts(row, "Interventions"))),
        primary_outcomes=_parts(row, "Primary Outcome Measures", "Outcome Measures"),
        secondary_outcomes=_parts(row, "Secondary Outcome Measures"),
        sponsor=next(iter(_parts(row, "Sponsor", "Sponsor/Collaborators")), None),
        start_date=dates["Start Date"],
        completion_date=dates["Completion Date"],
        first_posted=dates["First Posted"],
        updated=dates["Last Update Posted"],
        sex=constant(_cell(row, "Sex", "Gender") or ""),
        minimum_age=years["from"] if years else None,
        maximum_age=years["to"] or years["until"] if years else None,
        age_groups=tuple(dict.fromkeys(match.upper().replace(" ", "_") for match in groups)),
        has_results=_RESULTS.get(results),
    )


def _cell(row: Mapping[str, str], *names: str) -> str | None:
    """The first of these columns that has a value."""
    return next((value for name in names if (value := row.get(name, "").strip())), None)


def _parts(row: Mapping[str, str], *names: str) -> tuple[str, ...]:
    """The values of a column, which `|` separates."""
    return tuple(part.strip() for part in (_cell(row, *names) or "").split("|") if part.strip())


def _design_parts(row: Mapping[str, str], faults: ValueFaults) -> Iterator[tuple[str, str]]:
    """`Allocation: RANDOMIZED`, for each part of a design; the value may be missing."""
    for part in _parts(row, "Study Design", "Study Designs"):
        name, separator, value = part.partition(":")
        if separator:
            yield name, value.strip()
        else:
            faults.add("Study Design", part)


def _intervention(text: str) -> TrialIntervention:
    """`DRUG: Aspirin`."""
    kind, separator, name = text.partition(": ")
    return TrialIntervention(constant(kind), name) if separator and name else TrialIntervention(None, text)
