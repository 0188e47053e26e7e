"""Two heads of one type: `annotate` uses the default one, an evaluation that of the file's guideline."""

from litmine.tasks.ner.judged_heads import JudgedHeads
from litmine.tasks.ner.settings import Head
from litmine.tasks.ner.type_rules import Guideline
from litmine.types import Entity

GENES = ("O", "B-Gene", "I-Gene")
NAMES = Head("Gene (names)", GENES, True, ("NLM-Gene",))
SHARED = Head("Gene", GENES, False, ("BC2GM",), judged=True)
DISEASE = Head("Disease", ("O", "B-Disease", "I-Disease"), True, ("BC5CDR",))
NAME, SPAN, ASTHMA = (
    Entity("TP53", "Gene", 0, 4, 0.9),
    Entity("TP53 gene", "Gene (judged)", 0, 9, 0.9),
    Entity("x", "Disease", 9, 10, 0.9),
)


def choose(guideline: Guideline | None) -> list[str]:
    heads = JudgedHeads.among([NAMES, SHARED, DISEASE])
    assert heads.labels_of(SHARED, GENES) == ["O", "B-Gene (judged)", "I-Gene (judged)"]
    assert heads.labels_of(NAMES, GENES) == GENES
    return [
        one.mention for one in heads.choose([NAME, SPAN, ASTHMA], guideline) if one.entity_type in {"Gene", "Disease"}
    ]


def test_annotate_uses_the_default_head() -> None:
    assert choose(None) == ["TP53", "x"]


def test_an_evaluation_uses_the_head_of_the_files_guideline() -> None:
    genes = frozenset({"Gene", "Disease"})
    assert choose(Guideline(genes)) == ["TP53 gene", "x"]
    assert choose(Guideline(genes, corpus="BC2GM")) == ["TP53 gene", "x"]
    assert choose(Guideline(genes, corpus="NLM-Gene")) == ["TP53", "x"]
    assert choose(Guideline(genes, bare_genes=True)) == ["TP53", "x"]


def test_a_judged_head_alone_is_like_any_other() -> None:
    heads = JudgedHeads.among([SHARED, DISEASE])
    assert not heads
    assert heads.labels_of(SHARED, GENES) == GENES


def test_a_separate_head_is_judged_on_its_own_corpora_only() -> None:
    labels = ("O", "B-Species", "I-Species")
    default = Head("Species", labels, True, ("LINNAEUS",))
    separate = Head("Species (Species-800)", labels, False, ("Species-800",), judged=True)
    heads = JudgedHeads.among([default, separate])
    found = [Entity("patients", "Species", 0, 8, 0.9), Entity("E. coli", "Species (judged)", 9, 16, 0.9)]

    def chosen(corpus: str, bare_genes: bool = False) -> list[str]:
        guideline = Guideline(frozenset({"Species"}), bare_genes, corpus)
        return [one.mention for one in heads.choose(found, guideline)]

    assert chosen("Species-800") == chosen("Species-800", bare_genes=True) == ["E. coli"]
    assert chosen("LINNAEUS") == chosen("BioRED") == ["patients"]
    assert [one.mention for one in heads.choose(found, None)] == ["patients"]
