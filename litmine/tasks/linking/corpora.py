"""The gold documents of several corpora, each document once, without those that are held out."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from litmine.corpora.annotated_documents import read_annotated_documents
from litmine.tasks.linking.train import fold_of
from litmine.tasks.linking.training_examples import GoldDocument

# What corpora call litmine's types; families and domains of genes are no genes.
TYPE_NAMES = {
    "DiseaseOrPhenotypicFeature": "Disease", "SpecificDisease": "Disease", "DiseaseClass": "Disease",
    "CompositeMention": "Disease", "Modifier": "Disease", "ChemicalEntity": "Chemical", "GeneOrGeneProduct": "Gene",
    "OrganismTaxon": "Species", "FamilyName": "-", "DomainMotif": "-",
}  # fmt: skip
HELD_OUT_FOLD = 0


@dataclass(frozen=True, slots=True)
class LinkingCorpus:
    """A file of annotated documents. held_out: whether a tenth of it is left for evaluation.

    panel_digits: digits at the end of a document's number that only number the figures of one article, which count as
    one document.
    """

    name: str
    path: Path
    held_out: bool = False
    panel_digits: int = 0


def read_gold(corpus: LinkingCorpus, equivalents: Mapping[str, str] | None = None) -> list[GoldDocument]:
    """The documents with mentions that have identifiers. Raises as `read_annotated_documents`.

    Documents of different corpora with one number have one name, since most corpora number them by PMID.
    """
    documents = []
    for document in read_annotated_documents(corpus.path, TYPE_NAMES):
        name = document.identifier
        if corpus.panel_digits:
            name = f"{corpus.name} {name[: -corpus.panel_digits]}"
        gold = GoldDocument.of(document, name, equivalents)
        if gold.mentions:
            documents.append(gold)
    return documents


def training_documents(
    corpora: Sequence[tuple[LinkingCorpus, Sequence[GoldDocument]]], evaluated: Collection[str]
) -> list[GoldDocument]:
    """The documents to train on: none that is evaluated, in any corpus, nor held out in one of them.

    evaluated: names of documents, such as those of dev splits.
    """
    held_out = {one.name for corpus, found in corpora for one in found if is_held_out(corpus, one)}
    return [one for _, found in corpora for one in found if one.name not in evaluated and one.name not in held_out]


def is_held_out(corpus: LinkingCorpus, document: GoldDocument) -> bool:
    """Whether a document is of the tenth that is left for evaluation."""
    return corpus.held_out and fold_of(document.name.rpartition(" ")[2]) == HELD_OUT_FOLD
