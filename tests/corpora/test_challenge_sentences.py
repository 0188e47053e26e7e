"""The sentences that judge models and train none: `challenge.jsonl` and `challenge.tsv` in `sample_data`."""

from collections import Counter
from pathlib import Path

from benchmarks.challenge import read_sentences
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


def test_the_sentences_for_mentions_are_sound() -> None:
    sentences = read_sentences()
    assert len({one.text for one in sentences}) == len(sentences) == 200
    assert Counter(one.half for one in sentences) == {"a": 100, "b": 100}
    assert min(Counter(one.kind for one in sentences).values()) >= 16
    assert all(one.must or one.must_not for one in sentences)
    for one in sentences:
        assert not {(name, kind) for name, types in one.must.items() for kind in types} & one.must_not


def test_a_sentence_is_right_only_with_all_its_mentions_and_no_wrong_one() -> None:
    sentence = next(one for one in read_sentences() if one.text.startswith("Ouabain inhibits"))
    right, wrong = ("Ouabain", "Chemical"), ("Na", "Chemical")
    assert (sentence.missed([right]), sentence.wrong([right])) == ([], [])
    assert (sentence.missed([wrong]), sentence.wrong([right, wrong])) == (["Ouabain"], [wrong])
