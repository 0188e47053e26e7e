"""A reader is judged by the answers that a lake with its readings shows."""

import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from litmine import Lake
from litmine.lake.answer_merging import RANKED, TextsRead, merge_replies
from litmine.lake.hashing import question_digest, text_hash
from litmine.lake.readings import Asked as AskedOfLake
from litmine.lake.readings import Pair, ReadingsFooter, Retrieved, record_asked, slice_file, write_readings
from litmine.tasks.qa.evaluate import Given, judge
from litmine.tasks.qa.question_files import Asked, QuestionFile
from litmine.tasks.qa.reader import Reader
from litmine.tasks.qa.settings import ReaderSettings
from litmine.types import QUESTION_TYPES, Article, Question, ReaderOutput, SourceRecord, SpanAnswer

START = datetime(2025, 1, 1, tzinfo=UTC)
READER = "canned@0123456789ab"

Scored = tuple[str, float]
# What a text is read to say: answers, those that overlap them, yes and no.
Said = tuple[Sequence[Scored], Sequence[Scored], float | None, float | None]
# A question's type, and what each of its texts says.
Case = tuple[str, Sequence[Said]]


def said(*answers: Scored, variants: Sequence[Scored] = (), yes: float | None = None, no: float | None = None) -> Said:
    return answers, variants, yes, no


def read(case: Case, mark: str = "") -> TextsRead:
    """Texts that hold what they are said to answer; the mark makes them unlike those of other cases."""
    kind, every = case
    texts, replies = [], []
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
        replies.append(ReaderOutput(tuple(spans[0]), tuple(spans[1]), none, yes, no))
    return TextsRead(kind, texts, replies)


def merged(kind: str, *every: Said) -> list[tuple[str, float, int]]:
    (found,) = merge_replies([read((kind, every))])
    return [(one.answer, round(one.score, 6), one.support) for one in found]


class Canned(Reader):
    """A reader whose replies are given."""

    def __init__(self, replies: Sequence[ReaderOutput]) -> None:
        self.settings = ReaderSettings("canned", 64, 16, yes_no=True)
        self.name = "canned@0123456789ab"
        self._replies = list(replies)

    def answer(self, pairs: Sequence[tuple[str, str]]) -> list[ReaderOutput]:
        assert len(pairs) == len(self._replies)
        return self._replies


def judged(cases: Sequence[TextsRead]) -> tuple[Given, ...]:
    questions = tuple(
        Asked(str(number), f"What is {number}?", one.question_type, tuple(one.texts), (("x",),), False)
        for number, one in enumerate(cases)
    )
    reader = Canned([reply for one in cases for reply in one.replies])
    return judge(reader, QuestionFile("cases", Path("cases.json"), "bioasq", questions), all_types=True).given


def in_a_lake(folder: Path, cases: Sequence[TextsRead]) -> Lake:
    """A lake in which the questions were asked of these texts and read so."""
    lake = Lake.create(folder)
    articles, asked = [], []
    for number, one in enumerate(cases):
        question = Question(str(number), f"What is {number}?", one.question_type)
        texts = list(enumerate(one.texts, 100 * number + 1))
        articles += [SourceRecord(Article(pmid, text), START) for pmid, text in texts]
        pairs = [Pair(question_digest(question), pmid, text_hash(text)) for pmid, text in texts]
        footer = ReadingsFooter(READER, len(pairs), "cpu", "float32", 0.1, 9, {})
        write_readings(slice_file(lake.path, READER, pairs), pairs, one.texts, one.replies, footer)
        found = tuple(Retrieved(pmid, text_hash(text), 1.0, rank) for rank, (pmid, text) in enumerate(texts, 1))
        asked.append(AskedOfLake(question, READER, 99, None, found))
    lake.add(articles, source="cases", dated=True)
    record_asked(lake.path, asked, "run", START)
    return lake


# Spellings that one rule or another takes for the same answer: SQuAD's drops articles, dots and dashes anywhere.
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
SAID = st.builds(
    lambda answers, variants, verdict: (answers, variants, *verdict),
    st.lists(SCORED, max_size=5), st.lists(SCORED, max_size=3), VERDICT,
)  # fmt: skip
CASES = st.lists(st.tuples(st.sampled_from(QUESTION_TYPES), st.lists(SAID, max_size=5)), min_size=1, max_size=8)

SPELLED = [
    ("factoid", [said(("hepatitis A", 0.5)), said(("hepatitis", 0.25)), said(("hepatitis B", 0.5))]),
    ("list", [said(("1.5", 0.5), ("15", 0.5)), said(("1-5", 0.5), variants=[("15", 0.75)])]),
    ("factoid", [said(("TNF-alpha", 0.5)), said(("TNF\u2013alpha", 0.5)), said(("(TNF) alpha", 0.25))]),
]
# The sums of the first two say yes; what the texts say that are not for the most part "neither" is no.
DOUBTED = [
    ("yesno", [said(yes=0.4, no=0.0), said(yes=0.4, no=0.0), said(yes=0.2, no=0.3)]),
    ("yesno", [said(yes=0.24, no=0.25), said()]),
    ("yesno", [said(yes=0.75), said(yes=0.25)]),
]


# A lake takes a good part of a second.
@settings(max_examples=max(settings().max_examples // 4, 1))
@given(cases=CASES)
@example(cases=SPELLED)
@example(cases=DOUBTED)
def test_readers_are_judged_by_what_a_lake_answers(cases: list[Case]) -> None:
    own = [read(case, f"Text {number}") for number, case in enumerate(cases)]
    shown: list[list[tuple[str, float, int]]] = [[] for _ in own]
    with tempfile.TemporaryDirectory() as folder:
        for question, *row in in_a_lake(Path(folder) / "lake", own).rows(RANKED.format(view="answers")):
            shown[int(question)].append(tuple(row))
    assert [[(it.answer, it.score, it.support) for it in found] for found in merge_replies(own)] == shown
    for one in judged(own):
        answers = [row[0] for row in shown[int(one.asked.question_id)]]
        if one.asked.question_type == "yesno":
            assert (one.answers, one.yes) == ((), answers[0] == "yes" if answers else None)
        else:
            assert one.answers == tuple(answers[:5] if one.asked.question_type == "factoid" else answers)


def test_spellings() -> None:
    own = [[(found.answer, found.support) for found in one] for one in merge_replies([read(case) for case in SPELLED])]
    assert own == [
        [("hepatitis A", 1), ("hepatitis B", 1), ("hepatitis", 1)],
        [("1-5", 1), ("1.5", 1), ("15", 1)],
        [("TNF-alpha", 3)],
    ]


def test_the_same_answer_s_scores_are_summed_and_its_surest_spelling_stays() -> None:
    for kind in ("list", "factoid"):
        assert merged(
            kind, said(("MCT8", 0.5)), said(("the Mct8.", 0.25)), said(("a gene", 0.625)), said()
        ) == [("MCT8", 0.75, 2), ("a gene", 0.625, 1)]  # fmt: skip


def test_an_answer_counts_once_a_text_by_its_best_span() -> None:
    assert merged("list", said(("X", 0.4), ("x", 0.3))) == [("X", 0.4, 1)]


def test_the_spans_of_a_text_compete_for_a_factoid() -> None:
    """Their odds against no answer are 4 and 1 to 1, and no answer has the probability 0.2."""
    both = said(("latex", 0.8), ("milk", 0.5))
    assert merged("factoid", both) == [("latex", 0.8, 1), ("milk", 0.2, 1)]
    assert merged("list", both) == [("latex", 0.8, 1), ("milk", 0.5, 1)]
    assert merged("factoid", said(("latex", 1.0), ("milk", 0.5))) == [("latex", 1.0, 1), ("milk", 0.0, 1)]


def test_spans_that_overlap_are_a_factoid_s_answers_and_not_a_list_s() -> None:
    texts = said(("latex gloves", 0.5), variants=[("latex", 0.4)]), said(("latex", 0.25))
    assert [row[::2] for row in merged("factoid", *texts)] == [("latex", 2), ("latex gloves", 1)]
    assert [row[::2] for row in merged("list", *texts)] == [("latex gloves", 1), ("latex", 1)]


def test_a_list_gives_what_comes_near_the_best() -> None:
    assert [row[0] for row in merged("list", said(("a1", 0.5), ("b1", 0.25), ("c1", 0.125)))] == ["a1", "b1"]
    assert merged("list", said()) == merged("list") == []


def test_verdicts() -> None:
    assert merged("yesno", said(yes=0.75, no=0.125), said(yes=0.25, no=0.5)) == [("yes", 0.75, 1), ("no", 0.5, 1)]
    assert [one.yes for one in judged([read(case, str(number)) for number, case in enumerate(DOUBTED)])] == [
        False,
        None,
        False,
    ]
    assert merge_replies([]) == []
