"""What each relation corpus annotates: its relation types in litmine's names, between which types, and at what level.

A corpus teaches only these relations: a pair of types that it does not declare is no negative example in it
(docs/decisions/0169-relation-types.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

TypePair = tuple[str, str]

# The order of subjects: of two types, the subject is the one that comes first.
SUBJECT_ORDER = ("Chemical", "Gene", "Variant", "Disease", "AdverseEffect", "TherapeuticEffect", "Dose", "Route")

CHEMICAL_GENE: tuple[TypePair, ...] = (("Chemical", "Gene"),)
CHEMICAL_DISEASE: tuple[TypePair, ...] = (("Chemical", "Disease"),)
GENE_DISEASE: tuple[TypePair, ...] = (("Gene", "Disease"),)
DRUG_EFFECT: tuple[TypePair, ...] = (("Chemical", "AdverseEffect"),)


@dataclass(frozen=True, slots=True)
class RelationKind:
    """A relation type of litmine. pairs: subject and object types; symmetric: whether both orders mean the same."""

    name: str
    pairs: tuple[TypePair, ...]
    symmetric: bool = False
    purpose: str = ""


@dataclass(frozen=True, slots=True)
class RelationDeclaration:
    """What a corpus annotates.

    relations: relation types of its files and the relation kinds of litmine.
    entities: entity types of its files and litmine's; `-` leaves a type out.
    level: `mentions` or `identifiers`, what its relations join. unit: `documents` or `sentences`, what it shows.
    across_sentences: whether it relates mentions of different sentences.
    number_separator: what stands between the PMID and the number of a sentence in a document's name; empty if documents
    are whole articles, or the corpus does not say of which article a sentence is.
    """

    corpus: str
    relations: Mapping[str, RelationKind] = field(repr=False)
    entities: Mapping[str, str] = field(repr=False)
    level: str = "mentions"
    unit: str = "documents"
    across_sentences: bool = False
    number_separator: str = ""

    def article_of(self, document: str) -> str:
        """The article of a document, given its name: splits are made by articles, not by sentences."""
        return document.rpartition(self.number_separator)[0] if self.number_separator else document

    @property
    def kinds(self) -> list[RelationKind]:
        """Its relation kinds, each once, in the order of the declaration."""
        return list(dict.fromkeys(self.relations.values()))

    @property
    def type_pairs(self) -> list[TypePair]:
        """The pairs of entity types, subject first, that the corpus judges."""
        return list(dict.fromkeys(pair for kind in self.kinds for pair in kind.pairs))

    @property
    def symmetric_types(self) -> frozenset[str]:
        """Names of its symmetric relation types."""
        return frozenset(kind.name for kind in self.kinds if kind.symmetric)


ACTIVATES = RelationKind("activates", CHEMICAL_GENE, purpose="raises activity or amount of the gene product")
INHIBITS = RelationKind("inhibits", CHEMICAL_GENE, purpose="lowers activity or amount of the gene product")
AGONIST = RelationKind("agonist_of", CHEMICAL_GENE, purpose="is an agonist of the receptor")
ANTAGONIST = RelationKind("antagonist_of", CHEMICAL_GENE, purpose="is an antagonist of the receptor")
SUBSTRATE = RelationKind("substrate_or_product_of", CHEMICAL_GENE, purpose="is turned over by the enzyme")
REGULATES = RelationKind("regulates", CHEMICAL_GENE, purpose="binds or regulates directly, without a direction")
PART_OF = RelationKind("part_of", CHEMICAL_GENE, purpose="is a part of the gene product")
INDUCES = RelationKind("induces", CHEMICAL_DISEASE, purpose="causes the disease")
ADVERSE_EFFECT = RelationKind("adverse_effect", DRUG_EFFECT, purpose="has the adverse effect, a mention at a time")
DOSE = RelationKind("has_dose", (("Chemical", "Dose"),), purpose="is given in the dose")
ROUTE = RelationKind("has_route", (("Chemical", "Route"),), purpose="is given by the route")
TREATS = RelationKind("treats", CHEMICAL_DISEASE, purpose="is given for the disease")
THERAPEUTIC_EFFECT = RelationKind(
    "therapeutic_effect", (("Chemical", "TherapeuticEffect"),), purpose="has the wanted effect"
)

_BIORED_PAIRS: tuple[TypePair, ...] = (
    ("Chemical", "Chemical"), ("Chemical", "Gene"), ("Chemical", "Disease"), ("Chemical", "Variant"), ("Gene", "Gene"),
    ("Gene", "Disease"), ("Variant", "Disease"), ("Variant", "Variant"),
)  # fmt: skip
_CHEMICALS: tuple[TypePair, ...] = (("Chemical", "Chemical"),)
ASSOCIATED = RelationKind("associated_with", _BIORED_PAIRS, True, "is related, without a direction")
POSITIVE = RelationKind("positively_correlated", _BIORED_PAIRS, True, "one rises or occurs with the other")
NEGATIVE = RelationKind("negatively_correlated", _BIORED_PAIRS, True, "one falls or is prevented with the other")
BINDS = RelationKind("binds", _BIORED_PAIRS, True, "binds physically")
COTREATMENT = RelationKind("cotreatment", _CHEMICALS, True, "is given together with")
COMPARED = RelationKind("compared_with", _CHEMICALS, True, "is compared with")
INTERACTS = RelationKind("interacts_with", _CHEMICALS, True, "changes the effect of, given together")
CONVERSION = RelationKind("converted_to", _CHEMICALS, True, "one is made of the other")
INTERACTION_EFFECT = RelationKind("interaction_effect", _CHEMICALS, True, "interaction with its effect")
INTERACTION_MECHANISM = RelationKind("interaction_mechanism", _CHEMICALS, True, "interaction by a change of kinetics")
INTERACTION_ADVICE = RelationKind("interaction_advice", _CHEMICALS, True, "advice on taking both")
GENE_DISEASE_ASSOCIATED = RelationKind("associated_with", GENE_DISEASE, True, "is related, in one sentence")

_CHEMPROT_ENTITIES = {"CHEMICAL": "Chemical", "GENE": "Gene", "GENE-Y": "Gene", "GENE-N": "Gene"}
_BIORED_ENTITIES = {
    "GeneOrGeneProduct": "Gene", "DiseaseOrPhenotypicFeature": "Disease", "ChemicalEntity": "Chemical",
    "OrganismTaxon": "Species", "SequenceVariant": "Variant", "CellLine": "CellLine",
}  # fmt: skip
_PHEE_ENTITIES = {
    "Drug": "Chemical", "AdverseEffect": "AdverseEffect", "TherapeuticEffect": "TherapeuticEffect",
    "Disorder": "Disease", "Dosage": "Dose", "Route": "Route",
}  # fmt: skip
_MASKED = {"GENE": "Gene", "DISEASE": "Disease"}

_DECLARED = (
    RelationDeclaration(
        "ChemProt",
        {"CPR:3": ACTIVATES, "CPR:4": INHIBITS, "CPR:5": AGONIST, "CPR:6": ANTAGONIST, "CPR:9": SUBSTRATE},
        _CHEMPROT_ENTITIES,
    ),
    RelationDeclaration(
        "DrugProt",
        {
            "ACTIVATOR": ACTIVATES, "INDIRECT-UPREGULATOR": ACTIVATES, "INHIBITOR": INHIBITS,
            "INDIRECT-DOWNREGULATOR": INHIBITS, "AGONIST": AGONIST, "AGONIST-ACTIVATOR": AGONIST,
            "AGONIST-INHIBITOR": AGONIST, "ANTAGONIST": ANTAGONIST, "SUBSTRATE": SUBSTRATE, "PRODUCT-OF": SUBSTRATE,
            "SUBSTRATE_PRODUCT-OF": SUBSTRATE, "DIRECT-REGULATOR": REGULATES, "PART-OF": PART_OF,
        },
        _CHEMPROT_ENTITIES,
    ),
    RelationDeclaration(
        "BC5CDR", {"CID": INDUCES}, {"Chemical": "Chemical", "Disease": "Disease"}, "identifiers", across_sentences=True
    ),
    RelationDeclaration(
        "BioRED",
        {
            "Association": ASSOCIATED, "Positive_Correlation": POSITIVE, "Negative_Correlation": NEGATIVE,
            "Bind": BINDS, "Cotreatment": COTREATMENT, "Comparison": COMPARED, "Drug_Interaction": INTERACTS,
            "Conversion": CONVERSION,
        },
        _BIORED_ENTITIES, "identifiers", across_sentences=True,
    ),
    RelationDeclaration(
        "DDI2013",
        {
            "effect": INTERACTION_EFFECT, "mechanism": INTERACTION_MECHANISM, "advise": INTERACTION_ADVICE,
            "int": INTERACTS,
        },
        {"drug": "Chemical", "brand": "Chemical", "group": "Chemical", "drug_n": "Chemical"},
    ),
    RelationDeclaration("GAD", {"1": GENE_DISEASE_ASSOCIATED}, _MASKED, unit="sentences"),
    RelationDeclaration("EU-ADR", {"1": GENE_DISEASE_ASSOCIATED}, _MASKED, unit="sentences"),
    RelationDeclaration(
        "ADE",
        {"adverse_effect": ADVERSE_EFFECT, "dose": DOSE},
        {"Drug": "Chemical", "AdverseEffect": "AdverseEffect", "Dose": "Dose"},
        unit="sentences",
        number_separator="-",
    ),
    RelationDeclaration(
        "PHEE",
        {
            "adverse_effect": ADVERSE_EFFECT, "therapeutic_effect": THERAPEUTIC_EFFECT, "treats": TREATS,
            "dosage": DOSE, "route": ROUTE, "combination": COTREATMENT,
        },
        _PHEE_ENTITIES, unit="sentences", number_separator="_",
    ),
)  # fmt: skip

DECLARATIONS: Mapping[str, RelationDeclaration] = {one.corpus: one for one in _DECLARED}


def oriented(first: str, second: str) -> bool:
    """Whether two entity types are in the order subject, object; types outside of SUBJECT_ORDER come last."""
    places = [SUBJECT_ORDER.index(one) if one in SUBJECT_ORDER else len(SUBJECT_ORDER) for one in (first, second)]
    return places[0] <= places[1]
