"""Read registrations of trials from files of ClinicalTrials.gov: JSON of its API (version 2), and its CSV.

JSON is one study, a list of studies, a page of the API (`{"studies": [...]}`) or a study a line. Written from the
published structure of the data (https://clinicaltrials.gov/data-api/about-api/study-data-structure); untried on the
service itself.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO

from litmine.errors import SourceError
from litmine.sources.encodings import decode_start, decode_text, undecodable
from litmine.sources.pmids import parse_pmid
from litmine.sources.studies_csv import CSV_HEADER, read_studies_csv
from litmine.sources.study_values import data_bank_number, normal_phase, study_number
from litmine.types import RegisteredTrial, TrialIntervention, UnreadableRecord

# Largest file, unpacked, since JSON is read whole. A page of the API has at most 1,000 studies, some 20 MB.
MAX_BYTES = 1 << 29
_KEYS = (
    "protocolSection|studies|nextPageToken|totalCount|hasResults|resultsSection|derivedSection|documentSection"
    "|annotationSection"
)
_JSON = re.compile(rf'\s*(?:\[\s*)?\{{\s*"(?:{_KEYS})"\s*:')


def holds_studies(start: bytes) -> bool:
    """Whether a file that begins like this, uncompressed, has registrations of trials."""
    head = decode_start(start[: 1 << 12])
    return bool(_JSON.match(head) or CSV_HEADER.match(head))


def read_studies(stream: BinaryIO) -> Iterator[RegisteredTrial | UnreadableRecord]:
    """Yield each study of an uncompressed file; one without a number of ClinicalTrials.gov is unreadable.

    Raises SourceError for a file that is too large, has another encoding, or is no JSON.
    """
    content = stream.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise SourceError(f"The file has more than {MAX_BYTES >> 20} MiB of studies; split it.")
    try:
        text = decode_text(content)
    except UnicodeDecodeError as error:
        raise SourceError(f"The file cannot be read: {undecodable(content, error)}.") from error
    if CSV_HEADER.match(text):
        yield from read_studies_csv(text)
        return
    for where, study in _studies(text):
        try:
            if isinstance(study, json.JSONDecodeError):
                raise ValueError(f"is no JSON ({study.msg})")
            yield _registration(study)
        except ValueError as error:
            yield UnreadableRecord(where, f"The study {error}; download it again.")


def _studies(text: str) -> Iterator[tuple[str, Any]]:
    """The place and the JSON of each study, or the error of a line that has none."""
    try:
        read = json.loads(text)
    except json.JSONDecodeError as error:
        yield from _studies_by_line(text, error)
        return
    except RecursionError as error:
        raise SourceError("The file is JSON that is nested too deeply; download it again.") from error
    if isinstance(read, dict) and "studies" in read:
        read = read["studies"]
    for number, study in enumerate(read if isinstance(read, list) else [read], 1):
        yield f"record {number}", study


def _studies_by_line(text: str, whole: json.JSONDecodeError) -> Iterator[tuple[str, Any]]:
    lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    try:
        json.loads(lines[0][1])
    except json.JSONDecodeError:
        reason = f"{whole.msg}, line {whole.lineno}"
        raise SourceError(f"The file is no complete JSON of studies ({reason}); download it again.") from whole
    for number, line in lines:
        try:
            yield f"line {number}", json.loads(line)
        except json.JSONDecodeError as error:
            yield f"line {number}", error


def _registration(study: Any) -> RegisteredTrial:
    """The registration in the JSON of a study. Raises ValueError if it has no number of ClinicalTrials.gov."""
    if not isinstance(study, dict):
        raise ValueError("is no JSON object")
    protocol = _section(study, "protocolSection")
    names, status, design = (_section(protocol, f"{name}Module") for name in ("identification", "status", "design"))
    design_info, enrolment = _section(design, "designInfo"), _section(design, "enrollmentInfo")
    outcomes, eligibility = _section(protocol, "outcomesModule"), _section(protocol, "eligibilityModule")
    interventions = _items(_section(protocol, "armsInterventionsModule"), "interventions")
    identifiers = [_section(names, "orgStudyIdInfo"), *_items(names, "secondaryIdInfos")]
    places = _items(_section(protocol, "contactsLocationsModule"), "locations")
    has_results = study.get("hasResults")
    sponsor = _section(_section(protocol, "sponsorCollaboratorsModule"), "leadSponsor")
    brief, official = _text(names, "briefTitle"), _text(names, "officialTitle")
    count = enrolment.get("count")
    return RegisteredTrial(
        registry_id=study_number(_text(names, "nctId")),
        title=brief or official,
        official_title=official,
        acronym=_text(names, "acronym"),
        secondary_ids=tuple(dict.fromkeys(map(data_bank_number, _named(identifiers, "id")))),
        status=_text(status, "overallStatus"),
        study_type=_text(design, "studyType"),
        phase=normal_phase(_texts(design, "phases")),
        allocation=_text(design_info, "allocation"),
        masking=_text(_section(design_info, "maskingInfo"), "masking"),
        intervention_model=_text(design_info, "interventionModel"),
        enrolled=count if isinstance(count, int) and not isinstance(count, bool) else None,
        enrolled_type=_text(enrolment, "type"),
        conditions=_texts(_section(protocol, "conditionsModule"), "conditions"),
        interventions=tuple(
            TrialIntervention(_text(one, "type"), name) for one in interventions if (name := _text(one, "name"))
        ),
        primary_outcomes=_named(_items(outcomes, "primaryOutcomes"), "measure"),
        secondary_outcomes=_named(_items(outcomes, "secondaryOutcomes"), "measure"),
        sponsor=_text(sponsor, "name"),
        start_date=_text(_section(status, "startDateStruct"), "date"),
        completion_date=_text(_section(status, "completionDateStruct"), "date"),
        first_posted=_text(_section(status, "studyFirstPostDateStruct"), "date"),
        updated=_text(_section(status, "lastUpdatePostDateStruct"), "date"),
        sex=_text(eligibility, "sex"),
        minimum_age=_text(eligibility, "minimumAge"),
        maximum_age=_text(eligibility, "maximumAge"),
        age_groups=_texts(eligibility, "stdAges"),
        countries=tuple(sorted(set(_named(places, "country")))),
        has_results=has_results if isinstance(has_results, bool) else None,
        result_pmids=_result_pmids(_items(_section(protocol, "referencesModule"), "references")),
    )


def _result_pmids(references: Sequence[Mapping[str, Any]]) -> tuple[int, ...]:
    """The PMIDs of the references for results; those that the registry found itself by number (DERIVED) among them."""
    found = (parse_pmid(_text(one, "pmid")) for one in references if _text(one, "type") in {"RESULT", "DERIVED"})
    return tuple(dict.fromkeys(pmid for pmid in found if pmid is not None))


def _section(of: Any, name: str) -> dict[str, Any]:
    """An object in an object; empty where there is none."""
    inner = of.get(name) if isinstance(of, dict) else None
    return inner if isinstance(inner, dict) else {}


def _items(of: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """The objects of a list in an object."""
    inner = of.get(name)
    return [one for one in inner if isinstance(one, dict)] if isinstance(inner, list) else []


def _text(of: Mapping[str, Any], name: str) -> str | None:
    """A text without white space at its ends; None where there is none. A lone surrogate becomes U+FFFD."""
    value = of.get(name)
    return _clean(value) or None if isinstance(value, str) else None


def _texts(of: Mapping[str, Any], name: str) -> tuple[str, ...]:
    inner = of.get(name)
    texts = (_clean(one) for one in inner if isinstance(one, str)) if isinstance(inner, list) else ()
    return tuple(filter(None, texts))


def _clean(text: str) -> str:
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").strip()


def _named(items: Sequence[Mapping[str, Any]], name: str) -> tuple[str, ...]:
    return tuple(text for one in items if (text := _text(one, name)))
