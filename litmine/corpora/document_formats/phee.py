"""PHEE: sentences of case reports with events: a drug and its adverse or wanted effect, dose, route and indication.

JSON lines with `id`, `context` and `annotations`. Each argument has lists of words and starts; a list of several is an
interrupted mention. An event's drug is related to its effects, disorders, doses and routes; the event's negation,
speculation and severity are qualifiers of these relations. Triggers, subjects, durations, frequencies and times are
not read. Source of the form: Sun et al., PHEE: A dataset for
pharmacovigilance event extraction from text, EMNLP 2022.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from litmine.corpora.document_formats.json_lines import SHAPE_ERRORS, NumberedLines, json_objects, not_a_document
from litmine.corpora.documents import AnnotatedSentence, RawDocument, RawEntity, RawRelation
from litmine.errors import CorpusError

# The type of an event, the type of its effect, and the relation of drug and effect.
_EFFECTS = {
    "Adverse_event": ("AdverseEffect", "adverse_effect"),
    "Potential_therapeutic_event": ("TherapeuticEffect", "therapeutic_effect"),
}
# What a treatment names beside its drugs: the key, and the relation of the drug to it.
_OF_TREATMENT = {"Disorder": "treats", "Dosage": "dosage", "Route": "route"}
_QUALIFIERS = {"Negated": "negated", "Speculated": "speculated"}


def read_phee(path: Path, lines: NumberedLines) -> Iterator[RawDocument]:
    """Yield each sentence as a document. Raises CorpusError, with the line number, for a line of another form."""
    for number, read in json_objects(path, lines):
        try:
            text = str(read["context"])
            raw = RawDocument(str(read["id"]), text, f"line {number}")
            labels: dict[str, None] = {}
            for annotation in read["annotations"]:
                for event in annotation["events"]:
                    if _Event(raw, event).add():
                        labels[str(event["event_type"]).lower()] = None
            raw.sentences = [AnnotatedSentence(0, len(text), tuple(labels))] if text else []
            yield raw
        except SHAPE_ERRORS as error:
            raise CorpusError(f"{path}, line {number}: {not_a_document(error)}") from error


class _Event:
    """Adds the mentions and relations of one event to a document."""

    def __init__(self, raw: RawDocument, event: Mapping[str, Any]) -> None:
        self._raw, self._event = raw, event
        self._where = f"{raw.where}, {event['event_id']}"

    def add(self) -> bool:
        """Whether the event is of a known type; others are reported and add nothing."""
        effect_type, relation = _EFFECTS.get(str(self._event["event_type"]), ("", ""))
        if not effect_type:
            self._raw.unread.append((self._where, f"unknown type of event {self._event['event_type']}"))
            return False
        treatment = self._event.get("Treatment", {})
        drugs = self._mentions(treatment.get("Drug"), "Drug")
        qualifiers = self._qualifiers()
        effects = self._mentions(self._event.get("Effect"), effect_type)
        self._relate(relation, drugs, effects, qualifiers)
        for key, name in _OF_TREATMENT.items():
            # Whether an indication or a dose holds is not what the event's negation says.
            self._relate(name, drugs, self._mentions(treatment.get(key), key), ())
        for combination in treatment.get("Combination", ()):
            combined = self._mentions(combination.get("Drug"), "Drug")
            for place, one in enumerate(combined):
                self._relate("combination", [one], combined[place + 1 :], ())
        return True

    def _qualifiers(self) -> tuple[str, ...]:
        found = [name for key, name in _QUALIFIERS.items() if self._event.get(key, {}).get("value")]
        severity = self._event.get("Severity", {}).get("value")
        return (*found, f"severity {str(severity).lower()}") if severity else tuple(found)

    def _mentions(self, read: Mapping[str, Any] | None, entity_type: str) -> list[str]:
        """Add the mentions of an argument; returns their ids in the document, equal mentions with one id."""
        ids = []
        for words, starts in zip(read["text"], read["start"], strict=True) if read else ():
            # The parts are in the order of the argument, not always that of the text.
            parts = sorted(zip(starts, words, strict=True))
            spans = tuple((int(start), int(start) + len(word)) for start, word in parts)
            if not spans:
                continue
            entity_id = f"{entity_type}:" + ";".join(f"{start}-{end}" for start, end in spans)
            if entity_id not in ids:
                ids.append(entity_id)
            if all(one.entity_id != entity_id for one in self._raw.entities):
                written = " ".join(str(word) for _, word in parts)
                self._raw.entities.append(RawEntity(entity_id, entity_type, spans, written, "", self._where))
        return ids

    def _relate(self, name: str, subjects: list[str], objects: list[str], qualifiers: tuple[str, ...]) -> None:
        for subject in subjects:
            for other in objects:
                self._raw.relations.append(RawRelation(name, subject, other, self._where, qualifiers))
