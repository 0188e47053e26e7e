"""`evaluate` and `bootstrap`: scores of hand-made gold, and intervals over documents."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.tasks.linking.bootstrap import f1, interval, share
from litmine.tasks.linking.evaluate import JudgedMention, LinkingJudge, score
from litmine.tasks.linking.mention_names import Mention
from litmine.tasks.linking.metrics import MICRO, GoldLink, end_to_end, end_to_end_intervals
from litmine.tasks.linking.training_examples import GoldDocument
from tests.fixtures.linking import mention, trained, vocabulary, vocabulary_names

TEXT = "Paracetamol in heart attack and zzyzx fever."
GOLD = GoldDocument(
    "1",
    TEXT,
    len(TEXT),
    (
        mention(TEXT, "Paracetamol", "Chemical"),
        mention(TEXT, "heart attack", "Disease"),
        mention(TEXT, "zzyzx fever", "Disease"),
    ),
    (("MESH:D000082",), ("MESH:D009203", "MESH:D999999"), ("MESH:D888888",)),
)


def judge() -> LinkingJudge:
    return LinkingJudge(trained(), vocabulary(), vocabulary_names())


def test_scores_of_hand_made_gold() -> None:
    scores = score(judge().judge([GOLD]), 100)
    assert list(scores) == ["Chemical", "Disease", MICRO]
    assert (scores["Chemical"].accuracy, scores["Chemical"].support) == (100, 1)
    assert (scores["Disease"].accuracy, scores["Disease"].ceiling, scores["Disease"].support) == (50, 50, 2)
    assert scores["Disease"].stages["exact"] == 50
    assert scores[MICRO].accuracy == pytest.approx(200 / 3)
    # There is one document, so every resample is this one.
    assert scores[MICRO].interval == pytest.approx((200 / 3, 200 / 3))
    assert scores["Chemical"].record()["with_threshold"] == {"precision": 100, "recall": 100}


def test_thresholds_change_precision_and_recall_and_not_the_accuracy() -> None:
    links = [
        (GoldLink("Disease", ("A",), ("A",)), True),
        (GoldLink("Disease", ("A",), ("A",)), False),
        (GoldLink("Disease", ("A",), ("B",)), False),
        (GoldLink("Disease", ("A",), ()), False),
    ]
    stages = dict.fromkeys(("exact", "long_forms", "normal_forms", "voting"), "")
    judged = [JudgedMention(0, link, True, linked, stages) for link, linked in links]
    found = score(judged, 100)["Disease"]
    assert (found.accuracy, found.precision, found.recall, found.ceiling) == (50, 100, 25, 100)


def test_from_raw_text_types_that_the_file_lacks_do_not_count() -> None:
    tagged = [Mention(0, 11, "Chemical"), Mention(15, 27, "Disease"), Mention(15, 20, "Gene")]
    ((gold, predicted),) = judge().from_raw_text([GOLD], lambda texts: [tagged for _ in texts], ["Chemical", "Disease"])
    assert [one[:3] for one in gold] == [(one.start, one.end, one.entity_type) for one in GOLD.mentions]
    assert predicted == [(0, 11, "Chemical", ("MESH:D000082",)), (15, 27, "Disease", ("MESH:D009203",))]
    scores = end_to_end([(gold, predicted)])
    assert scores["Disease"] == {"precision": 100, "recall": 50, "f1": pytest.approx(200 / 3), "support": 2}
    assert scores["documents"]["Disease"]["support"] == 3


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=30))
def test_an_interval_holds_the_mean_of_its_resamples(pairs: list[tuple[int, int]]) -> None:
    counts = np.array([(right, right + wrong) for right, wrong in pairs])
    if counts[:, 1].min() == 0:
        counts[:, 1] += 1
    low, high = interval(counts, share, 100)
    shares = 100 * counts[:, 0] / counts[:, 1]
    assert shares.min() - 1e-9 <= low <= high <= shares.max() + 1e-9
    assert interval(counts, share, 100) == (low, high)


def test_intervals_of_f1_are_those_of_documents() -> None:
    right = [(0, 1, "Gene", ("A",))], [(0, 1, "Gene", ("A",))]
    wrong = [(0, 1, "Gene", ("A",))], [(0, 1, "Gene", ("B",))]
    assert end_to_end_intervals([right, right]) == {
        "Gene": (100, 100),
        MICRO: (100, 100),
        "documents": {"Gene": (100, 100), MICRO: (100, 100)},
    }
    low, high = end_to_end_intervals([right, wrong] * 10)["Gene"]
    assert 20 < low < 50 < high < 80
    assert f1(np.array([[4, 4, 3]])).tolist() == [75]
