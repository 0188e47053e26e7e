"""`sample_data/relations/challenge.jsonl`: fifty sentences with gold answers, sound and of four kinds."""

from collections import Counter
from pathlib import Path

from litmine.corpora.relation_corpus import read_relation_corpus


def test_the_sentences_are_sound(sample_data: Path) -> None:
    corpus = read_relation_corpus(sample_data / "relations" / "challenge.jsonl")
    assert corpus.report.findings == []
    assert len(corpus.documents) == len({one.text for one in corpus.documents}) == 50
    kinds = Counter(one.labels[0] for one in corpus.documents)
    assert set(kinds) == {"negation", "indication", "hypothesis", "comparison"}
    assert min(kinds.values()) >= 12
    for document in corpus.documents:
        types = {one.entity_id: one.entity_type for one in document.entities}
        for one in document.relations:
            assert (types[one.arg1], types[one.arg2]) == ("Chemical", "Disease")
            assert one.relation_type in {"adverse_effect", "treats"}
            assert set(one.qualifiers) <= {"negated", "speculated"}
        for entity in document.entities:
            words = document.text[entity.start : entity.end]
            assert words == words.strip()
            before, after = document.text[: entity.start][-1:], document.text[entity.end :][:1]
            assert not before.isalnum()
            assert not after.isalnum()
