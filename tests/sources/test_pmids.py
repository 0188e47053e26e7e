"""Lists of PMIDs in different notations."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.sources.pmids import read_pmids
from litmine.types import UnreadableRecord

PMIDS = st.lists(st.integers(1, 2**63 - 1))


@given(PMIDS, st.sampled_from([" ", ",", "\n", "; ", "\t", ",\n\n"]), st.sampled_from(["", "PMID: ", "pmid:", "PMID "]))
def test_every_separator_and_label(pmids: list[int], separator: str, label: str) -> None:
    text = separator.join(f"{label}{pmid}" for pmid in pmids)
    assert read_pmids(text.splitlines(keepends=True)) == (pmids, [])


@given(st.text())
def test_each_word_is_a_pmid_or_reported(text: str) -> None:
    # Alone, a header of a table has no PMID below it.
    text = f"x {text}"
    pmids, unreadable = read_pmids(text.split("\n"))
    assert all(0 < pmid < 2**63 for pmid in pmids)
    assert all(record.why.endswith("is not a PMID") for record in unreadable)
    assert bool(pmids or unreadable) == any(character not in ",;\ufeff" for character in "".join(text.split()))


@pytest.mark.parametrize(
    "text",
    [
        'PMID,Title,Authors,Citation\r\n31,"Cough, ""mild""\r\nand wheeze",Doe J,\r\n32,,,\r\n',
        "\ufeffTitle;PMID\nA title of 2004;31\n\nB;32\n",
        "Year\tPubMed ID\n2004\t31\n2005\t32\n",
        "PMID\n31\n32\n",
        "\nPMID- 31\nTI  - 2004\n\nPMID- 32\nIP  - 5\n",
    ],
    ids=["pubmed-csv", "semicolons", "tabs", "one-column", "medline"],
)
def test_only_the_pmids_of_an_export_are_read(text: str) -> None:
    assert read_pmids(text.splitlines(keepends=True)) == ([31, 32], [])


def test_a_cell_that_is_not_a_pmid_is_reported_with_its_line() -> None:
    assert read_pmids(["PMID,Title\n", "PMC7,A\n", "8,B\n", '9,"open\n']) == (
        [8, 9],
        [UnreadableRecord("line 2", "'PMC7' is not a PMID")],
    )


def test_other_words_are_reported_with_their_line() -> None:
    pmids, unreadable = read_pmids(["\ufeff1, PMC2\n", "\n", "0 12x 3\n"])
    assert pmids == [1, 3]
    assert unreadable == [
        UnreadableRecord("line 1", "'PMC2' is not a PMID"),
        UnreadableRecord("line 3", "'0' is not a PMID"),
        UnreadableRecord("line 3", "'12x' is not a PMID"),
    ]
