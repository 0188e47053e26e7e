"""Registrations of trials in the forms of ClinicalTrials.gov: hand-made studies in its published structure."""

import io
import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, strategies

from litmine.errors import SourceError
from litmine.lake.registered_trials import TABLE
from litmine.schema import arrow_schema
from litmine.sources.studies import holds_studies, read_studies
from litmine.types import RegisteredTrial, TrialIntervention, UnreadableRecord

STUDY: dict[str, Any] = {
    "protocolSection": {
        "identificationModule": {
            "nctId": "NCT01234567",
            "orgStudyIdInfo": {"id": "ABC-1"},
            "secondaryIdInfos": [{"id": "EudraCT 2004-001234-56", "type": "EUDRACT_NUMBER"}],
            "briefTitle": "Aspirin for headache",
            "officialTitle": "A Trial of Aspirin for Headache in Children",
            "acronym": "ASH",
        },
        "statusModule": {
            "overallStatus": "COMPLETED",
            "startDateStruct": {"date": "2011-05", "type": "ACTUAL"},
            "completionDateStruct": {"date": "2013-06-01"},
            "studyFirstPostDateStruct": {"date": "2010-12-01"},
            "lastUpdatePostDateStruct": {"date": "2014-02-03"},
        },
        "sponsorCollaboratorsModule": {"leadSponsor": {"name": "A University", "class": "OTHER"}},
        "conditionsModule": {"conditions": ["Headache"]},
        "designModule": {
            "studyType": "INTERVENTIONAL",
            "phases": ["PHASE2", "PHASE3"],
            "designInfo": {
                "allocation": "RANDOMIZED",
                "interventionModel": "PARALLEL",
                "maskingInfo": {"masking": "DOUBLE"},
            },
            "enrollmentInfo": {"count": 120, "type": "ACTUAL"},
        },
        "armsInterventionsModule": {"interventions": [{"type": "DRUG", "name": "Aspirin"}, {"name": "Rest"}]},
        "outcomesModule": {"primaryOutcomes": [{"measure": "Pain at 2 h"}], "secondaryOutcomes": []},
        "eligibilityModule": {"sex": "ALL", "minimumAge": "6 Years", "maximumAge": "17 Years", "stdAges": ["CHILD"]},
        "contactsLocationsModule": {"locations": [{"country": "France"}, {"country": "Chad"}, {"country": "France"}]},
        "referencesModule": {"references": [{"pmid": "12345", "type": "RESULT"}, {"pmid": "7", "type": "BACKGROUND"}]},
    },
    "hasResults": True,
}
TRIAL = RegisteredTrial(
    registry_id="NCT01234567",
    title="Aspirin for headache",
    official_title="A Trial of Aspirin for Headache in Children",
    acronym="ASH",
    secondary_ids=("ABC-1", "2004-001234-56"),
    status="COMPLETED",
    study_type="INTERVENTIONAL",
    phase="2/3",
    allocation="RANDOMIZED",
    masking="DOUBLE",
    intervention_model="PARALLEL",
    enrolled=120,
    enrolled_type="ACTUAL",
    conditions=("Headache",),
    interventions=(TrialIntervention("DRUG", "Aspirin"), TrialIntervention(None, "Rest")),
    primary_outcomes=("Pain at 2 h",),
    sponsor="A University",
    start_date="2011-05",
    completion_date="2013-06-01",
    first_posted="2010-12-01",
    updated="2014-02-03",
    sex="ALL",
    minimum_age="6 Years",
    maximum_age="17 Years",
    age_groups=("CHILD",),
    countries=("Chad", "France"),
    has_results=True,
    result_pmids=(12345,),
)
TODAY = (
    "NCT Number,Study Title,Study URL,Acronym,Study Status,Brief Summary,Study Results,Conditions,Interventions,"
    "Primary Outcome Measures,Secondary Outcome Measures,Other Outcome Measures,Sponsor,Collaborators,Sex,Age,Phases,"
    "Enrollment,Funder Type,Study Type,Study Design,Other IDs,Start Date,Primary Completion Date,Completion Date,"
    "First Posted,Results First Posted,Last Update Posted,Locations,Study Documents\r\n"
    'NCT01234567,"Aspirin, for headache",https://x,ASH,COMPLETED,"Two\nlines",YES,Headache|Pain,'
    'DRUG: Aspirin|OTHER: Rest,Pain at 2 h|Sleep,,,A University,,ALL,"CHILD, ADULT",PHASE2|PHASE3,120,OTHER,'
    'INTERVENTIONAL,"Allocation: RANDOMIZED|Intervention Model: PARALLEL|Masking: DOUBLE (PARTICIPANT, INVESTIGATOR)|'
    'Primary Purpose: TREATMENT",ABC-1|2004-001234-56,2011-05,,2013-06-01,2010-12-01,,2014-02-03,,\r\n'
)
BEFORE = (
    "Rank,NCT Number,Title,Acronym,Status,Study Results,Conditions,Interventions,Outcome Measures,"
    "Sponsor/Collaborators,Gender,Age,Phases,Enrollment,Study Type,Study Designs,Other IDs,Start Date,"
    "Completion Date,First Posted,Last Update Posted\n"
    '1,NCT01234567,Aspirin for headache,,"Active, not recruiting",No Results Available,Headache,Drug: Aspirin,Pain,'
    'A University|B,All,"3 Years to 17 Years   (Child)",Phase 2|Phase 3,120,Interventional,Allocation: Randomized|'
    "Intervention Model: Parallel Assignment|Masking: Double (Participant),1,April 2020,"
    '"March 3, 2021","April 3, 2020",\n'
)


def read(text: str | bytes) -> list[RegisteredTrial | UnreadableRecord]:
    content = text if isinstance(text, bytes) else text.encode()
    assert holds_studies(content)
    return list(read_studies(io.BytesIO(content)))


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(STUDY),
        json.dumps(STUDY, indent=2),
        json.dumps([STUDY]),
        json.dumps({"studies": [STUDY], "nextPageToken": "x"}),
        json.dumps({"nextPageToken": "x", "studies": [STUDY]}, indent=1),
        json.dumps({"totalCount": 1, "studies": [STUDY]}).encode("utf-16"),
    ],
)
def test_one_study_a_list_and_a_page(text: str | bytes) -> None:
    assert read(text) == [TRIAL]


def test_a_study_a_line_and_a_damaged_line() -> None:
    line = json.dumps(STUDY)
    found = read(f"{line}\n{line[:400]}\n\n{line}\n")
    assert [type(one) for one in found] == [RegisteredTrial, UnreadableRecord, RegisteredTrial]
    assert isinstance(found[1], UnreadableRecord)
    assert found[1].where == "line 2"
    assert found[1].why.startswith("The study is no JSON (")


def test_studies_without_a_number_cost_no_others() -> None:
    numbered: dict[str, Any] = {"protocolSection": {"identificationModule": {"nctId": " nct42 "}}}
    other = {"protocolSection": {"identificationModule": {"nctId": 5}}}
    found = read(json.dumps({"studies": [{"protocolSection": {}}, numbered, 7, {"protocolSection": 1}, other]}))
    assert found[1] == RegisteredTrial("NCT00000042")
    reasons = [one.why for one in found if isinstance(one, UnreadableRecord)]
    assert reasons == [
        "The study has no NCT number; download it again.",
        "The study is no JSON object; download it again.",
        "The study has no NCT number; download it again.",
        "The study has 5 instead of an NCT number; download it again.",
    ]


def changed(path: str, value: Any) -> dict[str, Any]:
    """The study with another value at a path such as `designModule.phases`."""
    study: dict[str, Any] = json.loads(json.dumps(STUDY))
    *outer, last = path.split(".")
    inner = study["protocolSection"] if path != "hasResults" else study
    for name in outer:
        inner = inner[name]
    inner[last] = value
    return study


@pytest.mark.parametrize(
    ("path", "value", "field", "fault"),
    [
        ("designModule.enrollmentInfo.count", 2**63, "enrolled", "enrollmentInfo.count is 9223372036854775808"),
        ("designModule.enrollmentInfo.count", 2**63 - 1, "enrolled", "enrollmentInfo.count is 9223372036854775807"),
        ("designModule.enrollmentInfo.count", 100_000_000, "enrolled", "enrollmentInfo.count is 100000000"),
        ("designModule.enrollmentInfo.count", 10**45, "enrolled", "enrollmentInfo.count is 1e+45"),
        ("designModule.enrollmentInfo.count", -5, "enrolled", "enrollmentInfo.count is -5"),
        ("designModule.enrollmentInfo.count", 12.7, "enrolled", "enrollmentInfo.count is 12.7"),
        ("designModule.enrollmentInfo.count", "12", "enrolled", "enrollmentInfo.count is '12'"),
        ("designModule.enrollmentInfo.count", True, "enrolled", "enrollmentInfo.count is True"),
        ("designModule.enrollmentInfo.count", float("nan"), "enrolled", "enrollmentInfo.count is nan"),
        ("designModule.phases", "PHASE1", "phase", "phases is 'PHASE1'"),
        ("designModule.phases", ["PHASE9"], "phase", "phases is 'PHASE9'"),
        ("statusModule.overallStatus", 5, "status", "overallStatus is 5"),
        ("statusModule.completionDateStruct.date", "soon", "completion_date", "completionDateStruct.date is 'soon'"),
        ("statusModule.startDateStruct.date", "2001-02-31", "start_date", "startDateStruct.date is '2001-02-31'"),
        ("statusModule.startDateStruct", "2001", "start_date", "startDateStruct is '2001'"),
        ("identificationModule.officialTitle", ["x"], "official_title", "officialTitle is ['x']"),
        ("conditionsModule.conditions", [7], "conditions", "conditions is 7"),
        (
            "referencesModule.references",
            [{"type": "RESULT", "pmid": "abc"}],
            "result_pmids",
            "references.pmid is 'abc'",
        ),
        ("referencesModule.references", [{"type": "RESULT", "pmid": -3}], "result_pmids", "references.pmid is -3"),
        (
            "referencesModule.references",
            [{"type": "RESULT", "pmid": "9" * 20}],
            "result_pmids",
            "references.pmid is '9",
        ),
        ("hasResults", "yes", "has_results", "hasResults is 'yes'"),
    ],
)
def test_a_value_of_a_wrong_form_is_left_out_and_named(path: str, value: Any, field: str, fault: str) -> None:
    trial, gap = read(json.dumps([changed(path, value)]))
    missing: Any = () if isinstance(getattr(TRIAL, field), tuple) else None
    assert trial == replace(TRIAL, **{field: missing})
    assert isinstance(gap, UnreadableRecord)
    assert gap.where == "record 1"
    start = "The study NCT01234567 was written without values of a wrong form ("
    assert gap.why.startswith(start + fault)
    assert gap.why.endswith("); correct them, or download it again.")


def test_of_many_faults_some_are_named() -> None:
    _, gap = read(json.dumps(changed("conditionsModule.conditions", [*range(8)])))
    assert isinstance(gap, UnreadableRecord)
    assert (
        "(conditions is 0; conditions is 1; conditions is 2; conditions is 3; conditions is 4; and 3 more)" in gap.why
    )


@pytest.mark.parametrize("count", [0, 120, 120.0, 66_000_000])
def test_numbers_of_participants(count: float) -> None:
    (found,) = read(json.dumps(changed("designModule.enrollmentInfo.count", count)))
    assert found == replace(TRIAL, enrolled=int(count))


def test_a_missing_value_is_no_fault() -> None:
    for path in ("designModule", "statusModule.overallStatus", "hasResults", "designModule.enrollmentInfo.count"):
        assert [type(one) for one in read(json.dumps(changed(path, None)))] == [RegisteredTrial]


values = strategies.recursive(
    strategies.none() | strategies.booleans() | strategies.integers() | strategies.floats() | strategies.text(),
    lambda inner: strategies.lists(inner, max_size=2) | strategies.dictionaries(strategies.text(), inner, max_size=2),
    max_leaves=4,
)


def places(inner: dict[str, Any], path: str = "") -> Iterator[str]:
    """The paths of all values of the study, but that of its number."""
    for name, value in inner.items():
        yield from [f"{path}{name}"] * (name not in {"nctId", "identificationModule"})
        if isinstance(value, dict):
            yield from places(value, f"{path}{name}.")


@given(strategies.sampled_from(sorted(places(STUDY["protocolSection"]))), values)
def test_any_value_in_any_place_is_stored_or_named(path: str, value: Any) -> None:
    trial, *gaps = read(json.dumps([changed(path, value)]))
    assert isinstance(trial, RegisteredTrial)
    assert trial.registry_id == "NCT01234567"
    assert len(gaps) <= 1
    pa.Table.from_pylist([asdict(trial) | {"source": "", "as_of": None, "record_hash": 0}], arrow_schema(TABLE))


def test_a_lone_surrogate_becomes_the_replacement_character() -> None:
    study = json.dumps(STUDY).replace("Aspirin for headache", "Aspirin \\ud800")
    (found,) = read(study)
    assert isinstance(found, RegisteredTrial)
    assert found.title == "Aspirin \ufffd"


@pytest.mark.parametrize("text", ['{"studies": [', '[{"protocolSection": {]'])
def test_incomplete_json_is_refused(text: str) -> None:
    with pytest.raises(SourceError, match=r"no complete JSON of studies \(.*\)\.$"):
        read(text)


def test_the_csv_of_today() -> None:
    (found,) = read(TODAY)
    assert isinstance(found, RegisteredTrial)
    assert found.title == "Aspirin, for headache"
    assert (found.phase, found.masking, found.allocation, found.enrolled) == ("2/3", "DOUBLE", "RANDOMIZED", 120)
    assert found.interventions == (TrialIntervention("DRUG", "Aspirin"), TrialIntervention("OTHER", "Rest"))
    assert (found.secondary_ids, found.age_groups) == (("ABC-1", "2004-001234-56"), ("CHILD", "ADULT"))
    assert (found.minimum_age, found.has_results, found.updated) == (None, True, "2014-02-03")


def test_the_csv_of_before_has_the_same_values() -> None:
    (found,) = read(BEFORE)
    assert isinstance(found, RegisteredTrial)
    assert (found.status, found.allocation, found.masking) == ("ACTIVE_NOT_RECRUITING", "RANDOMIZED", "DOUBLE")
    assert (found.intervention_model, found.phase, found.sponsor) == ("PARALLEL", "2/3", "A University")
    assert (found.minimum_age, found.maximum_age, found.age_groups) == ("3 Years", "17 Years", ("CHILD",))
    assert (found.start_date, found.completion_date, found.has_results) == ("2020-04", "2021-03-03", False)


@pytest.mark.parametrize(
    ("old", "new", "field", "fault"),
    [
        (",120,", ",99999999999999999999,", "enrolled", "Enrollment is '99999999999999999999'"),
        (",120,", ",abc,", "enrolled", "Enrollment is 'abc'"),
        (",120,", ",12.7,", "enrolled", "Enrollment is '12.7'"),
        (",120,", ",-5,", "enrolled", "Enrollment is '-5'"),
        ("Phase 2|Phase 3", "Phase II", "phase", "Phases is 'Phase II'"),
        ("April 2020", "soon", "start_date", "Start Date is 'soon'"),
        ("March 3, 2021", "February 31, 2021", "completion_date", "Completion Date is 'February 31, 2021'"),
        ("No Results Available", "Perhaps", "has_results", "Study Results is 'PERHAPS'"),
        ("Allocation: Randomized", "Randomized", "allocation", "Study Design is 'Randomized'"),
    ],
)
def test_a_cell_of_a_wrong_form_is_left_out_and_named(old: str, new: str, field: str, fault: str) -> None:
    (whole,) = read(BEFORE)
    assert isinstance(whole, RegisteredTrial)
    trial, gap = read(BEFORE.replace(old, new))
    missing: Any = None
    assert trial == replace(whole, **{field: missing})
    assert gap == UnreadableRecord(
        "record 1",
        f"The study NCT01234567 was written without values of a wrong form ({fault}); correct them, or download it"
        " again.",
    )


@pytest.mark.parametrize(("cell", "count"), [('"1,204"', 1204), ("12.0", 12), ("0", 0), ("", None)])
def test_numbers_of_participants_in_a_cell(cell: str, count: int | None) -> None:
    (found,) = read(BEFORE.replace(",120,", f",{cell},"))
    assert isinstance(found, RegisteredTrial)
    assert found.enrolled == count


def test_a_row_with_more_cells_than_the_header_is_unreadable() -> None:
    (gap,) = read(BEFORE.replace('"Active, not recruiting"', "Active, not recruiting"))
    assert gap == UnreadableRecord("record 1", "The study has more cells than the header; download it again.")


def test_a_study_a_line_that_is_nested_too_deeply_costs_no_others() -> None:
    deep = '{"protocolSection":' * 100_000
    found = read(f"{json.dumps(STUDY)}\n{deep}\n{json.dumps(STUDY)}")
    assert found[0] == found[2] == TRIAL
    assert found[1] == UnreadableRecord("line 2", "The study is nested too deeply; download it again.")


@pytest.mark.parametrize(
    "start", [b'{"pmid": 1, "title": "studies"}', b"pmid,title\n", b'{"documents": []}', b"", b"[]"]
)
def test_other_files_are_none_of_studies(start: bytes) -> None:
    assert not holds_studies(start)
