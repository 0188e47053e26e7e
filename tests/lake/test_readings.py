"""Readings and the answers that SQL makes of them: merged, ranked, counted, and gone when their paper is."""

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
from litmine.lake.freshness import left_to_read
from litmine.lake.hashing import question_digest, text_hash
from litmine.lake.readings import Asked, Pair, ReadingsFooter, Retrieved, record_asked, slice_file, write_readings
from litmine.types import Question, ReaderOutput, SourceRecord, SpanAnswer

Seen = Callable[..., SourceRecord]
Said = ReaderOutput | str
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


def reply(
    text: str,
    *found: tuple[str, float],
    variants: Sequence[tuple[str, float]] = (),
    yes: float | None = None,
    no: float | None = None,
) -> ReaderOutput:
    spans, others = (tuple(span(text, *one) for one in them) for them in (found, variants))
    return ReaderOutput(spans, others, 1 - max((score for _, score in found), default=0), yes, no)


def write(lake: Lake, question: Question, said: dict[tuple[int, str], Said], model: str = READER) -> None:
    """A slice of readings of one question over some (PMID, text)."""
    pairs = [Pair(question_digest(question), pmid, text_hash(text)) for pmid, text in said]
    footer = ReadingsFooter(model, len(pairs), "cpu", "float32", 0.1, 9, {})
    texts = [text for _, text in said]
    write_readings(slice_file(lake.path, model, pairs), pairs, texts, list(said.values()), footer)


def ask(lake: Lake, hour: int, question: Question, over: Sequence[tuple[int, str]], model: str = READER) -> None:
    found = tuple(Retrieved(pmid, text_hash(text), 9.0 - i, i + 1) for i, (pmid, text) in enumerate(over))
    record_asked(lake.path, [Asked(question, model, 10, None, found)], f"run{hour}", START + timedelta(hours=hour))


def answered(lake: Lake, columns: str = "rank, support, pmid, answer") -> list[tuple[object, ...]]:
    return lake.rows(f"select {columns} from answers order by rank nulls last, score desc, pmid")


@pytest.fixture
def asked(lake: Lake, seen: Seen) -> Callable[..., None]:
    """`asked(question, {text: reply})`: an article for each text, from PMID 1, read and retrieved in that order."""

    def add(question: Question, said: dict[str, Said]) -> None:
        texts = list(enumerate(said, 1))
        lake.add([seen(0, pmid, text) for pmid, text in texts], source="a", dated=True)
        write(lake, question, {(pmid, text): said[text] for pmid, text in texts})
        ask(lake, 0, question, texts)

    return add


def test_the_columns_of_the_contract(lake: Lake) -> None:
    assert lake.sql("from answers").column_names == ANSWERS.split(", ")


def test_the_same_answer_of_several_papers_is_one(lake: Lake, asked: Callable[..., None]) -> None:
    texts = ["Penicillin did it. It was penicillin-G.", "the penicillin; latex", "A latex glove", "Nothing", "wasps!"]
    asked(
        FACTOID,
        {
            texts[0]: reply(texts[0], ("Penicillin", 0.5), ("penicillin-G", 0.25)),
            texts[1]: reply(texts[1], ("the penicillin", 0.25), ("latex", 0.5)),
            texts[2]: reply(texts[2], ("A latex", 0.375)),
            texts[3]: reply(texts[3]),
            texts[4]: "IndexError: out of range",
        },
    )
    assert answered(lake) == [
        (1, 2, 2, "latex"),
        (1, 2, 3, "A latex"),
        (2, 2, 1, "Penicillin"),
        (2, 2, 2, "the penicillin"),
        (3, 1, 1, "penicillin-G"),
        (None, None, 4, None),
    ]
    assert answered(lake, "evidence_start, evidence_end, start_char, end_char")[2] == (0, 18, 0, 10)
    assert answered(lake, "score, start_char, evidence_start")[-1] == (None, None, None)
    assert lake.rows("from gaps") == [("qa", READER, None, None, 5, "IndexError: out of range")]


SAME = [
    ("The IL-2", "il 2"),
    ("IL2", "IL-2"),
    ("interferon gamma", "Interferon-gamma"),
    ("“Crohn's disease”", "Crohns  disease"),
    ("an NSAID", "NSAID."),
    ("(TNF) alpha", "TNF-alpha"),
]
APART = [("hepatitis A", "hepatitis"), ("1.5 mg", "15 mg"), ("1-2", "12"), ("CD4+", "CD4"), ("+", "-")]


def test_spellings_of_one_answer(lake: Lake, seen: Seen) -> None:
    asked = []
    for number, words in enumerate([*SAME, *APART]):
        question = Question(str(number), f"What is {number}?", "factoid")
        texts = [(10 * number + i, f"{word} of {number}") for i, word in enumerate(words)]
        lake.add([seen(0, *one) for one in texts], source=str(number), dated=True)
        said = {one: reply(one[1], (word, 0.5)) for one, word in zip(texts, words, strict=True)}
        write(lake, question, dict(said))
        found = tuple(Retrieved(pmid, text_hash(text), 1, rank) for rank, (pmid, text) in enumerate(texts, 1))
        asked.append(Asked(question, READER, 2, None, found))
    record_asked(lake.path, asked, "run", START)
    ranks = dict(lake.rows("select question_id, max(rank) from answers group by all"))
    assert [ranks[str(number)] for number in range(len(asked))] == [1] * len(SAME) + [2] * len(APART)


def test_an_answer_counts_once_a_paper(lake: Lake, asked: Callable[..., None]) -> None:
    text = "latex and Latex and LATEX, or wasps"
    found = reply(text, ("latex", 0.5), ("Latex", 0.25), ("LATEX", 0.25), ("wasps", 0.75))
    asked(FACTOID, {text: found})
    assert answered(lake) == [(1, 1, 1, "wasps"), (2, 1, 1, "latex")]


def test_a_list_has_what_its_papers_support(lake: Lake, asked: Callable[..., None]) -> None:
    texts = ["latex or wasps", "wasps or milk", "milk"]
    asked(
        replace(FACTOID, question_type="list"),
        {
            texts[0]: reply(texts[0], ("latex", 0.625), ("wasps", 0.25)),
            texts[1]: reply(texts[1], ("wasps", 0.0625), ("milk", 0.125)),
            texts[2]: reply(texts[2], ("milk", 0.0625)),
        },
    )
    assert answered(lake) == [(1, 1, 1, "latex"), (2, 2, 1, "wasps"), (2, 2, 2, "wasps")]


def test_a_verdict_has_evidence_for_and_against(lake: Lake, asked: Callable[..., None]) -> None:
    texts = ["Asthma. It does help.", "No effect was seen.", "It may.", "Perhaps", "It could be so."]
    asked(
        replace(FACTOID, question_type="yesno"),
        {
            texts[0]: reply(
                texts[0], ("Asthma", 0.25), ("help", 0.5), variants=[("does help", 0.75)], yes=0.75, no=0.125
            ),
            texts[1]: reply(texts[1], ("effect", 0.5), yes=0.0, no=1.0),
            texts[2]: reply(texts[2], yes=0.625, no=0.25),
            texts[3]: reply(texts[3], yes=0.375, no=0.0),
            texts[4]: "IndexError: out of range",
        },
    )
    assert answered(
        lake, "rank, support, pmid, answer, score, evidence_start, evidence_end, start_char, end_token"
    ) == [
        (1, 2, 1, "yes", 0.75, 8, 21, None, None),
        (1, 2, 3, "yes", 0.625, None, None, None, None),
        (2, 1, 2, "no", 1.0, 0, 19, None, None),
        (None, None, 4, None, None, None, None, None, None),
    ]


def test_spans_that_overlap_are_a_factoid_s_answers_and_not_a_list_s(lake: Lake, asked: Callable[..., None]) -> None:
    texts = ["latex gloves", "a latex glove", "wasps"]
    said = {
        texts[0]: reply(texts[0], ("latex gloves", 0.5), variants=[("latex", 0.4)]),
        texts[1]: reply(texts[1], ("latex", 0.25)),
        texts[2]: reply(texts[2], ("wasps", 0.125)),
    }
    asked(FACTOID, said)
    assert answered(lake) == [
        (1, 2, 1, "latex"),
        (1, 2, 2, "latex"),
        (2, 1, 1, "latex gloves"),
        (3, 1, 3, "wasps"),
    ]
    assert lake.rows("select answer from readings where variant") == [("latex",)]
    wanted = replace(FACTOID, question_id="q2", question_type="list")
    over = list(enumerate(texts, 1))
    write(lake, wanted, {(pmid, text): said[text] for pmid, text in over})
    ask(lake, 1, wanted, over)
    rows = lake.rows("select answer from answers where question_id = 'q2' order by rank")
    assert rows == [("latex gloves",), ("latex",)]


def test_the_spans_of_a_text_compete_for_a_factoid(lake: Lake, asked: Callable[..., None]) -> None:
    """In the first two papers milk's odds are those of even chance, and latex leaves it less: 0.2 each, in sum 0.4."""
    texts = ["latex or milk", "milk or latex", "wasps"]
    asked(
        FACTOID,
        {
            texts[0]: reply(texts[0], ("latex", 0.8), ("milk", 0.5)),
            texts[1]: reply(texts[1], ("latex", 0.8), ("milk", 0.5)),
            texts[2]: reply(texts[2], ("wasps", 0.75)),
        },
    )
    assert [row[3] for row in answered(lake)] == ["latex", "latex", "wasps", "milk", "milk"]


def test_a_factoid_that_is_certain(lake: Lake, asked: Callable[..., None]) -> None:
    text = "latex or milk"
    asked(FACTOID, {text: reply(text, ("latex", 1.0), ("milk", 0.5))})
    assert answered(lake, "rank, answer, score") == [(1, "latex", 1.0), (2, "milk", 0.0)]


def test_papers_that_change_take_their_answers_with_them(lake: Lake, seen: Seen, asked: Callable[..., None]) -> None:
    texts = [f"latex {word}" for word in ("one", "two", "three", "four")]
    asked(FACTOID, {text: reply(text, ("latex", 0.5)) for text in texts})
    assert [row[1:3] for row in answered(lake)] == [(4, 1), (4, 2), (4, 3), (4, 4)]
    lake.add([seen(1, 1, "another text"), seen(1, 2), seen(1, 3, texts[2], retracted=True)], source="b", dated=True)
    assert [row[1:3] for row in answered(lake)] == [(1, 4)]
    assert lake.rows("select retrieved, read, unread, failed, outdated from question_coverage") == [(4, 4, 0, 0, 3)]
    lake.add([seen(2, 1, texts[0]), seen(2, 3, texts[2])], source="c", dated=True)
    assert [row[1:3] for row in answered(lake)] == [(3, 1), (3, 3), (3, 4)]


def test_two_runs_that_read_the_same_double_nothing(lake: Lake, asked: Callable[..., None]) -> None:
    texts = ["latex one", "latex two"]
    asked(FACTOID, {text: reply(text, ("latex", 0.5)) for text in texts})
    write(lake, FACTOID, {(2, texts[1]): reply(texts[1], ("latex", 0.4375), ("two", 0.25))})
    first, second = answered(lake, "pmid, score")[:2]
    assert (first, second[0]) == ((1, 0.5), 2)
    assert len(answered(lake)) == (2 if second[1] == 0.5 else 3)
    assert lake.rows("select retrieved, read from question_coverage") == [(2, 2)]


def test_the_newest_asking_counts(lake: Lake, seen: Seen) -> None:
    texts = [(1, "latex one"), (2, "latex two")]
    other = "s@1"
    lake.add([seen(0, *one) for one in texts], source="a", dated=True)
    for model, answer in ((READER, "latex"), (other, "two")):
        write(lake, FACTOID, {one: reply(one[1], (answer if answer in one[1] else "one", 0.5)) for one in texts}, model)
    ask(lake, 1, FACTOID, texts)
    assert answered(lake, "pmid, answer, model") == [(1, "latex", READER), (2, "latex", READER)]
    ask(lake, 3, FACTOID, texts[1:], other)
    assert answered(lake, "pmid, answer, model") == [(2, "two", other)]
    ask(lake, 2, FACTOID, texts[:1])
    assert lake.rows("select pmid, model, active from all_answers order by all") == [
        (1, READER, False),
        (2, other, True),
    ]
    # The same question under another id, and another question under the same one.
    ask(lake, 4, replace(FACTOID, question_id="q2"), texts)
    ask(lake, 5, replace(FACTOID, text="What else?"), [])
    assert lake.rows("select distinct question_id, question from answers") == [("q2", FACTOID.text)]
    assert lake.rows("select question_id, model, active from questions order by all") == [
        ("q1", READER, True),
        ("q1", other, False),
        ("q2", READER, True),
    ]


def test_what_is_left_to_read(lake: Lake, seen: Seen) -> None:
    texts = [(pmid, f"latex {pmid}") for pmid in range(1, 6)]
    first, second = lake.add([seen(0, *one) for one in texts], source="a", dated=True, part_size=3).parts
    pairs = [Pair(question_digest(FACTOID), pmid, text_hash(text)) for pmid, text in texts]
    assert left_to_read(lake.path, READER, []) == []
    left = left_to_read(lake.path, READER, pairs[::-1])
    assert dict(left) == {pair: first if pair.pmid <= 3 else second for pair in pairs}
    assert [part for _, part in left] == sorted(part for _, part in left)
    write(
        lake, FACTOID, {texts[0]: reply(texts[0][1]), texts[3]: "could not", texts[4]: reply(*texts[4][1:], ("5", 0.5))}
    )
    assert {pair.pmid for pair, _ in left_to_read(lake.path, READER, pairs)} == {2, 3}
    assert len(left_to_read(lake.path, "other@1", pairs)) == 5
    # A revision brings a text of its own; the record that comes back has the text that was read.
    lake.add([seen(1, 1, "other")], source="b", dated=True)
    lake.add([seen(2, 1, "latex 1")], source="c", dated=True)
    assert left_to_read(lake.path, READER, pairs[:1]) == []
    with pytest.raises(LakeError, match=r"knows a text of PMID 9 that the lake does not hold; delete .*search"):
        left_to_read(lake.path, READER, [Pair(1, 9, 9)])


def test_a_slice_is_named_after_its_pairs(tmp_path: Path) -> None:
    pairs = [Pair(1, 2, 3), Pair(-1, 5, 6)]
    assert slice_file(tmp_path, "a/b@1", pairs) == slice_file(tmp_path, "a/b@1", pairs[::-1])
    assert slice_file(tmp_path, "a/b@1", pairs).parent == tmp_path / "readings" / "model=a%2Fb@1"
    assert slice_file(tmp_path, "a@1", pairs).name != slice_file(tmp_path, "a@1", pairs[:1]).name


def test_a_question_is_its_words_and_type() -> None:
    same = replace(FACTOID, question_id="other", guessed=True)
    assert question_digest(same) == question_digest(FACTOID)
    others = [replace(FACTOID, question_type="list"), replace(FACTOID, text="what causes anaphylaxis?")]
    assert len({question_digest(one) for one in (FACTOID, *others)}) == 3


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (SpanAnswer("atex", 0, 5, 0, 1, 0.5), r"PMID 7: .*stands at 0:5, where the text has 'latex'"),
        (SpanAnswer("", 3, 3, 0, 1, 0.5), "PMID 7: .*stands at 3:3"),
        (SpanAnswer("latex", -5, 0, 0, 1, 0.5), "PMID 7: .*stands at -5:0"),
        (SpanAnswer("latex", 0, 5, 2, 2, 0.5), "PMID 7: .*has the tokens 2:2"),
        (SpanAnswer("latex", 0, 5, 0, 1, float("nan")), "PMID 7: .*no probability"),
        (SpanAnswer("latex", 0, 5, 0, 1, 1.5), "PMID 7: .*no probability"),
        (SpanAnswer("latex", 0, 5, "0", 1, 0.5), "."),  # type: ignore[arg-type]
    ],
)
def test_a_reading_that_does_not_hold_is_refused(lake: Lake, wrong: SpanAnswer, sentence: str) -> None:
    with pytest.raises((SchemaError, TypeError), match=sentence):
        write(lake, FACTOID, {(7, "latex"): ReaderOutput((wrong,), (), 0.5)})
    for probabilities in ((-0.5,), (float("inf"),), (0.5, 1.5), (0.5, 0.5, float("nan"))):
        with pytest.raises(SchemaError, match="no probability"):
            write(lake, FACTOID, {(7, "latex"): ReaderOutput((), (), *probabilities)})
    assert lake.rows("from readings") == []


def test_a_lake_from_before_questions(lake: Lake, seen: Seen) -> None:
    for table in ("questions", "retrieved", "readings"):
        shutil.rmtree(lake.path / table)
    assert lake.rows("from answers") == lake.rows("from question_coverage") == []
    # Killed between the folder and its first file.
    (lake.path / "readings" / "model=r@1").mkdir(parents=True)
    assert lake.rows("from answers") == []
    Lake.create(lake.path)
    lake.add([seen(0, 1, "latex")], source="a", dated=True)
    write(lake, FACTOID, {(1, "latex"): reply("latex", ("latex", 0.5))})
    ask(lake, 0, FACTOID, [(1, "latex")])
    assert answered(lake) == [(1, 1, 1, "latex")]


# Any Unicode but lone surrogates, with a leaning towards what offsets are commonly wrong about.
TRICKY = "\0\u0301\u200d\u200b\xa0\U0001f9ec\U00010400é\t\n .?"
TEXT = st.text(st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from(TRICKY)), min_size=1, max_size=40)


@given(data=st.data(), texts=st.lists(TEXT, min_size=1, max_size=6))
def test_rows_are_to_the_letter_for_any_text(data: st.DataObject, texts: list[str]) -> None:
    replies = []
    for text in texts:
        start = data.draw(st.integers(0, len(text) - 1))
        end = data.draw(st.integers(start + 1, len(text)))
        replies.append(ReaderOutput((SpanAnswer(text[start:end], start, end, 0, 1, 0.5),), (), 0.5))
    pairs = [Pair(7, pmid, text_hash(text)) for pmid, text in enumerate(texts)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "slice.parquet"
        write_readings(path, pairs, texts, replies, ReadingsFooter(READER, len(pairs), "cpu", "float32", 0.1, 9, {}))
        rows = pq.read_table(path).to_pylist()
    assert len(rows) == len(texts)
    for row, text in zip(rows, texts, strict=True):
        assert text[row["start_char"] : row["end_char"]] == row["answer"]
        assert 0 <= row["evidence_start"] <= row["start_char"] < row["end_char"] <= row["evidence_end"] <= len(text)
