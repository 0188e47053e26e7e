"""Heads that only evaluations use, because corpora annotate one type by different guidelines.

`annotate` needs the names of genes, which have identifiers; BC2GM's spans have words such as "gene" and "promoter".
Both heads find `Gene`. The default one gives the mentions of `annotate`, and an evaluation on BC2GM judges the other.
Likewise Species-800 does not annotate "patients", which LINNAEUS does.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from litmine.tasks.ner.settings import Head
from litmine.tasks.ner.type_rules import Guideline
from litmine.text.tags import TagSet
from litmine.types import Entity


@dataclass(frozen=True, slots=True)
class JudgedHeads:
    """The judged heads among those in use whose type has a default head too.

    own_types: the type under which each is decoded, and the type that it finds. learnt_from: by type, the corpora of
    the default head. own_corpora: by type, those of a judged head that is not the shared one of its type.
    """

    own_types: dict[str, str]
    learnt_from: dict[str, tuple[str, ...]]
    own_corpora: dict[str, tuple[str, ...]]

    @classmethod
    def among(cls, heads: Sequence[Head]) -> "JudgedHeads":
        """Find them among the heads in use."""
        default = {_type(head): head.corpora for head in heads if not head.judged}
        judged = [head for head in heads if head.judged and _type(head) in default]
        types = [_type(head) for head in judged]
        separate = {_type(head): head.corpora for head in judged if head.name != _type(head)}
        return cls({_own(kind): kind for kind in types}, {kind: default[kind] for kind in types}, separate)

    def __bool__(self) -> bool:
        return bool(self.own_types)

    def labels_of(self, head: Head, labels: Sequence[str]) -> Sequence[str]:
        """The labels of a head as mentions are decoded from them."""
        kind = _type(head)
        if not head.judged or kind not in self.learnt_from:
            return labels
        return [f"{label[:2]}{_own(kind)}" if label[1:2] == "-" else label for label in labels]

    def choose(self, entities: Sequence[Entity], guideline: Guideline | None) -> list[Entity]:
        """The entities of one head for each type, with the names of the types. guideline: None for the default heads.

        An evaluation uses a separate head for its own corpora only. Otherwise it uses the default head for a corpus
        from which that learnt, and for genes by their names alone.
        """
        judged = set() if guideline is None else {kind for kind in self.learnt_from if self._is_judged(kind, guideline)}
        chosen = []
        for one in entities:
            kind = self.own_types.get(one.entity_type)
            if kind is None:
                if one.entity_type not in judged:
                    chosen.append(one)
            elif kind in judged:
                chosen.append(replace(one, entity_type=kind))
        return sorted(chosen, key=lambda one: (one.start_char, one.end_char, one.entity_type))

    def _is_judged(self, kind: str, guideline: Guideline) -> bool:
        if kind in self.own_corpora:
            return guideline.corpus in self.own_corpora[kind]
        return not guideline.bare_genes and guideline.corpus not in self.learnt_from[kind]


def _type(head: Head) -> str:
    (kind,) = TagSet(head.labels).entity_types[:1] or ("",)
    return kind


def _own(kind: str) -> str:
    return f"{kind} (judged)"
