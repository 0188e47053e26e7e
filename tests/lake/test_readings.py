"""Tests of readings, and of the views that merge, rank and count the answers in them."""

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine import Lake
from litmine.errors import LakeError, SchemaError
from litmine.lake.freshness import pending_pairs
from litmine.lake.hashing import question_digest, text_hash
from litmine.lake.readings import (
    QuestionLogEntry,
    QuestionTextPair,
    ReadingsFooter,
    RetrievedArticle,
    record_questions,
    slice_path,
    write_readings,
)
from litmine.types import Question, ReaderOutput, SourceRecord, SpanAnswer

MakeRecord = Callable[..., SourceRecord]
Output = ReaderOutput | str
ANSWERS = (
    "question_id, question, question_type, pmid, answer, start_char, end_char, start_token, end_token, evidence_start, "
    "evidence_end, support, score, rank, model"
)
START = datetime(2025, 1, 1, tzinfo=UTC)
READER = "r@0123456789ab"
FACTOID = Question("q1", "What causes anaphylaxis?", "factoid")


def span(text: str, answer: str, score: float) -> SpanAnswer:
    start = text.index(answer)
    return SpanAnswer(answer, start, start + len(answer), 1, 2, score)


def reader_output(
    text: str,
    *answers: tuple[str, float],
    variants: Sequence[tuple[str, float]] = (),
    yes: float | None = None,
    no: float | None = None,
) -> ReaderOutput:
    """The output for a text with these answers and scores."""
    spans, variant_spans = (tuple(span(text, *pair) for pair in pairs) for pairs in (answers, variants))
    return ReaderOutput(spans, variant_spans, 1 - max((score for _, score in answers), default=0), yes, no)


def write(lake: Lake, question: Question, outputs: dict[tuple[int, str], Output], model: str = READER) -> None:
    """Write a slice: the outputs for one question, by PMID and text."""
    pairs = [QuestionTextPair(question_digest(question), pmid, text_hash(text)) for pmid, text in outputs]
    footer = ReadingsFooter(model, len(pairs), "cpu", "float32", 0.1, 9, {})
    texts = [text for _, text in outputs]
    write_readings(slice_path(lake.path, model, pairs), pairs, texts, list(outputs.values()), footer)


def record_question(
    lake: Lake, hour: int, question: Question, articles: Sequence[tuple[int, str]], model: str = READER
) -> None:
    """Record that the question was asked at that hour, and that the search returned these (PMID, text)."""
    retrieved = tuple(
        RetrievedArticle(pmid, text_hash(text), 9.0 - i, i + 1) for i, (pmid, text) in enumerate(articles)
    )
    entry = QuestionLogEntry(question, model, 10, None, retrieved)
    record_questions(lake.path, [entry], f"run{hour}", START + timedelta(hours=hour))


def answer_rows(lake: Lake, columns: str = "rank, support, pmid, answer") -> list[tuple[object, ...]]:
    return lake.rows(f"select {columns} from answers order by rank nulls last, score desc, pmid")


@pytest.fixture
def add_readings(lake: Lake, make_record: MakeRecord) -> Callable[..., None]:
    """`add_readings(question, {text: output})`: add an article per text, from PMID 1, and record them as retrieved."""

    def add(question: Question, outputs: dict[str, Output]) -> None:
        texts = list(enumerate(outputs, 1))
        lake.add([make_record(0, pmid, text) for pmid, text in texts], source="a", dated=True)
        write(lake, question, {(pmid, text): outputs[text] for pmid, text in texts})
        record_question(lake, 0, question, texts)

    return add


def test_columns_of_the_view_answers(lake: Lake) -> None:
    assert lake.sql("from answers").column_names == ANSWERS.split(", ")


def test_equal_answers_of_several_articles_are_merged(lake: Lake, add_readings: Callable[..., None]) -> None:
    texts = ["Penicillin did it. It was penicillin-G.", "the penicillin; latex", "A latex glove", "Nothing", "wasps!"]
    add_readings(
        FACTOID,
        {
            texts[0]: reader_output(texts[0], ("Penicillin", 0.5), ("penicillin-G", 0.25)),
            texts[1]: reader_output(texts[1], ("the penicillin", 0.25), ("latex", 0.5)),
            texts[2]: reader_output(texts[2], ("A latex", 0.375)),
            texts[3]: reader_output(texts[3]),
            texts[4]: "IndexError: out of range",
        },
    )
    assert answer_rows(lake) == [
        (1, 2, 2, "latex"),
        (1, 2, 3, "A latex"),
        (2, 2, 1, "Penicillin"),
        (2, 2, 2, "the penicillin"),
        (3, 1, 1, "penicillin-G"),
        (None, None, 4, None),
    ]
    assert answer_rows(lake, "evidence_start, evidence_end, start_char, end_char")[2] == (0, 18, 0, 10)
    assert answer_rows(lake, "score, start_char, evidence_start")[-1] == (None, None, None)
    assert lake.rows("from gaps") == [("qa", READER, None, None, 5, "IndexError: out of range", "PMID 5")]


EQUAL_ANSWERS = [
    ("The IL-2", "il 2"),
    ("IL2", "IL-2"),
    ("interferon gamma", "Interferon-gamma"),
    ("“Crohn's disease”", "Crohns  disease"),
    ("an NSAID", "NSAID."),
    ("(TNF) alpha", "TNF-alpha"),
]
DIFFERENT_ANSWERS = [("hepatitis A", "hepatitis"), ("1.5 mg", "15 mg"), ("1-2", "12"), ("CD4+", "CD4"), ("+", "-")]


def test_which_spellings_are_one_answer(lake: Lake, make_record: MakeRecord) -> None:
    entries = []
    for number, words in enumerate([*EQUAL_ANSWERS, *DIFFERENT_ANSWERS]):
        question = Question(str(number), f"What is {number}?", "factoid")
        texts = [(10 * number + i, f"{word} of {number}") for i, word in enumerate(words)]
        lake.add([make_record(0, *article) for article in texts], source=str(number), dated=True)
        outputs: dict[tuple[int, str], Output] = {
            (pmid, text): reader_output(text, (word, 0.5)) for (pmid, text), word in zip(texts, words, strict=True)
        }
        write(lake, question, outputs)
        hits = tuple(RetrievedArticle(pmid, text_hash(text), 1, rank) for rank, (pmid, text) in enumerate(texts, 1))
        entries.append(QuestionLogEntry(question, READER, 2, None, hits))
    record_questions(lake.path, entries, "run", START)
    max_ranks = dict(lake.rows("select question_id, max(rank) from answers group by all"))
    expected = [1] * len(EQUAL_ANSWERS) + [2] * len(DIFFERENT_ANSWERS)
    assert [max_ranks[str(number)] for number in range(len(entries))] == expected


def test_an_answer_counts_once_per_article(lake: Lake, add_readings: Callable[..., None]) -> None:
    text = "latex and Latex and LATEX, or wasps"
    output = reader_output(text, ("latex", 0.5), ("Latex", 0.25), ("LATEX", 0.25), ("wasps", 0.75))
    add_readings(FACTOID, {text: output})
    assert answer_rows(lake) == [(1, 1, 1, "wasps"), (2, 1, 1, "latex")]


def test_a_list_has_the_answers_with_enough_support(lake: Lake, add_readings: Callable[..., None]) -> None:
    texts = ["latex or wasps", "wasps or milk", "milk"]
    add_readings(
        replace(FACTOID, question_type="list"),
        {
            texts[0]: reader_output(texts[0], ("latex", 0.625), ("wasps", 0.25)),
            texts[1]: reader_output(texts[1], ("wasps", 0.0625), ("milk", 0.125)),
            texts[2]: reader_output(texts[2], ("milk", 0.0625)),
        },
    )
    assert answer_rows(lake) == [(1, 1, 1, "latex"), (2, 2, 1, "wasps"), (2, 2, 2, "wasps")]


def test_a_yes_no_question_has_evidence_for_both_answers(lake: Lake, add_readings: Callable[..., None]) -> None:
    texts = ["Asthma. It does help.", "No effect was seen.", "It may.", "Perhaps", "It could be so."]
    add_readings(
        replace(FACTOID, question_type="yesno"),
        {
            texts[0]: reader_output(
                texts[0], ("Asthma", 0.25), ("help", 0.5), variants=[("does help", 0.75)], yes=0.75, no=0.125
            ),
            texts[1]: reader_output(texts[1], ("effect", 0.5), yes=0.0, no=1.0),
            texts[2]: reader_output(texts[2], yes=0.625, no=0.25),
            texts[3]: reader_output(texts[3], yes=0.375, no=0.0),
            texts[4]: "IndexError: out of range",
        },
    )
    assert answer_rows(
        lake, "rank, support, pmid, answer, score, evidence_start, evidence_end, start_char, end_token"
    ) == [
        (1, 2, 1, "yes", 0.75, 8, 21, None, None),
        (1, 2, 3, "yes", 0.625, None, None, None, None),
        (2, 1, 2, "no", 1.0, 0, 19, None, None),
        (None, None, 4, None, None, None, None, None, None),
    ]


def test_overlapping_spans_count_in_factoids_but_not_in_lists(lake: Lake, add_readings: Callable[..., None]) -> None:
    texts = ["latex gloves", "a latex glove", "wasps"]
    outputs = {
        texts[0]: reader_output(texts[0], ("latex gloves", 0.5), variants=[("latex", 0.4)]),
        texts[1]: reader_output(texts[1], ("latex", 0.25)),
        texts[2]: reader_output(texts[2], ("wasps", 0.125)),
    }
    add_readings(FACTOID, outputs)
    assert answer_rows(lake) == [
        (1, 2, 1, "latex"),
        (1, 2, 2, "latex"),
        (2, 1, 1, "latex gloves"),
        (3, 1, 3, "wasps"),
    ]
    assert lake.rows("select answer from readings where variant") == [("latex",)]
    list_question = replace(FACTOID, question_id="q2", question_type="list")
    articles = list(enumerate(texts, 1))
    write(lake, list_question, {(pmid, text): outputs[text] for pmid, text in articles})
    record_question(lake, 1, list_question, articles)
    rows = lake.rows("select answer from answers where question_id = 'q2' order by rank")
    assert rows == [("latex gloves",), ("latex",)]


def test_the_spans_of_a_text_compete_in_a_factoid(lake: Lake, add_readings: Callable[..., None]) -> None:
    """Milk scores 0.5 in two texts, but beside latex at 0.8 its share is only 0.2 in each, 0.4 in sum."""
    texts = ["latex or milk", "milk or latex", "wasps"]
    add_readings(
        FACTOID,
        {
            texts[0]: reader_output(texts[0], ("latex", 0.8), ("milk", 0.5)),
            texts[1]: reader_output(texts[1], ("latex", 0.8), ("milk", 0.5)),
            texts[2]: reader_output(texts[2], ("wasps", 0.75)),
        },
    )
    assert [row[3] for row in answer_rows(lake)] == ["latex", "latex", "wasps", "milk", "milk"]


def test_an_answer_with_probability_one(lake: Lake, add_readings: Callable[..., None]) -> None:
    text = "latex or milk"
    add_readings(FACTOID, {text: reader_output(text, ("latex", 1.0), ("milk", 0.5))})
    assert answer_rows(lake, "rank, answer, score") == [(1, "latex", 1.0), (2, "milk", 0.0)]


def test_answers_of_revised_deleted_and_retracted_articles_disappear(
    lake: Lake, make_record: MakeRecord, add_readings: Callable[..., None]
) -> None:
    texts = [f"latex {word}" for word in ("one", "two", "three", "four")]
    add_readings(FACTOID, {text: reader_output(text, ("latex", 0.5)) for text in texts})
    assert [row[1:3] for row in answer_rows(lake)] == [(4, 1), (4, 2), (4, 3), (4, 4)]
    lake.add(
        [make_record(1, 1, "another text"), make_record(1, 2), make_record(1, 3, texts[2], retracted=True)],
        source="b",
        dated=True,
    )
    assert [row[1:3] for row in answer_rows(lake)] == [(1, 4)]
    assert lake.rows("select retrieved, read, unread, failed, outdated from question_coverage") == [(4, 4, 0, 0, 3)]
    lake.add([make_record(2, 1, texts[0]), make_record(2, 3, texts[2])], source="c", dated=True)
    assert [row[1:3] for row in answer_rows(lake)] == [(3, 1), (3, 3), (3, 4)]


def test_a_pair_read_by_two_runs_counts_once(lake: Lake, add_readings: Callable[..., None]) -> None:
    texts = ["latex one", "latex two"]
    add_readings(FACTOID, {text: reader_output(text, ("latex", 0.5)) for text in texts})
    write(lake, FACTOID, {(2, texts[1]): reader_output(texts[1], ("latex", 0.4375), ("two", 0.25))})
    first, second = answer_rows(lake, "pmid, score")[:2]
    assert (first, second[0]) == ((1, 0.5), 2)
    assert len(answer_rows(lake)) == (2 if second[1] == 0.5 else 3)
    assert lake.rows("select retrieved, read from question_coverage") == [(2, 2)]


def test_answers_follow_the_newest_log_entry_of_a_question(lake: Lake, make_record: MakeRecord) -> None:
    texts = [(1, "latex one"), (2, "latex two")]
    other_reader = "s@1"
    lake.add([make_record(0, *article) for article in texts], source="a", dated=True)
    for model, answer in ((READER, "latex"), (other_reader, "two")):
        write(
            lake,
            FACTOID,
            {(pmid, text): reader_output(text, (answer if answer in text else "one", 0.5)) for pmid, text in texts},
            model,
        )
    record_question(lake, 1, FACTOID, texts)
    assert answer_rows(lake, "pmid, answer, model") == [(1, "latex", READER), (2, "latex", READER)]
    record_question(lake, 3, FACTOID, texts[1:], other_reader)
    assert answer_rows(lake, "pmid, answer, model") == [(2, "two", other_reader)]
    record_question(lake, 2, FACTOID, texts[:1])
    assert lake.rows("select pmid, model, active from all_answers order by all") == [
        (1, READER, False),
        (2, other_reader, True),
    ]
    # The same question under another id, then another question under the first id.
    record_question(lake, 4, replace(FACTOID, question_id="q2"), texts)
    record_question(lake, 5, replace(FACTOID, text="What else?"), [])
    assert lake.rows("select distinct question_id, question from answers") == [("q2", FACTOID.text)]
    assert lake.rows("select question_id, model, active from questions order by all") == [
        ("q1", READER, True),
        ("q1", other_reader, False),
        ("q2", READER, True),
    ]


def test_pending_pairs(lake: Lake, make_record: MakeRecord) -> None:
    texts = [(pmid, f"latex {pmid}") for pmid in range(1, 6)]
    first, second = lake.add([make_record(0, *article) for article in texts], source="a", dated=True, part_size=3).parts
    pairs = [QuestionTextPair(question_digest(FACTOID), pmid, text_hash(text)) for pmid, text in texts]
    assert pending_pairs(lake.path, READER, []) == []
    pending = pending_pairs(lake.path, READER, pairs[::-1])
    assert dict(pending) == {pair: first if pair.pmid <= 3 else second for pair in pairs}
    assert [part for _, part in pending] == sorted(part for _, part in pending)
    write(
        lake,
        FACTOID,
        {
            texts[0]: reader_output("latex 1"),
            texts[3]: "could not be read",
            texts[4]: reader_output("latex 5", ("5", 0.5)),
        },
    )
    assert {pair.pmid for pair, _ in pending_pairs(lake.path, READER, pairs)} == {2, 3}
    assert len(pending_pairs(lake.path, "other@1", pairs)) == 5
    # A revision has another text. Then the first text, which has been read, comes back.
    lake.add([make_record(1, 1, "other")], source="b", dated=True)
    lake.add([make_record(2, 1, "latex 1")], source="c", dated=True)
    assert pending_pairs(lake.path, READER, pairs[:1]) == []
    with pytest.raises(LakeError, match=r"has a text of PMID 9 that the lake does not hold; delete .*search"):
        pending_pairs(lake.path, READER, [QuestionTextPair(1, 9, 9)])


def test_a_slice_is_named_after_its_pairs(tmp_path: Path) -> None:
    pairs = [QuestionTextPair(1, 2, 3), QuestionTextPair(-1, 5, 6)]
    assert slice_path(tmp_path, "a/b@1", pairs) == slice_path(tmp_path, "a/b@1", pairs[::-1])
    assert slice_path(tmp_path, "a/b@1", pairs).parent == tmp_path / "readings" / "model=a%2Fb@1"
    assert slice_path(tmp_path, "a@1", pairs).name != slice_path(tmp_path, "a@1", pairs[:1]).name


def test_a_question_digest_depends_on_text_and_type_only() -> None:
    same = replace(FACTOID, question_id="other", guessed=True)
    assert question_digest(same) == question_digest(FACTOID)
    different = [replace(FACTOID, question_type="list"), replace(FACTOID, text="what causes anaphylaxis?")]
    assert len({question_digest(question) for question in (FACTOID, *different)}) == 3


@pytest.mark.parametrize(
    ("bad_span", "message"),
    [
        (SpanAnswer("atex", 0, 5, 0, 1, 0.5), r"PMID 7: .*is at 0:5, but the text there is 'latex'"),
        (SpanAnswer("", 3, 3, 0, 1, 0.5), "PMID 7: .*is at 3:3"),
        (SpanAnswer("latex", -5, 0, 0, 1, 0.5), "PMID 7: .*is at -5:0"),
        (SpanAnswer("latex", 0, 5, 2, 2, 0.5), "PMID 7: .*has the token range 2:2"),
        (SpanAnswer("latex", 0, 5, 0, 1, float("nan")), "PMID 7: .*not a probability"),
        (SpanAnswer("latex", 0, 5, 0, 1, 1.5), "PMID 7: .*not a probability"),
        (SpanAnswer("latex", 0, 5, "0", 1, 0.5), "."),  # type: ignore[arg-type]
    ],
)
def test_an_invalid_reading_is_refused(lake: Lake, bad_span: SpanAnswer, message: str) -> None:
    with pytest.raises((SchemaError, TypeError), match=message):
        write(lake, FACTOID, {(7, "latex"): ReaderOutput((bad_span,), (), 0.5)})
    for probabilities in ((-0.5,), (float("inf"),), (0.5, 1.5), (0.5, 0.5, float("nan"))):
        with pytest.raises(SchemaError, match="not a probability"):
            write(lake, FACTOID, {(7, "latex"): ReaderOutput((), (), *probabilities)})
    assert lake.rows("from readings") == []


def test_a_lake_without_the_tables_of_questions(lake: Lake, make_record: MakeRecord) -> None:
    for table in ("questions", "retrieved", "readings"):
        shutil.rmtree(lake.path / table)
    assert lake.rows("from answers") == lake.rows("from question_coverage") == []
    # A run was killed after it made the folder, before the first file.
    (lake.path / "readings" / "model=r@1").mkdir(parents=True)
    assert lake.rows("from answers") == []
    Lake.create(lake.path)
    lake.add([make_record(0, 1, "latex")], source="a", dated=True)
    write(lake, FACTOID, {(1, "latex"): reader_output("latex", ("latex", 0.5))})
    record_question(lake, 0, FACTOID, [(1, "latex")])
    assert answer_rows(lake) == [(1, 1, 1, "latex")]


def test_an_evidence_sentence_does_not_cross_the_end_of_the_title(lake: Lake) -> None:
    text = "Relief by codeine Aspirin failed. Morphine helped."
    output = reader_output(text, ("codeine", 0.5), ("Aspirin", 0.25))
    pairs = [QuestionTextPair(7, 1, text_hash(text)), QuestionTextPair(7, 2, text_hash(text))]
    footer = ReadingsFooter(READER, len(pairs), "cpu", "float32", 0.1, 9, {})
    regions = [[(17, "TITLE"), (len(text), None)], []]
    write_readings(slice_path(lake.path, READER, pairs), pairs, [text] * 2, [output] * 2, footer, regions)
    assert lake.rows("select pmid, answer, evidence_start, evidence_end from readings order by pmid, start_char") == [
        (1, "codeine", 0, 17),
        (1, "Aspirin", 18, 33),
        # A text without regions.
        (2, "codeine", 0, 33),
        (2, "Aspirin", 0, 33),
    ]


# Any Unicode except lone surrogates, and more often characters that offsets often get wrong.
TRICKY = "\0\u0301\u200d\u200b\xa0\U0001f9ec\U00010400é\t\n .?"
TEXT = st.text(st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from(TRICKY)), min_size=1, max_size=40)


@given(data=st.data(), texts=st.lists(TEXT, min_size=1, max_size=6))
def test_offsets_are_exact_for_any_text(data: st.DataObject, texts: list[str]) -> None:
    outputs = []
    for text in texts:
        start = data.draw(st.integers(0, len(text) - 1))
        end = data.draw(st.integers(start + 1, len(text)))
        outputs.append(ReaderOutput((SpanAnswer(text[start:end], start, end, 0, 1, 0.5),), (), 0.5))
    pairs = [QuestionTextPair(7, pmid, text_hash(text)) for pmid, text in enumerate(texts)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "slice.parquet"
        write_readings(path, pairs, texts, outputs, ReadingsFooter(READER, len(pairs), "cpu", "float32", 0.1, 9, {}))
        rows = pq.read_table(path).to_pylist()
    assert len(rows) == len(texts)
    for row, text in zip(rows, texts, strict=True):
        assert text[row["start_char"] : row["end_char"]] == row["answer"]
        assert 0 <= row["evidence_start"] <= row["start_char"] < row["end_char"] <= row["evidence_end"] <= len(text)
