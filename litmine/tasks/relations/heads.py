"""Which head learns from which corpus: one for each guideline."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from litmine.corpora.relation_corpus import RelationCorpus
from litmine.corpora.relation_declarations import SUBJECT_ORDER, RelationDeclaration
from litmine.tasks.relations.pairs import MAX_SENTENCES
from litmine.tasks.relations.settings import HeadRelation, RelationHead


@dataclass(frozen=True, slots=True)
class Guideline:
    """The corpora of a guideline, and whether `annotate` uses its head. left_out: relation types not learnt."""

    name: str
    corpora: tuple[str, ...]
    default: bool = True
    left_out: frozenset[str] = frozenset()


# No tagger finds doses, routes or wanted effects, and a further head judges treatments given together.
_NOT_FOUND = frozenset({"has_dose", "has_route", "therapeutic_effect", "cotreatment"})
# The sentences of GAD and EU-ADR hide the two mentions, and DDI 2013 may not be used commercially.
GUIDELINES = (
    Guideline("chemical-gene", ("ChemProt", "DrugProt")),
    Guideline("induces", ("BC5CDR",)),
    Guideline("biored", ("BioRED",)),
    Guideline("gene-disease", ("GAD", "EU-ADR"), default=False),
    Guideline("adverse-effects", ("ADE", "PHEE"), left_out=_NOT_FOUND),
    Guideline("drug-interactions", ("DDI2013",), default=False),
)
# The most types that one embedding table numbers, in their order.
ENTITY_TYPES = ("Chemical", "Gene", "Variant", "Disease", "AdverseEffect")


def guideline_of(corpus: str) -> Guideline:
    """The guideline of a corpus; one of its own if it is not declared."""
    for one in GUIDELINES:
        if corpus in one.corpora:
            return one
    return Guideline(corpus, (corpus,))


def learnt_types(corpus: RelationCorpus) -> frozenset[str]:
    """The relation types that a corpus teaches: those that it declares, or has, less those left out."""
    left_out = guideline_of(corpus.name).left_out
    return frozenset(one.name for one in _relations(corpus) if one.name not in left_out)


def make_heads(corpora: Sequence[RelationCorpus]) -> tuple[RelationHead, ...]:
    """The heads of some corpora, in the order of the guidelines, then of the corpora.

    If no head would be a default one, all are.
    """
    by_name: dict[str, list[RelationCorpus]] = {}
    for corpus in corpora:
        by_name.setdefault(guideline_of(corpus.name).name, []).append(corpus)
    order = [one.name for one in GUIDELINES]
    names = sorted(by_name, key=lambda name: order.index(name) if name in order else len(order))
    any_default = any(guideline_of(corpus.name).default for corpus in corpora)
    return tuple(_head(name, by_name[name], any_default) for name in names)


def head_of(heads: Iterable[RelationHead], corpus: str) -> RelationHead:
    """The head that learnt from a corpus, or of its guideline. Raises StopIteration when there is none."""
    name = guideline_of(corpus).name
    return next(one for one in heads if corpus in one.corpora or one.name == name)


def judging_head(heads: Sequence[RelationHead], corpus: RelationCorpus) -> RelationHead | None:
    """The head that judges a corpus: that of its guideline, or the first one with all of its relation types.

    None if there is no such head.
    """
    name = guideline_of(corpus.name).name
    wanted = learnt_types(corpus)
    of_guideline = [one for one in heads if one.name == name]
    fitting = [one for one in heads if wanted <= {relation.name for relation in one.relations}]
    return next(iter([*of_guideline, *(fitting if corpus.declaration is None else ())]), None)


def _head(name: str, corpora: Sequence[RelationCorpus], any_default: bool) -> RelationHead:
    guideline = guideline_of(corpora[0].name)
    relations = {
        one.name: one for corpus in corpora for one in _relations(corpus) if one.name not in guideline.left_out
    }
    level, across = _level(corpora[0])
    return RelationHead(
        name,
        tuple(one.name for one in corpora),
        tuple(relations.values()),
        level,
        MAX_SENTENCES if across else 0,
        guideline.default or not any_default,
    )


def _level(corpus: RelationCorpus) -> tuple[str, bool]:
    if corpus.declaration is not None:
        return corpus.declaration.level, corpus.declaration.across_sentences
    of_identifiers = any(one.of_identifiers for document in corpus.documents for one in document.relations)
    return ("identifiers", True) if of_identifiers else ("mentions", False)


def _relations(corpus: RelationCorpus) -> list[HeadRelation]:
    if corpus.declaration is not None:
        return _declared(corpus.declaration)
    return _seen(corpus)


def _declared(declaration: RelationDeclaration) -> list[HeadRelation]:
    return [HeadRelation(one.name, one.pairs, one.symmetric) for one in declaration.kinds]


def _seen(corpus: RelationCorpus) -> list[HeadRelation]:
    """The relation types that the documents of a corpus have, and the pairs of types that they join there."""
    found: dict[str, set[tuple[str, str]]] = {}
    for document in corpus.documents:
        types = {one.entity_id: one.entity_type for one in document.entities}
        types |= {name: one.entity_type for one in document.entities for name in one.identifiers}
        for one in document.relations:
            pair = types.get(one.arg1, ""), types.get(one.arg2, "")
            if all(pair):
                found.setdefault(one.relation_type, set()).add(pair)
    return [
        HeadRelation(name, tuple(sorted(pairs, key=_subject_order)), any(first == second for first, second in pairs))
        for name, pairs in sorted(found.items())
    ]


def _subject_order(pair: tuple[str, str]) -> tuple[tuple[int, str], ...]:
    return tuple((SUBJECT_ORDER.index(one) if one in SUBJECT_ORDER else len(SUBJECT_ORDER), one) for one in pair)
