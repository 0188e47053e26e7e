"""Normal forms of names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.vocabulary.normalise import Agreement, agreement, normalise

WORDS = st.lists(st.sampled_from(["kidney", "breast", "cancer", "alpha", "protein", "acute", "syndrome"]), min_size=1)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("HeLa", "HeLa", Agreement.EXACT),
        ("HeLa", "hela", Agreement.CASE),
        ("HL-60", "HL 60", Agreement.CHARACTERS),
        ("HeLa", "He-La", Agreement.CHARACTERS),
        ("HL-60", "hl60", Agreement.CHARACTERS),
        ("TNF-α", "TNF alpha", Agreement.CHARACTERS),
        ("TNF-𝛼", "tnf-α", Agreement.CHARACTERS),
        ("5 µm", "5 μm", Agreement.CHARACTERS),
        ("ß-carotene", "beta-carotene", Agreement.CHARACTERS),
        ("Sjögren syndrome", "Sjogren syndrome", Agreement.CHARACTERS),
        ("cerebral (infarction)", "cerebral infarction", Agreement.CHARACTERS),
        ("Diseases, Kidney", "kidney disease", Agreement.WORDS),
        ("cancer of the breast", "breast cancer", Agreement.WORDS),
        ("anaemia", "anemia", Agreement.WORDS),
        ("tumours", "tumor", Agreement.WORDS),
        ("breast cancers", "Neoplasms, Breast", Agreement.WORDS),
        ("oesophagitis", "esophagitis", Agreement.WORDS),
        ("sulphate", "sulfate", Agreement.WORDS),
        ("centre", "center", Agreement.WORDS),
        ("metastases", "metastasis", Agreement.WORDS),
        ("thromboses", "thrombosis", Agreement.WORDS),
        ("biopsies", "biopsy", Agreement.WORDS),
        ("abscesses", "abscess", Agreement.WORDS),
        ("viruses", "virus", Agreement.WORDS),
        ("type II diabetes", "diabetes type 2", Agreement.WORDS),
        ("factor V deficiency", "deficiency of factor 5", Agreement.WORDS),
    ],
)
def test_names_that_mean_the_same_have_one_form(first: str, second: str, expected: Agreement) -> None:
    assert normalise(first) == normalise(second)
    assert agreement(first, second) == agreement(second, first) == expected


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("A2M", "M2A"),
        ("IL-2", "IL-3"),
        ("vitamin D", "vitamin E"),
        ("hepatitis A", "hepatitis"),
        ("virus", "viru"),
        ("C", "D"),
        ("+", "-"),
        ("1,2-dichloroethane", "1,1-dichloroethane"),
    ],
)
def test_names_that_differ_have_other_forms(first: str, second: str) -> None:
    assert normalise(first) != normalise(second)


@given(WORDS, st.randoms(use_true_random=False), st.sampled_from([" ", "-", ", ", " (", "  "]))
def test_order_case_and_signs_count_for_nothing(words: list[str], random: object, sign: str) -> None:
    shuffled = sorted(words, key=lambda _: random.random())  # type: ignore[attr-defined]
    assert normalise(sign.join(shuffled).upper()) == normalise(" ".join(words))


@given(st.text(max_size=40))
def test_any_text_has_a_form_whatever_its_spaces(name: str) -> None:
    assert normalise(f" {name}  ") == normalise(name)
    assert agreement(name, name) == Agreement.EXACT
