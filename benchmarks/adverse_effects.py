"""Adverse effects from raw text: sentences and drug-effect pairs of the held-out articles of ADE.

python benchmarks/adverse_effects.py ADE-FOLDER [--effects REF] [--drugs REF]

Drugs are the chemicals that `--drugs` finds, effects the adverse effects that `--effects` finds, and every drug of a
sentence is paired with every effect of it. Pairs count with exact spans. A sentence reports an adverse effect if it has
a pair. Sentences without an adverse effect count too.
"""

import argparse
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from litmine.corpora.documents import AnnotatedDocument, AnnotatedEntity, AnnotatedRelation
from litmine.corpora.held_out import held_out
from litmine.corpora.relation_corpus import read_relation_corpus
from litmine.corpora.relation_declarations import DECLARATIONS
from litmine.tasks.registry import load_task_model
from litmine.tasks.relations.metrics import relation_scores, span_keys
from litmine.text.assertion import Assertion, assert_pair
from litmine.types import Entity

EFFECT = "adverse_effect"
Judge = Callable[[Assertion], bool]
JUDGES: dict[str, Judge] = {
    "all pairs": lambda _: True,
    "less indications": lambda said: not said.indication,
    "less indications and negated": lambda said: not (said.indication or said.negated),
}


@dataclass(frozen=True, slots=True)
class Figures:
    """Precision, recall and F1 in percent, and the gold number."""

    precision: float
    recall: float
    f1: float
    support: int

    @classmethod
    def of(cls, gold: set[object], found: set[object]) -> "Figures":
        """Compare two sets."""
        right = len(gold & found)
        precision, recall = (100 * right / max(len(one), 1) for one in (found, gold))
        return cls(precision, recall, 200 * right / max(len(gold) + len(found), 1), len(gold))

    def __str__(self) -> str:
        return f"{self.precision:.1f} / {self.recall:.1f} / {self.f1:.1f} of {self.support:,}"


def read_held_out(folder: Path) -> list[AnnotatedDocument]:
    """The sentences of ADE's held-out articles that are marked as having an adverse effect or none."""
    article = DECLARATIONS["ADE"].article_of
    documents = read_relation_corpus(folder, "ADE").documents
    return [one for one in documents if one.sentences and held_out(article(one.identifier))]


def predicted(
    document: AnnotatedDocument, drugs: Sequence[Entity], effects: Sequence[Entity], judge: Judge
) -> AnnotatedDocument:
    """The document with the mentions that were found, and each of their pairs that `judge` admits."""
    entities = [
        AnnotatedEntity(one.start_char, one.end_char, entity_type, (), f"{entity_type} {number}")
        for entity_type, found in (("Chemical", drugs), ("AdverseEffect", effects))
        for number, one in enumerate(found)
    ]
    relations = [
        AnnotatedRelation(EFFECT, first.entity_id, second.entity_id)
        for first in entities
        for second in entities
        if (first.entity_type, second.entity_type) == ("Chemical", "AdverseEffect")
        and (first.end <= second.start or second.end <= first.start)
        and judge(assert_pair(document.text, (first.start, first.end), (second.start, second.end)))
    ]
    return replace(document, entities=tuple(entities), relations=tuple(relations))


def mentions(documents: Iterable[AnnotatedDocument], entity_type: str) -> set[object]:
    """Document, start and end of the mentions of a type."""
    return {
        (one.identifier, entity.start, entity.end)
        for one in documents
        for entity in one.entities
        if entity.entity_type == entity_type
    }


def run(folder: Path, effects_model: str, drugs_model: str) -> None:
    """Print the figures."""
    gold = read_held_out(folder)
    texts = [one.text for one in gold]
    found = [load_task_model(ref, "ner", precision="float32").annotate(texts) for ref in (drugs_model, effects_model)]
    drugs = [[one for one in of if one.entity_type == "Chemical"] for of in found[0]]
    effects = [[one for one in of if one.entity_type == "AdverseEffect"] for of in found[1]]
    judged = [replace(one, relations=tuple(r for r in one.relations if r.relation_type == EFFECT)) for one in gold]
    reporting: set[object] = {one.identifier for one in gold if EFFECT in one.sentences[0].labels}
    print(f"{len(gold):,} sentences, {len(reporting):,} with an adverse effect; precision / recall / F1")
    for name, judge in JUDGES.items():
        pairs = [predicted(one, drugs[i], effects[i], judge) for i, one in enumerate(gold)]
        if name == "all pairs":
            positive = [one for one in pairs if one.identifier in reporting]
            for kind in ("Chemical", "AdverseEffect"):
                print(f"  {kind}: {Figures.of(mentions(gold, kind), mentions(pairs, kind))}")
                print(
                    f"  {kind}, sentences with an effect: {Figures.of(mentions(gold, kind), mentions(positive, kind))}"
                )
        score = relation_scores(span_keys(judged, ()), span_keys(pairs, ()))["micro"]
        sentences = Figures.of(reporting, {one.identifier for one in pairs if one.relations})
        print(f"{name}: sentences {sentences}")
        shown = " / ".join(f"{score[key]:.1f}" for key in ("precision", "recall", "f1"))
        print(f"{name}: pairs {shown} of {score['support']:,}")


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("ade", type=Path, help="folder of the ADE corpus, version 2")
    parser.add_argument("--effects", default="builtin-adverse-effects", help="tagger of adverse effects")
    parser.add_argument("--drugs", default="builtin", help="tagger of chemicals")
    options = parser.parse_args()
    run(options.ade, options.effects, options.drugs)


if __name__ == "__main__":
    main()
