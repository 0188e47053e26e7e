"""Registrations of trials in the forms of ClinicalTrials.gov: hand-made studies in its published structure."""

import io
import json
from typing import Any

import pytest

from litmine.errors import SourceError
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


def test_studies_without_a_number_or_with_values_of_other_types_cost_no_others() -> None:
    odd: dict[str, Any] = {"protocolSection": {"identificationModule": {"nctId": " nct42 ", "briefTitle": ["x"]}}}
    odd["protocolSection"] |= {"designModule": {"phases": "PHASE1", "enrollmentInfo": {"count": "many"}}}
    found = read(json.dumps({"studies": [{"protocolSection": {}}, odd, 7, {"protocolSection": 1}]}))
    assert found[1] == RegisteredTrial("NCT00000042")
    reasons = [one.why for one in found if isinstance(one, UnreadableRecord)]
    assert reasons == [
        "The study has no NCT number; download it again.",
        "The study is no JSON object; download it again.",
        "The study has no NCT number; download it again.",
    ]


def test_a_lone_surrogate_becomes_the_replacement_character() -> None:
    study = json.dumps(STUDY).replace("Aspirin for headache", "Aspirin \\ud800")
    (found,) = read(study)
    assert isinstance(found, RegisteredTrial)
    assert found.title == "Aspirin \ufffd"


@pytest.mark.parametrize("text", ['{"studies": [', '[{"protocolSection": {]'])
def test_incomplete_json_is_refused(text: str) -> None:
    with pytest.raises(SourceError, match=r"no complete JSON of studies \(.*\); download it again"):
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
    "start", [b'{"pmid": 1, "title": "studies"}', b"pmid,title\n", b'{"documents": []}', b"", b"[]"]
)
def test_other_files_are_none_of_studies(start: bytes) -> None:
    assert not holds_studies(start)
