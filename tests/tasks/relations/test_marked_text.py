"""A pair of mentions as a marked string: exact in any text, and cut to a window without losing a mention."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.corpora.documents import AnnotatedEntity
from litmine.tasks.relations.marked.text import (
    MARKERS,
    MASKS,
    MarkedString,
    Marking,
    Reserved,
    mark_pair,
    pair_stretch,
    shorten,
)
from litmine.tasks.relations.pairs import CandidatePair

TEXT = "Aspirin is old. 🧪 Lithium inhibits GSK-3β here. It binds well."
SENTENCES = [(0, 15), (16, 47), (48, 62)]
NOTHING = Reserved(())


def entity(text: str, entity_type: str, of: str = TEXT) -> AnnotatedEntity:
    start = of.index(text)
    return AnnotatedEntity(start, start + len(text), entity_type)


def pair(first: AnnotatedEntity, second: AnnotatedEntity) -> CandidatePair:
    return CandidatePair(first, second, 0)


LITHIUM = pair(entity("Lithium", "Chemical"), entity("GSK-3β", "Gene"))


@pytest.mark.parametrize(
    ("marking", "expected"),
    [
        (MASKS, "🧪 @CHEMICAL$ inhibits @GENE$ here."),
        (MARKERS, "🧪 [S1] Lithium [S2] inhibits [O1] GSK-3β [O2] here."),
        (Marking("<{type}>", "<{type}>", (("Gene", "protein"),)), "🧪 <CHEMICAL> inhibits <protein> here."),
    ],
)
def test_the_mentions_of_a_sentence_are_marked(marking: Marking, expected: str) -> None:
    marked = mark_pair(TEXT, LITHIUM, pair_stretch(LITHIUM, SENTENCES), marking, NOTHING)
    assert marked.text == expected
    words = [marked.text[start:end] for start, end in (marked.first, marked.second)]
    assert [*filter(None, expected.removeprefix("🧪 ").removesuffix(" here.").partition(" inhibits ")[::2])] == words


def test_a_pair_across_sentences_is_shown_with_all_sentences_between() -> None:
    across = pair(entity("Aspirin", "Chemical"), entity("GSK-3β", "Gene"))
    assert pair_stretch(across, SENTENCES) == (0, 47)
    swapped = pair(entity("GSK-3β", "Gene"), entity("Aspirin", "Chemical"))
    marked = mark_pair(TEXT, swapped, (0, 47), MARKERS, NOTHING)
    assert marked.text.startswith("[O1] Aspirin [O2] is old. 🧪 Lithium inhibits [S1] GSK-3β [S2]")


@pytest.mark.parametrize(
    ("marking", "expected"),
    [
        (MARKERS, "the [O1] [S1] serotonin [S2] transporter [O2] works"),
        (MASKS, "the @GENE$ @CHEMICAL$ works"),
    ],
)
def test_a_mention_within_another(marking: Marking, expected: str) -> None:
    text = "the serotonin transporter works"
    nested = pair(entity("serotonin", "Chemical", text), entity("serotonin transporter", "Gene", text))
    assert mark_pair(text, nested, (0, len(text)), marking, NOTHING).text == expected


def test_a_text_cannot_contain_a_marker() -> None:
    text = "[S1] aspirin [SEP] and COX-1 [S1]x"
    marked = mark_pair(
        text,
        pair(entity("aspirin", "Chemical", text), entity("COX-1", "Gene", text)),
        (0, len(text)),
        MARKERS,
        Reserved(["[S1]", "[SEP]"]),
    )
    assert marked.text == "[ S1] [S1] aspirin [S2] [ SEP] and [O1] COX-1 [O2] [ S1]x"


@pytest.mark.parametrize("templates", [("[S] {mention}", "@X$"), ("{mention}", "{mention}"), ("", "")])
def test_templates_that_mark_nothing_are_refused(templates: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="mention"):
        Marking(*templates)


@given(st.text(max_size=60), st.data())
def test_without_its_markers_a_marked_string_is_the_text(text: str, data: st.DataObject) -> None:
    cuts = st.integers(0, len(text))
    places = sorted(data.draw(cuts) for _ in range(4))
    if data.draw(st.booleans()):
        places[1], places[2] = places[2], places[1]
    first = AnnotatedEntity(min(places[:2]), max(places[:2]), "Chemical")
    second = AnnotatedEntity(min(places[2:]), max(places[2:]), "Gene")
    # Private-use characters, one for each marker, so that a text seldom has them.
    marking = Marking("\uf8f0{mention}\uf8f1", "\uf8f2{mention}\uf8f3")
    if any(mark in text for mark in "\uf8f0\uf8f1\uf8f2\uf8f3"):
        return
    marked = mark_pair(text, pair(first, second), (0, len(text)), marking, NOTHING).text
    assert marked.translate({0xF8F0 + i: None for i in range(4)}) == text
    for one, begin, end in ((first, "\uf8f0", "\uf8f1"), (second, "\uf8f2", "\uf8f3")):
        inside = marked[marked.index(begin) : marked.index(end)]
        assert inside.translate({0xF8F0 + i: None for i in range(4)}) == text[one.start : one.end]


def word_tokens(text: str) -> tuple[list[tuple[int, int]], list[int | None]]:
    """Two tokens for each word of more than one letter."""
    tokens: list[tuple[int, int]] = []
    words: list[int | None] = []
    at = 0
    for number, word in enumerate(text.split(" ")):
        half = max(1, len(word) // 2)
        for start, end in ((0, half), (half, len(word))):
            if end > start:
                tokens.append((at + start, at + end))
                words.append(number)
        at += len(word) + 1
    return tokens, words


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 40), st.integers(8, 60))
def test_a_long_string_is_cut_around_both_mentions(before: int, between: int, after: int, limit: int) -> None:
    left, middle, right = ("".join(f"{name}word " for _ in range(count)) for name, count in
                           (("a", before), ("b", between), ("c", after)))  # fmt: skip
    text = f"{left}@SUBJ$ {middle}@OBJ$ {right}".rstrip()
    first, second = text.index("@SUBJ$"), text.index("@OBJ$")
    marked = MarkedString(text, (first, first + 6), (second, second + 5))
    tokens, words = word_tokens(text)
    cut = shorten(marked, tokens, words, limit)
    assert [cut.text[slice(*span)] for span in (cut.first, cut.second)] == ["@SUBJ$", "@OBJ$"]
    assert set(cut.text.split()) <= {"@SUBJ$", "@OBJ$", "aword", "bword", "cword", "..."}
    if len(tokens) <= limit:
        assert cut is marked
    else:
        assert len(word_tokens(cut.text.replace(" ... ", " "))[0]) <= limit
