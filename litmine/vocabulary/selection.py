"""The rule of the built-in vocabulary: what it leaves out, so that it stays small enough to ship.

The rule looks at records alone, never at a corpus. docs/vocabulary.md states it with its counts.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable

from litmine.vocabulary.concept import (
    MESH,
    MONDO,
    NCBI_GENE,
    NCBI_TAXONOMY,
    Concept,
    NameKind,
)

# A longer synonym of a supplementary chemical is nearly always a systematic name, which abstracts seldom repeat.
LONGEST_CHEMICAL_NAME = 28
# A full name that more genes of one species share tells none of them from the others.
MOST_GENES_OF_A_NAME = 20
_HUMAN = 9606
_SUPPLEMENTARY = "MESH:C"
_TAXON = "NCBITaxon:"
# The organism at the end of the name of a gene product, such as `TP53 protein, human`, where it is no name of a taxon.
# NLM marks codes and acronyms so, which texts write alone.
_MARKED = re.compile(r"(?<=[A-Z0-9)]) (?:compound|cpd)$")
# A position in a molecule, as systematic names have.
_SYSTEMATIC = re.compile(r"\d[,']|\d-[a-zA-Z(]|[a-zA-Z)]-\d|^[NOS]-|\(\d")
_LEFT_REFERENCES = ("DOID:", "Orphanet:")
_ABBREVIATED = re.compile(r"[A-Z] [a-z]+")
# Genus and species alone, without strain, number, author or `sp.`: the names of species that articles write.
_BINOMIAL = re.compile(r"[A-Z][a-z]+ [a-z-]+")
_ORGANISMS = frozenset({"mouse", "rat", "bacteria", "bovine", "insect", "plant", "recombinant", "rabbit", "virus"})
# What databases call genes, clones, transcripts and proteins that have no name yet.
_LABEL = re.compile(
    # NCBI and mouse
    r"LOC\d+|Gm\d+|[0-9A-Z]+Rik|D\d+\w*\d|[A-Z]{2}\d{5,6}"
    # zebrafish
    r"|(?:si|zgc|wu|im|id|sb|cb|zmp|mg):\S+|etID\S*|f[a-z]\d\d[a-z]\d\d"
    # fruit fly
    r"|(?:lnc|as|sno|t)RNA:\S+|CR\d+|(?:EG|BcDNA|anon|BEST|NEST)[:-]\S*|(?:CT|GH|LD|SD|RE)\d{5}|.*-[PR][A-Z]{1,2}"
    r"|(?:predicted|uncharacterized|uncharacterised|hypothetical|novel|RIKEN cDNA|DNA segment|cDNA sequence"
    r"|expressed sequence|long non-coding RNA|antisense RNA|EST )\b.*"
)
_FLY_PREFIX = re.compile(r"Dmel[\\_]")


class BuiltinRule:
    """Decides which concepts of a set are kept, and takes names from them.

    left_out: by vocabulary, what was left out and how often.
    """

    def __init__(self, concepts: Iterable[Concept], taxa_of_mesh: Collection[str] = ()) -> None:
        """taxa_of_mesh: the taxa that only MeSH has. Their gene products are kept: NCBI Gene has no such genes."""
        self.left_out: dict[str, Counter[str]] = defaultdict(Counter)
        self._organisms: set[str] = set(_ORGANISMS)
        shared: Counter[tuple[int | None, str]] = Counter()
        for concept in concepts:
            if concept.vocabulary == NCBI_TAXONOMY and concept.identifier not in taxa_of_mesh:
                self._organisms.update(name.casefold() for name, _ in concept.names)
            elif concept.vocabulary == NCBI_GENE:
                shared.update({(concept.taxon, name) for name, kind in concept.names if kind == "full name"})
        self._shared = {name for name, genes in shared.items() if genes > MOST_GENES_OF_A_NAME}

    def __call__(self, concept: Concept) -> bool:
        """Whether a concept is kept; takes names that are left out from it."""
        match concept.vocabulary:
            case "MeSH" if concept.identifier.startswith(_SUPPLEMENTARY):
                return self._keep_supplementary(concept)
            case "NCBI Gene":
                return self._keep_gene(concept)
            case "NCBI Taxonomy":
                return self._keep_taxon(concept)
            case "MONDO":
                return self._leave_out(MONDO, "diseases without a MeSH record")
            case _:
                concept.references = tuple(one for one in concept.references if not one.startswith(_LEFT_REFERENCES))
                return True

    def _keep_supplementary(self, concept: Concept) -> bool:
        if "Species" in concept.entity_types:
            return self._leave_out(MESH, "supplementary organisms without a taxon")
        if "Chemical" not in concept.entity_types:
            return True
        _, comma, organism = concept.names[0][0].rpartition(", ")
        if comma and (organism.casefold() in self._organisms or _ABBREVIATED.fullmatch(organism)):
            return self._leave_out(MESH, "supplementary gene products of an organism")
        concept.names = [(_MARKED.sub("", name), kind) for name, kind in concept.names]
        short = [name for name in concept.names if len(name[0]) <= LONGEST_CHEMICAL_NAME]
        if not short:
            return self._leave_out(MESH, "supplementary chemicals with long names only")
        if len(concept.names) == 1 and _SYSTEMATIC.search(concept.names[0][0]):
            return self._leave_out(MESH, "supplementary chemicals with a single name, a systematic one")
        short[0] = (short[0][0], "preferred")
        self._take_names(concept, short, MESH, "long names of supplementary chemicals")
        # The first heading tells the class of the substance.
        concept.references = concept.references[:1]
        return True

    def _keep_gene(self, concept: Concept) -> bool:
        concept.references = ()
        if concept.taxon == _HUMAN:
            return True
        if concept.names[0][0].startswith(("tRNA", "trna", "TRNA")):
            return self._leave_out(NCBI_GENE, "transfer RNA genes of other species than human")
        named: list[tuple[str, NameKind]] = [
            (_FLY_PREFIX.sub("", name), kind)
            for name, kind in concept.names
            if (concept.taxon, name) not in self._shared and not _LABEL.fullmatch(name)
        ]
        if not any(kind in ("preferred", "symbol") for _, kind in named):
            return self._leave_out(NCBI_GENE, "genes of other species than human without a symbol of their own")
        kept = [*dict.fromkeys([concept.names[0], *named])]
        self._take_names(concept, kept, NCBI_GENE, "labels of databases, and names that many genes share")
        return True

    def _keep_taxon(self, concept: Concept) -> bool:
        if len(concept.names) > 1 or _BINOMIAL.fullmatch(concept.names[0][0]):
            return True
        if any(one.startswith("MESH:") for one in concept.references):
            return True
        return self._leave_out(NCBI_TAXONOMY, "taxa without a common name, MeSH record or name of two words")

    def _take_names(self, concept: Concept, kept: list[tuple[str, NameKind]], vocabulary: str, what: str) -> None:
        if len(kept) < len(concept.names):
            self.left_out[vocabulary][what] += len(concept.names) - len(kept)
        concept.names = kept

    def _leave_out(self, vocabulary: str, what: str) -> bool:
        self.left_out[vocabulary][what] += 1
        return False
