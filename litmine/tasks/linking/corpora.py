"""The gold documents of several corpora, each document once, without those that are held out."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from litmine.corpora.annotated_documents import AnnotatedDocument, read_annotated_documents
from litmine.errors import CorpusError
from litmine.settings import did_you_mean
from litmine.tasks.linking.linker import LINKED_TYPES
from litmine.tasks.linking.training_examples import GoldDocument, fold_of
from litmine.vocabulary import Vocabulary

# What corpora call litmine's types; families and domains of genes are no genes.
TYPE_NAMES = {
    "DiseaseOrPhenotypicFeature": "Disease", "SpecificDisease": "Disease", "DiseaseClass": "Disease",
    "CompositeMention": "Disease", "Modifier": "Disease", "ChemicalEntity": "Chemical", "GeneOrGeneProduct": "Gene",
    "OrganismTaxon": "Species", "FamilyName": "-", "DomainMotif": "-",
}  # fmt: skip
HELD_OUT_FOLD = 0
# A file with more misplaced mentions than one in this many counts its offsets in other units.
_MOST_MISPLACED = 20
_OMIM, _MESH = "OMIM:", "MESH:"


@dataclass(frozen=True, slots=True)
class LinkingCorpus:
    """A file of annotated documents. held_out: whether a tenth of it is left for evaluation.

    panel_digits: digits at the end of a document's number that only number the figures of one article, which count as
    one document. whole_types: those that the file annotates wholly. type_map: names of types in the file, beside
    TYPE_NAMES, and litmine's names; `-` drops a type.
    """

    name: str
    path: Path
    held_out: bool = False
    panel_digits: int = 0
    whole_types: tuple[str, ...] = ()
    type_map: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GoldCorpus:
    """The documents of a file, also those without gold mentions.

    misplaced: the mentions that are not at their offsets, in words; they are left out. other_types: the types with
    identifiers that no linker links, with the number of their mentions. file_types: what the file calls its types.
    repeated: the ids of documents that were left out, since the file has them before with the same text.
    """

    corpus: LinkingCorpus
    documents: tuple[GoldDocument, ...]
    misplaced: tuple[str, ...]
    other_types: Mapping[str, int]
    file_types: frozenset[str] = frozenset()
    repeated: tuple[str, ...] = ()

    @property
    def gold(self) -> list[GoldDocument]:
        """The documents with mentions that have identifiers."""
        return [one for one in self.documents if one.mentions]

    @property
    def types(self) -> list[str]:
        """The types of the gold mentions, sorted."""
        return sorted({mention.entity_type for one in self.documents for mention in one.mentions})


def read_gold(corpus: LinkingCorpus, equivalents: Mapping[str, str] | None = None) -> GoldCorpus:
    """Read a file. Documents of different corpora with one number have one name: most corpora number them by PMID.

    equivalents: identifiers that count as another one (`equivalent_identifiers`). Raises CorpusError for a file that
    cannot be read, that has no mention with an identifier of a type that is linked, or that counts offsets in other
    units.
    """
    documents, misplaced, repeated = [], list[str](), list[str]()
    other_types: dict[str, int] = {}
    file_types: set[str] = set()
    seen: set[tuple[str, str]] = set()
    mentions = 0
    types = TYPE_NAMES | dict(corpus.type_map)
    try:
        for document in read_annotated_documents(corpus.path, types, misplaced, file_types):
            if (key := (document.identifier, document.text)) in seen:
                repeated.append(document.identifier)
                continue
            seen.add(key)
            mentions += len(document.entities)
            documents.append(GoldDocument.of(document, _name(corpus, document), equivalents))
            for one in document.entities:
                if one.identifiers and one.entity_type not in LINKED_TYPES:
                    other_types[one.entity_type] = other_types.get(one.entity_type, 0) + 1
    except OSError as error:
        raise CorpusError(f"{corpus.path} cannot be read ({error.strerror}); give a file of documents") from error
    if len(misplaced) * _MOST_MISPLACED > len(misplaced) + mentions:
        raise CorpusError(
            f"{corpus.path}: {len(misplaced):,} of {len(misplaced) + mentions:,} mentions are not at their offsets,"
            f" first in {misplaced[0]}; offsets must count code points of the text"
        )
    found = GoldCorpus(corpus, tuple(documents), tuple(misplaced), other_types, frozenset(file_types), tuple(repeated))
    if not found.types:
        raise CorpusError(
            f"{corpus.path} has no mention with an identifier of the types {', '.join(LINKED_TYPES)} (it has the types"
            f" {', '.join(sorted(file_types)) or 'none'}); rename its types with --map NAME=TYPE, or give another file"
        )
    return found


def check_type_map(type_map: Mapping[str, str], corpora: Sequence[GoldCorpus]) -> None:
    """Raise CorpusError if `--map` renames a type that no file has."""
    present = sorted({kind for corpus in corpora for kind in corpus.file_types})
    for name in type_map:
        if name not in present:
            raise CorpusError(
                f"--map renames {name!r}, which the data do not have{did_you_mean(name, present)}; their types are"
                f" {', '.join(present)}"
            )


def training_documents(corpora: Sequence[GoldCorpus], evaluated: Collection[str]) -> list[GoldDocument]:
    """The documents to train on: none that is evaluated, in any corpus, nor held out in one of them.

    evaluated: names of documents, such as those of dev splits.
    """
    left_out = {one.name for corpus in corpora for one in held_out_documents(corpus)} | set(evaluated)
    return [one for corpus in corpora for one in corpus.gold if one.name not in left_out]


def held_out_documents(corpus: GoldCorpus) -> list[GoldDocument]:
    """The tenth of a corpus that is left for evaluation; empty if the corpus has none."""
    return [one for one in corpus.documents if is_held_out(corpus.corpus, one)]


def is_held_out(corpus: LinkingCorpus, document: GoldDocument) -> bool:
    """Whether a document is of the tenth that is left for evaluation."""
    return corpus.held_out and fold_of(document.name.rpartition(" ")[2]) == HELD_OUT_FOLD


def equivalent_identifiers(vocabulary: Vocabulary) -> dict[str, str]:
    """The OMIM numbers that a vocabulary has joined to MeSH records, by the mapping of MONDO, with these records."""
    equivalents: dict[str, str] = {}
    for concept in range(len(vocabulary)):
        identifier = vocabulary.identifier(concept)
        if identifier.startswith(_MESH):
            for reference in vocabulary.references(concept):
                if reference.startswith(_OMIM):
                    equivalents.setdefault(reference, identifier)
    return equivalents


def _name(corpus: LinkingCorpus, document: AnnotatedDocument) -> str:
    if not corpus.panel_digits:
        return document.identifier
    return f"{corpus.name} {document.identifier[: -corpus.panel_digits]}"
