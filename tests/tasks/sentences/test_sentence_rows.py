"""`sentences`: each sentence once, with exact offsets, and never across a title or a section."""

from hypothesis import given
from hypothesis import strategies as st

from litmine.lake.articles import NewTexts
from litmine.nn.failure_isolation import FailedItem
from litmine.tasks.sentences.model import sentence_rows
from litmine.text.sentences import split_sentences


def rows_of(text: str, regions: list[tuple[int, str | None]]) -> list[tuple[int, int, int, str | None]]:
    texts = NewTexts([7], [1], [text], [regions])
    return [(row[2], row[3], row[4], row[5]) for row in sentence_rows(texts, [split_sentences(text)])]


def test_title_and_sections_end_a_sentence_without_a_full_stop() -> None:
    text = "A title without a stop BACKGROUND: Asthma is common METHODS: We read. And counted."
    regions: list[tuple[int, str | None]] = [(22, "TITLE"), (51, "BACKGROUND"), (len(text), "METHODS")]
    found = [(text[start:end], position, label) for position, start, end, label in rows_of(text, regions)]
    assert found == [
        ("A title without a stop", 0, "TITLE"),
        ("BACKGROUND: Asthma is common", 1, "BACKGROUND"),
        ("METHODS: We read.", 2, "METHODS"),
        ("And counted.", 3, "METHODS"),
    ]


def test_a_text_without_regions_has_sentences_without_a_section() -> None:
    assert rows_of("One. Two.", []) == [(0, 0, 4, None), (1, 5, 9, None)]
    assert rows_of("", []) == []


def test_a_failed_text_has_no_rows_and_rows_are_sorted_by_pmid() -> None:
    texts = NewTexts([9, 5, 7], [1, 2, 3], ["A.", "B.", "C."], [[], [], []])
    found: list[list[tuple[int, int]] | FailedItem] = [
        split_sentences("A."),
        FailedItem("poisoned"),
        split_sentences("C."),
    ]
    assert sentence_rows(texts, found) == [(7, 3, 0, 0, 2, None), (9, 1, 0, 0, 2, None)]


@given(st.lists(st.tuples(st.text(max_size=40), st.sampled_from(["RESULTS", None])), max_size=5))
def test_rows_cover_the_text_in_order_and_stay_in_their_region(parts: list[tuple[str, str | None]]) -> None:
    text, regions = "", []
    for words, label in parts:
        text += f"{' ' if text else ''}{words}"
        regions.append((len(text), label))
    end_before, covered = 0, ""
    for position, (number, start, end, label) in enumerate(rows_of(text, regions)):
        assert (number, start < end, text[start:end].strip()) == (position, True, text[start:end])
        assert not text[end_before:start].strip()
        borders = [border for border, _ in regions if start < border < end]
        assert borders == []
        assert label == next(of_region for border, of_region in regions if end <= border)
        covered += text[start:end]
        end_before = end
    assert "".join(covered.split()) == "".join(text.split())
