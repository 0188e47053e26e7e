"""What a sentence says of two mentions: negated, a hypothesis, an indication, by rules of cues and scopes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.text.assertion import Assertion, assert_pair


def said(marked: str) -> Assertion:
    """The assertion of a sentence whose subject is in square brackets and whose object is in angle brackets."""
    sentence = marked.translate({ord(sign): None for sign in "[]<>"})
    spans = {}
    for opening, closing in ("[]", "<>"):
        before = marked[: marked.index(opening)]
        start = len(before) - sum(before.count(sign) for sign in "[]<>")
        spans[opening] = start, start + marked.index(closing) - marked.index(opening) - 1
    return assert_pair(sentence, spans["["], spans["<"])


STATED = Assertion(negated=False, speculated=False, indication=False)


@pytest.mark.parametrize(
    "marked",
    [
        "[Lithium] caused <ataxia>.",
        "<Ataxia> developed three days after [lithium] was started.",
        "[Lithium]-induced <ataxia> is reported.",
        "Not only nausea but also <ataxia> followed [lithium].",
        "There is no doubt that [lithium] caused the <ataxia>.",
        "<Ataxia> occurred with [lithium] but not with valproate.",
        "The tremor did not respond to propranolol; [lithium] caused <ataxia>.",
        "No rash was seen. The [lithium] was the cause of her <ataxia>.",
        "[Lithium]-induced <ataxia> has not been reported previously.",
    ],
)
def test_a_plain_statement_is_asserted(marked: str) -> None:
    assert said(marked) == STATED


@pytest.mark.parametrize(
    "marked",
    [
        "[Lithium] did not cause <ataxia>.",
        "No <ataxia> was seen with [lithium].",
        "<Ataxia> was not observed in those on [lithium].",
        "Neither [lithium] nor valproate led to <ataxia>.",
        "<Ataxia> occurred with valproate but not with [lithium].",
        "They took [lithium] for a year without <ataxia>.",
        "<Ataxia> due to [lithium] was never seen.",
        "The <ataxia> was due to alcohol rather than [lithium].",
        "[Lithium] failed to produce <ataxia>.",
    ],
)
def test_a_negated_pair(marked: str) -> None:
    assert said(marked).negated


@pytest.mark.parametrize(
    "marked",
    [
        "[Lithium] may cause <ataxia>.",
        "Whether [lithium] causes <ataxia> is open.",
        "A possible case of [lithium]-induced <ataxia>.",
        "We suspect that the <ataxia> came of [lithium].",
        "A role of [lithium] in the <ataxia> could not be excluded.",
        "To investigate whether [lithium] leads to <ataxia>, we followed them.",
        "The risk of <ataxia> under [lithium] was assessed.",
    ],
)
def test_a_hypothesis(marked: str) -> None:
    assert said(marked).speculated
    assert not said(marked).negated


@pytest.mark.parametrize(
    "marked",
    [
        "More often than with placebo, [lithium] was followed by <tremor>.",
        "Patients on [lithium] were more likely than those on placebo to report <tremor>.",
        "To assess the use of propranolol in [lithium]-induced <tremor>, we treated ten patients.",
        "<Tremor> attributable to [lithium] was studied to evaluate propranolol.",
        "Propranolol was associated with a reduced incidence of <tremor> and vomiting attributable to i.v. [lithium].",
    ],
)
def test_these_words_suppose_nothing(marked: str) -> None:
    assert said(marked) == STATED


@pytest.mark.parametrize(
    "marked",
    [
        "To assess [lithium] in <tremor>, we treated ten patients.",
        "It is more likely that [lithium] caused the <tremor>.",
        "There is a risk of <tremor> with [lithium].",
        "A possible case of [lithium]-induced <tremor>.",
    ],
)
def test_these_words_still_suppose(marked: str) -> None:
    assert said(marked).speculated


@pytest.mark.parametrize(
    "marked",
    [
        "[Lithium] was given for <mania>.",
        "[Lithium] given before the night significantly reduced <mania>.",
        "[Lithium] reduces <tremor>.",
        "[Lithium] given before induction of anaesthesia reduces <tremor> later.",
        "[Lithium] attenuated the clozapine-induced <tremor>.",
        "Treatment of <mania> with [lithium] is effective.",
        "Her <mania> was treated with [lithium].",
        "A woman with <mania> taking [lithium] was admitted.",
        "[Lithium] in patients with <mania>.",
        "A man with <mania> developed tremor after [lithium].",
        "[Lithium] reversed the <mania>.",
    ],
)
def test_an_indication(marked: str) -> None:
    assert said(marked).indication


@pytest.mark.parametrize(
    "marked",
    [
        "[Lithium] was responsible for <tremor>.",
        "<Tremor> in a patient treated with [lithium].",
        "A man with mania developed <tremor> while taking [lithium].",
        "The <tremor> resolved after [lithium] was withdrawn.",
        "[Lithium] for three weeks led to <tremor>.",
        "[Lithium] in a reduced dose led to <tremor>.",
    ],
)
def test_an_effect_is_no_indication(marked: str) -> None:
    assert not said(marked).indication


def test_a_cue_acts_up_to_its_reach() -> None:
    filler = "word " * 30
    assert said(f"There was no <ataxia> {filler}[lithium].").negated
    assert not said(f"There was no harm {filler}<ataxia> [lithium].").negated


def test_a_cue_acts_in_its_own_sentence() -> None:
    first, second = "Lithium was given without delay ", "ataxia and no rash followed"
    text = first + second
    drug, effect, rash = (0, 7), (len(first), len(first) + 6), (text.index("rash"), text.index("rash") + 4)
    assert assert_pair(text, drug, effect).negated
    assert assert_pair(text, drug, effect, [len(first)]) == STATED
    assert assert_pair(text, drug, rash, [len(first)]).negated


def test_an_indication_is_looked_for_only_if_asked() -> None:
    text = "Lithium for the treatment of mania"
    assert assert_pair(text, (0, 7), (29, 34)).indication
    assert not assert_pair(text, (0, 7), (29, 34), harm=False).indication


def test_a_cue_inside_a_mention_is_none() -> None:
    assert said("[Lithium] caused <absence of reflexes>.") == STATED
    assert said("[May apple] caused <ataxia>.") == STATED


def test_offsets_are_code_points() -> None:
    assert said("😀 𝛼 [Lithium] did not cause <ataxia>.").negated


@pytest.mark.parametrize("spans", [((0, 9), (1, 2)), ((-1, 2), (1, 2)), ((0, 1), (3, 2))])
def test_a_span_outside_of_the_sentence_is_refused(spans: tuple[tuple[int, int], tuple[int, int]]) -> None:
    with pytest.raises(ValueError, match="no spans of a sentence of 5 code points"):
        assert_pair("a b c", *spans)


WORDS = st.sampled_from(
    [
        "no",
        "not",
        "may",
        "for",
        "but",
        "without",
        "patients",
        "with",
        "treated",
        "and",
        "\ue000",
        "\ue001",
        ";",
        ",",
        "İ",
    ]
)


@given(st.one_of(st.text(), st.lists(WORDS).map(" ".join)), st.data())
def test_any_text_and_any_spans_have_an_answer(text: str, data: st.DataObject) -> None:
    place = st.integers(0, len(text))
    spans = [tuple(sorted((data.draw(place), data.draw(place)))) for _ in range(2)]
    subject, target = ((start, end) for start, end in spans)
    found = assert_pair(text, subject, target)
    assert found == assert_pair(text, subject, target)
    # What a cue reaches does not depend on which mention is the subject.
    mirrored = assert_pair(text, target, subject)
    assert (found.negated, found.speculated) == (mirrored.negated, mirrored.speculated)


@given(
    st.sampled_from(["Lithium", "May apple", "Not known", "x"]), st.sampled_from(["ataxia", "no reflexes", "risk of x"])
)
def test_the_words_of_the_mentions_change_nothing(drug: str, effect: str) -> None:
    assert said(f"[{drug}] caused <{effect}>.") == STATED
    assert said(f"[{drug}] did not cause <{effect}>.").negated


@pytest.mark.parametrize("piece", ["no ", "x", "may not be ", "patients with ", "\ue000 for ", "- ", "not reported "])
def test_a_very_long_text_has_an_answer(piece: str) -> None:
    # Rules whose time grows with the square of the length would take hours.
    text = f"aspirin {piece * 10_000} caused rash"
    assert not assert_pair(text, (0, 7), (len(text) - 4, len(text))).indication
