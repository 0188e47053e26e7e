"""Text with marked spans: cut into pieces, and shown in a notebook."""

from hypothesis import given
from hypothesis import strategies as st

from litmine.output.marked_text import MarkedSpan, MarkedText, cut_text

TEXT = "severe asthma"
SPANS = [MarkedSpan(0, 13, "Disease", "MESH:D1|MESH:D2", 0.5), MarkedSpan(7, 13, "Disease", "MESH:D1", 0.987)]


def test_overlapping_spans_cut_the_text_and_the_shortest_comes_first() -> None:
    assert [(piece.text, piece.spans) for piece in cut_text(TEXT, SPANS)] == [("severe ", (0,)), ("asthma", (1, 0))]
    assert [(piece.text, piece.spans) for piece in cut_text(TEXT, SPANS, 3, 9)] == [("ere ", (0,)), ("as", (1, 0))]
    assert [(piece.text, piece.spans) for piece in cut_text(TEXT, [], 0, 6)] == [("severe", ())]


@given(
    st.text(max_size=30),
    st.lists(st.tuples(st.integers(-5, 40), st.integers(-5, 40)), max_size=6),
    st.integers(0, 35),
    st.integers(0, 40),
)
def test_pieces_join_to_the_text_whatever_the_spans(
    text: str, places: list[tuple[int, int]], start: int, end: int
) -> None:
    spans = [MarkedSpan(first, after, "Disease") for first, after in places]
    start = min(start, len(text))
    end = max(start, end)
    place = start
    pieces = cut_text(text, spans, start, end)
    assert "".join(piece.text for piece in pieces) == text[start:end]
    for piece in pieces:
        expected = {
            number
            for number, span in enumerate(spans)
            if span.start_char <= place and span.end_char >= place + len(piece.text) and span.start_char < span.end_char
        }
        assert set(piece.spans) == expected
        place += len(piece.text)


def test_a_notebook_shows_types_and_escapes_everything() -> None:
    shown = MarkedText("<b>asthma</b>", (MarkedSpan(3, 9, 'Dis"ease', "a&b", 1.0),), "<i>")._repr_html_()
    assert "<b>" not in shown
    assert "<i>" not in shown
    assert '<mark style="' in shown
    assert "Dis&quot;ease · a&amp;b · 1.00" in shown
    assert str(MarkedText("asthma", (MarkedSpan(0, 6, "Disease"),))) == "asthma\n  asthma  (Disease)"
