"""What corpora with labels annotate: texts or sentences, one label or several, and litmine's names of the labels."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from litmine.corpora.documents import AnnotatedDocument


@dataclass(frozen=True, slots=True)
class LabelDeclaration:
    """A corpus with labels.

    scheme: the name of what it labels, for a classifier. sentences: whether its sentences are labelled, not its texts.
    several: whether a text or sentence may have several labels, or none. names: litmine's names of its labels; where
    there are any, other labels do not count. top_level: the mark after the name of the upper class of a label.
    no_label: what its files write where there is none.
    sections: whether a labelled sentence of the file is a section of several sentences, which all have its label.
    """

    corpus: str
    scheme: str
    sentences: bool = False
    several: bool = False
    names: Mapping[str, str] | None = None
    top_level: str = ""
    no_label: str = ""
    sections: bool = False

    def rename(self, labels: Iterable[str]) -> tuple[str, ...]:
        """The labels in litmine's names, each once."""
        marked = [one for one in labels if one and one != self.no_label]
        upper = [one.partition(self.top_level)[0] if self.top_level else one for one in marked]
        known = upper if self.names is None else [self.names[one.upper()] for one in upper if one.upper() in self.names]
        return tuple(dict.fromkeys(known))

    def renamed(self, document: AnnotatedDocument) -> AnnotatedDocument:
        """The document with litmine's names of its labels."""
        return replace(
            document,
            labels=self.rename(document.labels),
            sentences=tuple(replace(one, labels=self.rename(one.labels)) for one in document.sentences),
        )


# The labels of structured abstracts that name one role; NLM maps them to the same four (and "objective" to its own).
_SECTIONS = {
    "background": "BACKGROUND|INTRODUCTION|CONTEXT|RATIONALE|OBJECTIVE|OBJECTIVES|PURPOSE|AIM|AIMS|BACKGROUND AND AIMS|"
    "BACKGROUND AND OBJECTIVES|BACKGROUND/AIMS|BACKGROUND AND AIM|AIMS AND OBJECTIVES|BACKGROUND AND OBJECTIVE|"
    "HYPOTHESIS",
    "methods": "METHODS|METHOD|MATERIALS AND METHODS|MATERIAL AND METHODS|PATIENTS AND METHODS|SUBJECTS AND METHODS|"
    "RESEARCH DESIGN AND METHODS|DESIGN|STUDY DESIGN|SETTING|PARTICIPANTS|PATIENTS|INTERVENTION|INTERVENTIONS|"
    "MAIN OUTCOME MEASURES|OUTCOME MEASURES|STATISTICAL ANALYSIS|MEASUREMENTS|MATERIAL/METHODS",
    "results": "RESULTS|RESULT|FINDINGS",
    "conclusions": "CONCLUSIONS|CONCLUSION|INTERPRETATION|DISCUSSION|CONCLUSIONS/SIGNIFICANCE",
}
_SECTION_NAMES = {label: role for role, labels in _SECTIONS.items() for label in labels.split("|")}
_SECTION_NAMES |= {
    f"{prefix}.{label}": role for prefix in ("ABSTRACT", "SUMMARY") for label, role in _SECTION_NAMES.items()
}

LABEL_DECLARATIONS: dict[str, LabelDeclaration] = {
    one.corpus: one
    for one in (
        LabelDeclaration("StudyType", "study_type"),
        LabelDeclaration("NICTA-PIBOSO", "sentence_role", sentences=True),
        LabelDeclaration("EvidenceInference", "section", sentences=True, sections=True, names=_SECTION_NAMES),
        LabelDeclaration("HoC", "hallmark", several=True, top_level="--", no_label="NULL"),
        LabelDeclaration("LitCovid", "topic", several=True),
        LabelDeclaration("OHSUMED", "disease_category"),
        LabelDeclaration("PublicationType", "publication_type", several=True),
        LabelDeclaration("ADE", "adverse_event", sentences=True, several=True),
    )
}
