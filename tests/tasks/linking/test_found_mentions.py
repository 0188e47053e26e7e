"""Mentions that a tagger finds beside the gold ones, with the identifiers of those that they overlap."""

from collections.abc import Sequence

from litmine.tasks.linking.found_mentions import add_found_mentions, with_found_mentions
from litmine.tasks.linking.mention_names import Mention
from litmine.tasks.linking.train import CHOICE_FOLD
from litmine.tasks.linking.training_examples import GoldDocument, fold_of
from litmine.types import Entity

TEXT = "TP53 mutations, the kinase family and FtsW."
TP53, KINASES, FTSW = (0, 4), (20, 33), (38, 42)


def entity(start: int, end: int, kind: str = "Gene") -> Entity:
    return Entity(TEXT[start:end], kind, start, end, 1.0)


def document(name: str = "1") -> GoldDocument:
    return GoldDocument(name, TEXT, 0, (Mention(*TP53, "Gene"),), (("NCBIGene:7157",),), (TP53, KINASES))


def test_found_mentions_have_the_identifiers_of_what_they_overlap() -> None:
    found = [entity(*TP53), entity(0, 14), entity(*FTSW), entity(20, 26), entity(*TP53, "Disease")]
    more = with_found_mentions(document(), found)
    assert dict(zip(more.mentions, more.gold, strict=True)) == {
        Mention(*TP53, "Gene"): ("NCBIGene:7157",),
        Mention(0, 14, "Gene"): ("NCBIGene:7157",),
        # Nothing that the corpus annotates is there.
        Mention(*FTSW, "Gene"): (),
    }


class FindsAll:
    """A tagger that finds two mentions in every text."""

    def annotate(self, texts: Sequence[str]) -> list[list[Entity]]:
        return [[entity(*FTSW), entity(15, 19, "Chemical")] for _ in texts]


def test_only_documents_that_calibrate_get_more_mentions() -> None:
    names = [str(number) for number in range(60)]
    documents = [document(name) for name in names]
    whole_types = dict.fromkeys(names[:30], ("Gene",))
    more = add_found_mentions(documents, whole_types, FindsAll())
    changed = [new.name for old, new in zip(documents, more, strict=True) if new != old]
    assert changed == [name for name in names[:30] if fold_of(name) == CHOICE_FOLD]
    assert changed
    assert all(one.mentions[1:] in ((), (Mention(*FTSW, "Gene"),)) for one in more)
