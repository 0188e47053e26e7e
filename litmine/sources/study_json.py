"""The registration of a trial in the JSON of a study of ClinicalTrials.gov (version 2 of its API)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from litmine.sources.study_values import ValueFaults, data_bank_number, study_number
from litmine.types import RegisteredTrial, TrialIntervention

_Object = Mapping[str, Any]


def read_study(study: Any) -> tuple[RegisteredTrial, str]:
    """The registration, and a sentence that names its values of a wrong form, which it has not; empty without any.

    Raises ValueError if it has no number of ClinicalTrials.gov.
    """
    if not isinstance(study, dict):
        raise ValueError("is no JSON object")
    faults = ValueFaults()
    trial = _registration(study, _Reader(faults), faults)
    return trial, faults.sentence(trial.registry_id)


def _registration(study: _Object, reader: "_Reader", faults: ValueFaults) -> RegisteredTrial:
    section, items, text, texts, named = reader.section, reader.items, reader.text, reader.texts, reader.named
    protocol = section(study, "protocolSection")
    names, status, design = (section(protocol, f"{name}Module") for name in ("identification", "status", "design"))
    number = study_number(names.get("nctId"))
    design_info, enrolment = section(design, "designInfo"), section(design, "enrollmentInfo")
    outcomes, eligibility = section(protocol, "outcomesModule"), section(protocol, "eligibilityModule")
    interventions = items(section(protocol, "armsInterventionsModule"), "interventions")
    identifiers = [section(names, "orgStudyIdInfo"), *items(names, "secondaryIdInfos")]
    places = items(section(protocol, "contactsLocationsModule"), "locations")
    references = items(section(protocol, "referencesModule"), "references")
    brief, official = text(names, "briefTitle"), text(names, "officialTitle")

    def date_of(name: str) -> str | None:
        return faults.date(f"{name}.date", text(section(status, name), "date", name))

    return RegisteredTrial(
        registry_id=number,
        title=brief or official,
        official_title=official,
        acronym=text(names, "acronym"),
        secondary_ids=tuple(dict.fromkeys(map(data_bank_number, named(identifiers, "id", "secondaryIdInfos")))),
        status=text(status, "overallStatus"),
        study_type=text(design, "studyType"),
        phase=faults.phase("phases", texts(design, "phases")),
        allocation=text(design_info, "allocation"),
        masking=text(section(design_info, "maskingInfo"), "masking"),
        intervention_model=text(design_info, "interventionModel"),
        enrolled=faults.enrolled("enrollmentInfo.count", reader.number(enrolment, "count", "enrollmentInfo")),
        enrolled_type=text(enrolment, "type", "enrollmentInfo"),
        conditions=texts(section(protocol, "conditionsModule"), "conditions"),
        interventions=tuple(
            TrialIntervention(text(one, "type", "interventions"), name)
            for one in interventions
            if (name := text(one, "name", "interventions"))
        ),
        primary_outcomes=named(items(outcomes, "primaryOutcomes"), "measure", "primaryOutcomes"),
        secondary_outcomes=named(items(outcomes, "secondaryOutcomes"), "measure", "secondaryOutcomes"),
        sponsor=text(section(section(protocol, "sponsorCollaboratorsModule"), "leadSponsor"), "name", "leadSponsor"),
        start_date=date_of("startDateStruct"),
        completion_date=date_of("completionDateStruct"),
        first_posted=date_of("studyFirstPostDateStruct"),
        updated=date_of("lastUpdatePostDateStruct"),
        sex=text(eligibility, "sex"),
        minimum_age=text(eligibility, "minimumAge"),
        maximum_age=text(eligibility, "maximumAge"),
        age_groups=texts(eligibility, "stdAges"),
        countries=tuple(sorted(set(named(places, "country", "locations")))),
        has_results=reader.boolean(study, "hasResults"),
        result_pmids=tuple(dict.fromkeys(_result_pmids(references, reader, faults))),
    )


def _result_pmids(references: Sequence[_Object], reader: "_Reader", faults: ValueFaults) -> Iterator[int]:
    """The PMIDs of the references for results; those that the registry found itself by number (DERIVED) among them."""
    for one in references:
        if reader.text(one, "type", "references") in {"RESULT", "DERIVED"}:
            value = one.get("pmid")
            pmid = faults.pmid("references.pmid", value.strip() or None if isinstance(value, str) else value)
            if pmid is not None:
                yield pmid


class _Reader:
    """Reads values of JSON objects; one of another type counts as missing and is a fault. Null is missing.

    `within` names the object, where the name of the value alone does not say enough.
    """

    def __init__(self, faults: ValueFaults) -> None:
        self._faults = faults

    def section(self, of: _Object, name: str) -> _Object:
        """An object in an object; empty where there is none."""
        inner = of.get(name)
        if isinstance(inner, dict):
            return inner
        self._fault(name, inner)
        return {}

    def items(self, of: _Object, name: str) -> list[_Object]:
        """The objects of a list in an object."""
        return [one for one in self._list(of, name) if isinstance(one, dict) or self._fault(name, one)]

    def text(self, of: _Object, name: str, within: str = "") -> str | None:
        """A text without white space at its ends; None where there is none. A lone surrogate becomes U+FFFD."""
        value = of.get(name)
        if isinstance(value, str):
            return _clean(value) or None
        self._fault(f"{within}.{name}" if within else name, value)
        return None

    def texts(self, of: _Object, name: str) -> tuple[str, ...]:
        """The texts of a list in an object."""
        texts = (_clean(one) for one in self._list(of, name) if isinstance(one, str) or self._fault(name, one))
        return tuple(filter(None, texts))

    def named(self, items: Sequence[_Object], name: str, within: str) -> tuple[str, ...]:
        """A text of each of the objects that has it."""
        return tuple(text for one in items if (text := self.text(one, name, within)))

    def number(self, of: _Object, name: str, within: str) -> object:
        """A number in an object; None where there is none."""
        value = of.get(name)
        if isinstance(value, int | float):
            return value
        self._fault(f"{within}.{name}", value)
        return None

    def boolean(self, of: _Object, name: str) -> bool | None:
        """A truth value in an object; None where there is none."""
        value = of.get(name)
        if isinstance(value, bool):
            return value
        self._fault(name, value)
        return None

    def _list(self, of: _Object, name: str) -> list[Any]:
        inner = of.get(name)
        if isinstance(inner, list):
            return inner
        self._fault(name, inner)
        return []

    def _fault(self, name: str, value: object) -> bool:
        """Note a value of another type; returns False."""
        if value is not None:
            self._faults.add(name, value)
        return False


def _clean(text: str) -> str:
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").strip()
