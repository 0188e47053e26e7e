"""Definitions of abbreviations: exact pairs of real sentences, and what holds for any text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.text.abbreviations import find_abbreviations
from litmine.text.sentences import split_sentences


def pairs(text: str) -> list[tuple[str, str]]:
    return [(one.short_form, one.long_form) for one in find_abbreviations(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("head and neck squamous cell carcinoma (HNSCC)", [("HNSCC", "head and neck squamous cell carcinoma")]),
        ("Interleukin-6 (IL-6; also BSF2) rose.", [("IL-6", "Interleukin-6")]),
        ("IL-6 (interleukin-6; 10 ng/ml) was added.", [("IL-6", "interleukin-6")]),
        ("more reactive oxygen species (ROSs) in cells", [("ROSs", "reactive oxygen species")]),
        ("oxidants (reactive oxygen species, ROS) in cells", [("ROS", "reactive oxygen species")]),
        ("solitary fibrous tumors of the pleura (SFTP)", [("SFTP", "solitary fibrous tumors of the pleura")]),
        (
            "Alzheimer's disease (AD) and quality of life (QOL)",
            [("AD", "Alzheimer's disease"), ("QOL", "quality of life")],
        ),
        ("nuclear factor kappa B (NF-κB)", [("NF-κB", "nuclear factor kappa B")]),
        ("transforming growth factor-β1 (TGF-beta1)", [("TGF-beta1", "transforming growth factor-β1")]),
        (
            "PPARα (peroxisome proliferator-activated receptor α)",
            [("PPARα", "peroxisome proliferator-activated receptor α")],
        ),
        ("N-(4-hydroxyphenyl)retinamide (4-HPR)", [("4-HPR", "N-(4-hydroxyphenyl)retinamide")]),
        (
            "cytochrome P450 2D6 (CYP2D6), messenger RNA (mRNA)",
            [("CYP2D6", "cytochrome P450 2D6"), ("mRNA", "messenger RNA")],
        ),
        (
            "odds ratio (OR 2.3; 95% confidence interval [CI], 1 to 3)",
            [("OR", "odds ratio"), ("CI", "confidence interval")],
        ),
        ("values (CI = confidence interval) are", [("CI", "confidence interval")]),
        (
            "tumor necrosis factor (TNF) receptor (TNFR)",
            [("TNF", "tumor necrosis factor"), ("TNFR", "tumor necrosis factor (TNF) receptor")],
        ),
        ("a (mixed [interleukin (IL) signal", [("IL", "interleukin")]),
        ("Patients in Sweden (Merck) or elsewhere (e.g. here), n (n = 3), and so on (as in Table 1).", []),
        ("The first rate. Second (FRS) was low.", []),
        ("protease 2A (2A(pro)) of a virus", []),
        ("two enzymes, eIF4F core components (eIF4E)", []),
        ("", []),
    ],
)
def test_the_definitions_of_a_sentence(text: str, expected: list[tuple[str, str]]) -> None:
    assert pairs(text) == expected


def test_offsets_are_code_points() -> None:
    text = "\U0001f9ec Atrial fibrillation (AF)."
    (one,) = find_abbreviations(text)
    assert (one.long_start, one.long_end, one.short_start, one.short_end) == (2, 21, 23, 25)


PIECES = st.sampled_from(
    [
        *(
            "(",
            ")",
            "[",
            "]",
            "; ",
            ", ",
            "=",
            ":",
            " ",
            " ",
            ". ",
            "-",
            "/",
            "s",
            "β",
            "beta",
            "κ",
            "2",
            "6",
            "the ",
            "of ",
        ),
        *("interleukin", "IL", "IL-6", "(IL)", "(TNF)", "tumor necrosis factor ", "ROSs", "reactive oxygen species "),
        *("\u00a0", "\n", "İ", "ß", "\U0001f9ec", "e\u0301", "²", "Ⅳ", "\x00"),
    ]
)


@given(text=st.one_of(st.lists(PIECES, max_size=30).map("".join), st.text()))
def test_definitions_quote_one_sentence_in_order(text: str) -> None:
    found = find_abbreviations(text)
    sentences = split_sentences(text)
    assert len(set(found)) == len(found)
    starts = [min(one.short_start, one.long_start) for one in found]
    assert starts == sorted(starts)
    for one in found:
        assert text[one.short_start : one.short_end] == one.short_form
        assert text[one.long_start : one.long_end] == one.long_form
        assert one.short_end <= one.long_start or one.long_end <= one.short_start
        assert one.long_form.strip() == one.long_form
        assert len(one.long_form) > len(one.short_form) > 1
        assert one.long_form.count("(") == one.long_form.count(")")
        span = min(one.short_start, one.long_start), max(one.short_end, one.long_end)
        assert any(start <= span[0] and span[1] <= end for start, end in sentences)


@pytest.mark.parametrize("unit", ["(", ")", "[(", "()", "TNF (", "a-(", "..", "(a", "A", "\n "])
def test_a_hostile_text_takes_linear_time(unit: str) -> None:
    # A search whose time grows with the square of the length does not end within the time limit of a test run.
    assert find_abbreviations(unit * 100_000) == []
