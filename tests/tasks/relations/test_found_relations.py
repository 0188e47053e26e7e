"""Mentions of several inputs become one list, and scored pairs become rows with evidence."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from litmine import Lake
from litmine.corpora.documents import AnnotatedEntity
from litmine.lake.articles import list_parts, read_new_texts
from litmine.lake.runs import ActiveModel, Run, new_run_id
from litmine.lake.targets import TargetFooter, TargetSet, write_target
from litmine.pipeline.import_files import import_files
from litmine.tasks.relations.cooccurrence import CooccurrenceModel, CooccurrenceSettings
from litmine.tasks.relations.found import FoundRelation, ScoredPair, found_relations, relation_rows
from litmine.tasks.relations.mentions import join_mentions
from litmine.tasks.relations.pairs import CandidatePair
from litmine.text.sentences import split_sentences
from tests.tasks.relations.conftest import RELATED


def row(start: int, end: int, entity_type: str, identifier: str | None = None) -> dict[str, Any]:
    return {"start_char": start, "end_char": end, "entity_type": entity_type, "identifier": identifier}


ROWS = st.lists(
    st.tuples(st.integers(0, 5), st.integers(6, 9), st.sampled_from(["Gene", "Protein", "Disease"])).flatmap(
        lambda key: st.sampled_from([None, "MESH:D1", "MINE:1", "MESH:D1|MESH:D2"]).map(lambda one: row(*key, one))
    ),
    max_size=8,
)


@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_has_no_effect(rows: list[dict[str, Any]], random: Any) -> None:
    joined = join_mentions(rows)
    shuffled = [*rows, *rows]
    random.shuffle(shuffled)
    assert join_mentions(shuffled) == joined
    assert [one.entity_id for one in joined] == [f"T{number}" for number in range(1, len(joined) + 1)]
    keys = [(one.start, one.end, one.entity_type) for one in joined]
    assert keys == sorted({(one["start_char"], one["end_char"], related(one["entity_type"])) for one in rows})
    for mention, key in zip(joined, keys, strict=True):
        of_mention = [one for one in rows if (one["start_char"], one["end_char"], related(one["entity_type"])) == key]
        assert set(mention.identifiers) == {
            part for one in of_mention if one["identifier"] for part in one["identifier"].split("|")
        }
        assert len(set(mention.identifiers)) == len(mention.identifiers)


def related(entity_type: str) -> str:
    return "Gene" if entity_type == "Protein" else entity_type


@st.composite
def texts_with_pairs(draw: st.DrawFn) -> tuple[str, list[ScoredPair]]:
    sentence = st.sampled_from(["Aspirin was given. ", "A rash 🧬 came. ", "(No stop) ", "E. coli grew!  "])
    text = "".join(draw(st.lists(sentence, min_size=1, max_size=6)))
    spans = st.tuples(st.integers(0, len(text) - 1), st.integers(0, len(text) - 1)).map(sorted)
    mentions = [
        AnnotatedEntity(start, end + 1, "Chemical", (f"MESH:D{start}",))
        for start, end in draw(st.lists(spans))
        if text[start].strip() and text[end].strip()
    ]
    pairs = [CandidatePair(one, other, 0) for one in mentions for other in mentions if one != other]
    return text, [ScoredPair(one, "induces", 0.5) for one in pairs]


@given(texts_with_pairs())
def test_evidence_is_whole_sentences_with_both_mentions(case: tuple[str, list[ScoredPair]]) -> None:
    text, scored = case
    sentences = split_sentences(text)
    starts, ends = {start for start, _ in sentences}, {end for _, end in sentences}
    for one in found_relations(text, sentences, scored):
        low, high = min(one.subject_start, one.object_start), max(one.subject_end, one.object_end)
        assert one.evidence_start <= low < high <= one.evidence_end
        assert (one.subject, one.object) == (
            text[one.subject_start : one.subject_end],
            text[one.object_start : one.object_end],
        )
        assert one.evidence_start in starts
        assert one.evidence_end in ends
        inside = [span for span in sentences if span[0] < one.evidence_end and one.evidence_start < span[1]]
        # No sentence before or after both mentions.
        assert all(start < high and low < end for start, end in inside)


def test_what_another_sentence_denies_changes_nothing() -> None:
    text = "Aspirin was given. There was no fever; a rash came. No cough was seen."
    drug, fever, rash = row(0, 7, "Chemical"), row(32, 37, "Disease"), row(41, 45, "Disease")
    subject, *objects = join_mentions([drug, fever, rash])
    sentences = split_sentences(text)
    assert len(sentences) == 3
    scored = [ScoredPair(CandidatePair(subject, one, 1), "induces", 0.5) for one in objects]
    assert [one.negated for one in found_relations(text, sentences, scored)] == [True, False]


def test_a_baseline_relates_every_candidate_pair() -> None:
    text = "Aspirin and p53. A rash came. BRCA1."
    mentions = join_mentions(
        [row(0, 7, "Chemical"), row(12, 15, "Protein"), row(19, 23, "Disease"), row(30, 35, "Gene")]
    )
    for max_sentences, expected in ((0, 1), (1, 2), (2, 4), (None, 4)):
        model = CooccurrenceModel("m@1", CooccurrenceSettings(RELATED, max_sentences))
        assert len(model.score_pairs(mentions, split_sentences(text))) == expected, max_sentences


def test_the_digest_covers_the_settings_and_not_their_order() -> None:
    names = {
        CooccurrenceSettings(types, distance).model_name("m")
        for types in (RELATED, RELATED | {("Gene", "Gene"): "binds"})
        for distance in (0, 1, None)
    }
    assert len(names) == 6
    turned = dict(reversed(list(RELATED.items())))
    assert CooccurrenceSettings(turned).model_name("m") == CooccurrenceSettings(RELATED).model_name("m")


def test_document_relations_prefer_what_is_stated(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path / "lake")
    text = "No aspirin caused rash. Aspirin caused rash. Aspirin may cause rash."
    (tmp_path / "one.jsonl").write_text(json.dumps({"pmid": 1, "title": text, "retracted": True, "year": 2001}))
    import_files(lake.location, [tmp_path / "one.jsonl"])
    (part,) = list_parts(lake.location)
    texts = read_new_texts(part)

    def relation(
        number: int, kind: str, score: float, *, negated: bool = False, speculated: bool = False
    ) -> FoundRelation:
        start, end = split_sentences(text)[number]
        drug, rash = text.lower().index("aspirin", start), text.index("rash", start)
        ids = "MESH:D1", "MESH:D2"
        subject, object_ = (drug, drug + 7, text[drug : drug + 7], "Chemical"), (rash, rash + 4, "rash", "Disease")
        return FoundRelation(kind, *subject, ids[0], *object_, ids[1], start, end, negated, speculated, score)

    found = [
        relation(0, "induces", 0.9, negated=True),
        relation(1, "induces", 0.6),
        relation(2, "induces", 0.8, speculated=True),
        relation(0, "treats", 0.3, negated=True),
        relation(2, "treats", 0.4, speculated=True),
    ]
    targets = TargetSet("relations", "m@1", "t@1")
    footer = TargetFooter("m@1", part.stem, 1, [], "cpu", "float32", 0.0, 0, {})
    write_target(lake.location, targets, part.stem, texts, relation_rows(texts, [found]), footer)
    record_active(lake, ActiveModel("relations", "m@1", "t@1"))
    rows = lake.rows(
        "select relation_type, mention_pairs, asserted, round(score, 2), quote, year, retracted from document_relations"
        " order by relation_type"
    )
    _, second, third = (text[start:end] for start, end in split_sentences(text))
    assert [(*one[:3], round(float(one[3]), 2), *one[4:]) for one in rows] == [
        ("induces", 3, True, 0.6, second, 2001, True),
        ("treats", 2, False, 0.4, third, 2001, True),
    ]
    # Retracted articles are among the relations of mentions too.
    assert lake.rows("select count(*) from relations join articles using (pmid) where retracted") == [(5,)]


def record_active(lake: Lake, active: ActiveModel) -> None:
    now = datetime.now(UTC)
    lake.record_run(Run(new_run_id(now), "annotate", now, now, "done", active=[active]))
