"""Lists of PMIDs in different notations."""

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
    pmids, unreadable = read_pmids(text.split("\n"))
    assert all(0 < pmid < 2**63 for pmid in pmids)
    assert all(record.why.endswith("is not a PMID") for record in unreadable)
    assert bool(pmids or unreadable) == any(character not in ",;\ufeff" for character in "".join(text.split()))


def test_other_words_are_reported_with_their_line() -> None:
    pmids, unreadable = read_pmids(["\ufeff1, PMC2\n", "\n", "0 12x 3\n"])
    assert pmids == [1, 3]
    assert unreadable == [
        UnreadableRecord("line 1", "'PMC2' is not a PMID"),
        UnreadableRecord("line 3", "'0' is not a PMID"),
        UnreadableRecord("line 3", "'12x' is not a PMID"),
    ]
