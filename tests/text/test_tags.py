"""Tags of every scheme are converted to spans, and well-formed ones to the same spans as by seqeval in strict mode."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.text.tags import UNTYPED, Tag, TagSet, parse_tag, tags_to_spans

Spans = list[tuple[int, int, str]]

# Number of words outside before the mention, number of words in it, and its type.
MENTIONS = st.lists(st.tuples(st.integers(0, 2), st.integers(1, 4), st.sampled_from(["Gene", "Disease", "a-b"])))


def place_mentions(mentions: list[tuple[int, int, str]], tail: int = 1) -> tuple[Spans, int]:
    """The spans of these mentions in a sentence, and its number of words."""
    spans, position = [], 0
    for gap, length, entity_type in mentions:
        spans.append((position + gap, position + gap + length, entity_type))
        position += gap + length
    return spans, position + tail


def write_tags(spans: Spans, words: int, scheme: str) -> list[str]:
    """The tags of a sentence; `scheme` has the prefixes of the first, a middle, the last and a single word."""
    first, middle, last, single = tuple(scheme)
    tags = ["O"] * words
    for start, end, entity_type in spans:
        prefixes = single if end - start == 1 else first + middle * (end - start - 2) + last
        tags[start:end] = [f"{prefix}-{entity_type}" for prefix in prefixes]
    return tags


SCHEMES = {"IOB2": "BIIB", "IOBES": "BIES", "BILOU": "BILU"}


@pytest.mark.parametrize("scheme", SCHEMES)
@given(mentions=MENTIONS)
def test_spans_written_as_tags_are_read_back(scheme: str, mentions: list[tuple[int, int, str]]) -> None:
    spans, words = place_mentions(mentions)
    assert tags_to_spans(write_tags(spans, words, SCHEMES[scheme])) == spans


@given(mentions=MENTIONS)
def test_iob1_uses_b_only_after_a_mention_of_the_same_type(mentions: list[tuple[int, int, str]]) -> None:
    spans, words = place_mentions(mentions)
    tags = write_tags(spans, words, "IIII")
    for (_, left, kind), (right, _, other) in pairwise(spans):
        if left == right and kind == other:
            tags[right] = f"B-{other}"
    assert tags_to_spans(tags) == spans


@pytest.mark.parametrize("name", ["IOB2", "IOBES"])
@given(mentions=MENTIONS)
def test_seqeval_in_strict_mode_gives_the_same_spans(name: str, mentions: list[tuple[int, int, str]]) -> None:
    from seqeval import scheme

    tags = write_tags(*place_mentions(mentions), SCHEMES[name])
    (entities,) = scheme.Entities([tags], getattr(scheme, name)).entities
    seqeval_spans = [(entity.start, entity.end, entity.tag) for entity in entities]
    assert tags_to_spans(tags) == seqeval_spans


@given(st.lists(st.sampled_from(["O", "B-x", "I-x", "E-x", "S-x", "B-y", "I-y", "L-y", "U-y", "x"])))
def test_spans_of_any_tags_cover_exactly_the_tagged_words(tags: list[str]) -> None:
    spans = tags_to_spans(tags)
    covered = [word for start, end, _ in spans for word in range(start, end)]
    assert covered == [word for word, tag in enumerate(tags) if tag != "O"]
    assert all(parse_tag(tags[word]).entity_type == kind for start, end, kind in spans for word in range(start, end))


@pytest.mark.parametrize(
    ("tags", "spans"),
    [
        (["I-x", "I-x"], [(0, 2, "x")]),
        (["B-x", "I-y"], [(0, 1, "x"), (1, 2, "y")]),
        (["B-x", "E-x", "I-x"], [(0, 2, "x"), (2, 3, "x")]),
        (["B-x", "B-x"], [(0, 1, "x"), (1, 2, "x")]),
        (["S-x", "I-x"], [(0, 1, "x"), (1, 2, "x")]),
        (["B", "I", "O", "I"], [(0, 2, UNTYPED), (3, 4, UNTYPED)]),
        (["x", "x", "y"], [(0, 2, "x"), (2, 3, "y")]),
        ([], []),
        (["O"], []),
    ],
)
def test_irregular_tags_give_sensible_spans(tags: list[str], spans: Spans) -> None:
    assert tags_to_spans(tags) == spans


@pytest.mark.parametrize(
    ("label", "tag"),
    [
        ("B-Disease", Tag("Disease", begins=True)),
        ("I_Gene", Tag("Gene")),
        ("S-Chemical", Tag("Chemical", begins=True, ends=True)),
        ("L-Gene", Tag("Gene", ends=True)),
        ("B-GENE-OR-PROTEIN", Tag("GENE-OR-PROTEIN", begins=True)),
        ("B", Tag(UNTYPED, begins=True)),
        ("LOC", Tag("LOC")),
        ("Disease", Tag("Disease")),
        ("Substance", Tag("Substance")),
        ("O", Tag(None)),
        ("[PAD]", Tag(None)),
    ],
)
def test_labels_are_parsed(label: str, tag: Tag) -> None:
    assert parse_tag(label) == tag


def test_labels_may_be_in_any_order() -> None:
    tags = TagSet(["I-b", "O", "B-b", "B-a"])
    assert tags.entity_types == ["a", "b"]
    assert tags.spans(np.array([3, 2, 0, 1, 0])) == [(0, 1, "a"), (1, 3, "b"), (4, 5, "b")]


def test_no_mention_crosses_into_the_next_text() -> None:
    tags, labels = TagSet(["O", "B-a", "I-a"]), np.array([1, 2, 2, 0, 2, 1])
    assert tags.spans(labels) == [(0, 3, "a"), (4, 5, "a"), (5, 6, "a")]
    starts_text = np.array([True, False, True, False, False, False])
    assert tags.spans(labels, starts_text) == [(0, 2, "a"), (2, 3, "a"), (4, 5, "a"), (5, 6, "a")]
