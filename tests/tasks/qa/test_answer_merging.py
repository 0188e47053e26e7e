"""Merged answers: an evaluation scores the same answers that the views of a lake show."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from litmine import Lake
from litmine.lake.answer_merging import RANKED_ANSWERS_QUERY, QuestionReadings, merge_answers
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
from litmine.tasks.qa.evaluate import ReaderPrediction, predict
from litmine.tasks.qa.question_files import GoldQuestion, QuestionFile
from litmine.tasks.qa.reader import Reader
from litmine.tasks.qa.settings import ReaderSettings
from litmine.types import QUESTION_TYPES, Article, Question, ReaderOutput, SourceRecord, SpanAnswer
from tests.fixtures.examples import fewer_examples

START = datetime(2025, 1, 1, tzinfo=UTC)
READER = "fixed@0123456789ab"

Scored = tuple[str, float]
# The output for one text: answers, variants, and the probabilities of yes and no.
TextOutput = tuple[Sequence[Scored], Sequence[Scored], float | None, float | None]
# A question's type, and the output for each of its texts.
Case = tuple[str, Sequence[TextOutput]]


def text_output(
    *answers: Scored, variants: Sequence[Scored] = (), yes: float | None = None, no: float | None = None
) -> TextOutput:
    return answers, variants, yes, no


def make_readings(case: Case, mark: str = "") -> QuestionReadings:
    """Texts that contain their answers; `mark` makes them different from those of other cases."""
    kind, every = case
    texts, outputs = [], []
    for number, (answers, variants, yes, no) in enumerate(every):
        text = f"{mark} {number}"
        spans: list[list[SpanAnswer]] = [[], []]
        for place, (answer, score) in enumerate([*answers, *variants]):
            text += " | "
            span = SpanAnswer(answer, len(text), len(text) + len(answer), place, place + 1, score)
            spans[place >= len(answers)].append(span)
            text += answer
        none = 1 - max((score for _, score in answers), default=0.0)
        texts.append(text)
        outputs.append(ReaderOutput(tuple(spans[0]), tuple(spans[1]), none, yes, no))
    return QuestionReadings(kind, texts, outputs)


def merged(kind: str, *every: TextOutput) -> list[tuple[str, float, int]]:
    (found,) = merge_answers([make_readings((kind, every))])
    return [(one.answer, round(one.score, 6), one.support) for one in found]


class FixedReader(Reader):
    """A reader with fixed outputs."""

    def __init__(self, outputs: Sequence[ReaderOutput]) -> None:
        self.settings = ReaderSettings("fixed", 64, 16, yes_no=True)
        self.name = "fixed@0123456789ab"
        self._outputs = list(outputs)

    def answer(self, pairs: Sequence[tuple[str, str]]) -> list[ReaderOutput]:
        assert len(pairs) == len(self._outputs)
        return self._outputs


def predictions(cases: Sequence[QuestionReadings]) -> tuple[ReaderPrediction, ...]:
    questions = tuple(
        GoldQuestion(str(number), f"What is {number}?", one.question_type, tuple(one.texts), (("x",),), False)
        for number, one in enumerate(cases)
    )
    reader = FixedReader([output for one in cases for output in one.outputs])
    return predict(reader, QuestionFile("cases", Path("cases.json"), "bioasq", questions), all_types=True).predictions


def fill(lake: Lake, cases: Sequence[QuestionReadings]) -> Lake:
    """Add these readings to an empty lake."""
    articles, entries = [], []
    for number, one in enumerate(cases):
        question = Question(str(number), f"What is {number}?", one.question_type)
        texts = list(enumerate(one.texts, 100 * number + 1))
        articles += [SourceRecord(Article(pmid, text), START) for pmid, text in texts]
        pairs = [QuestionTextPair(question_digest(question), pmid, text_hash(text)) for pmid, text in texts]
        footer = ReadingsFooter(READER, len(pairs), "cpu", "float32", 0.1, 9, {})
        write_readings(slice_path(lake.path, READER, pairs), pairs, one.texts, one.outputs, footer)
        found = tuple(RetrievedArticle(pmid, text_hash(text), 1.0, rank) for rank, (pmid, text) in enumerate(texts, 1))
        entries.append(QuestionLogEntry(question, READER, 99, None, found))
    lake.add(articles, source="cases", dated=True)
    record_questions(lake.path, entries, "run", START)
    return lake


# Spellings that some normalisation rule treats as equal: SQuAD's drops articles, dots and dashes anywhere.
NAMES = (
    "hepatitis A", "Hepatitis", "hepatitis-A", "hepatitis B", "IL-2", "IL 2", "il2", "IL\u20112", "1.5", "15", "1-5",
    "1\u20135", "TNF-alpha", "TNF\u2013alpha", "(TNF) alpha", "\u201cTNF alpha\u201d", "Crohn's disease", "CD4+", "CD4",
    "Crohn\u2019s disease", "Crohns disease", "[CD4]", "+", "-", "a", "The", "\u03b2-catenin", "\u0392-Catenin",
)  # fmt: skip
ANSWER = st.builds(
    lambda article, name, after, shout: f"{article}{name.upper() if shout else name}{after}",
    st.sampled_from(["", "", "", "the ", "A ", "an "]),
    st.sampled_from(NAMES),
    st.sampled_from(["", "", "", ".", ",", "?", " )", "'"]),
    st.booleans(),
)
# Few values, so that sums are often equal.
SCORED = st.tuples(ANSWER, st.sampled_from([0.01, 0.125, 0.2, 0.25, 0.3, 0.5, 0.75, 1.0]))
VERDICT = st.one_of(
    st.just((None, None)),
    st.tuples(st.floats(0, 1, width=32), st.just(None)),
    st.tuples(st.sampled_from([0.0, 0.2, 0.24, 0.25, 0.26, 0.3]), st.sampled_from([0.0, 0.2, 0.24, 0.25, 0.26, 0.3])),
    st.tuples(st.floats(0, 0.5), st.floats(0, 0.5)),
)
TEXT_OUTPUT = st.builds(
    lambda answers, variants, verdict: (answers, variants, *verdict),
    st.lists(SCORED, max_size=5), st.lists(SCORED, max_size=3), VERDICT,
)  # fmt: skip
CASES = st.lists(st.tuples(st.sampled_from(QUESTION_TYPES), st.lists(TEXT_OUTPUT, max_size=5)), min_size=1, max_size=8)

SPELLED = [
    (
        "factoid",
        [text_output(("hepatitis A", 0.5)), text_output(("hepatitis", 0.25)), text_output(("hepatitis B", 0.5))],
    ),
    ("list", [text_output(("1.5", 0.5), ("15", 0.5)), text_output(("1-5", 0.5), variants=[("15", 0.75)])]),
    (
        "factoid",
        [text_output(("TNF-alpha", 0.5)), text_output(("TNF\u2013alpha", 0.5)), text_output(("(TNF) alpha", 0.25))],
    ),
]
# In the first two, the sums over all texts favour yes, and texts that are not mostly "neither" answer no.
DOUBTED = [
    ("yesno", [text_output(yes=0.4, no=0.0), text_output(yes=0.4, no=0.0), text_output(yes=0.2, no=0.3)]),
    ("yesno", [text_output(yes=0.24, no=0.25), text_output()]),
    ("yesno", [text_output(yes=0.75), text_output(yes=0.25)]),
]


# Filling a lake takes half a second.
@settings(max_examples=fewer_examples(gate=5, soak=750))
@given(cases=CASES)
@example(cases=SPELLED)
@example(cases=DOUBTED)
def test_predictions_equal_the_answers_in_a_lake(lake_places: Any, cases: list[Case]) -> None:
    readings = [make_readings(case, f"Text {number}") for number, case in enumerate(cases)]
    shown: list[list[tuple[str, float, int]]] = [[] for _ in readings]
    lake = fill(Lake(lake_places.place()), readings)
    lake_places.free_all()
    for question, *row in lake.rows(RANKED_ANSWERS_QUERY.format(view="answers")):
        shown[int(question)].append(tuple(row))
    assert [[(it.answer, it.score, it.support) for it in found] for found in merge_answers(readings)] == shown
    for one in predictions(readings):
        answers = [row[0] for row in shown[int(one.gold.question_id)]]
        if one.gold.question_type == "yesno":
            assert (one.answers, one.yes) == ((), answers[0] == "yes" if answers else None)
        else:
            assert one.answers == tuple(answers[:5] if one.gold.question_type == "factoid" else answers)


def test_spellings_of_one_answer_are_merged() -> None:
    readings = [
        [(found.answer, found.support) for found in one]
        for one in merge_answers([make_readings(case) for case in SPELLED])
    ]
    assert readings == [
        [("hepatitis A", 1), ("hepatitis B", 1), ("hepatitis", 1)],
        [("1-5", 1), ("1.5", 1), ("15", 1)],
        [("TNF-alpha", 3)],
    ]


def test_scores_are_summed_and_the_best_spelling_is_shown() -> None:
    for kind in ("list", "factoid"):
        outputs = [text_output(("MCT8", 0.5)), text_output(("the Mct8.", 0.25)), text_output(("a gene", 0.625))]
        assert merged(kind, *outputs, text_output()) == [("MCT8", 0.75, 2), ("a gene", 0.625, 1)]


def test_an_answer_counts_once_per_text_with_its_best_span() -> None:
    assert merged("list", text_output(("X", 0.4), ("x", 0.3))) == [("X", 0.4, 1)]


def test_the_spans_of_a_text_compete_in_a_factoid() -> None:
    """Their odds against "no answer" are 4 and 1, and "no answer" has the probability 0.2."""
    both = text_output(("latex", 0.8), ("milk", 0.5))
    assert merged("factoid", both) == [("latex", 0.8, 1), ("milk", 0.2, 1)]
    assert merged("list", both) == [("latex", 0.8, 1), ("milk", 0.5, 1)]
    assert merged("factoid", text_output(("latex", 1.0), ("milk", 0.5))) == [("latex", 1.0, 1), ("milk", 0.0, 1)]


def test_overlapping_spans_are_answers_to_factoids_but_not_to_lists() -> None:
    texts = text_output(("latex gloves", 0.5), variants=[("latex", 0.4)]), text_output(("latex", 0.25))
    assert [row[::2] for row in merged("factoid", *texts)] == [("latex", 2), ("latex gloves", 1)]
    assert [row[::2] for row in merged("list", *texts)] == [("latex gloves", 1), ("latex", 1)]


def test_a_list_keeps_answers_close_to_the_best() -> None:
    assert [row[0] for row in merged("list", text_output(("a1", 0.5), ("b1", 0.25), ("c1", 0.125)))] == ["a1", "b1"]
    assert merged("list", text_output()) == merged("list") == []


def test_yes_and_no_scores_are_merged() -> None:
    assert merged("yesno", text_output(yes=0.75, no=0.125), text_output(yes=0.25, no=0.5)) == [
        ("yes", 0.75, 1),
        ("no", 0.5, 1),
    ]
    assert [
        one.yes for one in predictions([make_readings(case, str(number)) for number, case in enumerate(DOUBTED)])
    ] == [
        False,
        None,
        False,
    ]
    assert merge_answers([]) == []
