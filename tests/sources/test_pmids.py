"""Lists of PMIDs as people keep them."""

from hypothesis import given
from hypothesis import strategies as st

from litmine.sources.pmids import read_pmids
from litmine.types import UnreadableRecord

PMIDS = st.lists(st.integers(1, 2**63 - 1))


@given(PMIDS, st.sampled_from([" ", ",", "\n", "; ", "\t", ",\n\n"]), st.sampled_from(["", "PMID: ", "pmid:", "PMID "]))
def test_every_way_to_write_them(pmids: list[int], between: str, label: str) -> None:
    text = between.join(f"{label}{pmid}" for pmid in pmids)
    assert read_pmids(text.splitlines(keepends=True)) == (pmids, [])


@given(st.text())
def test_each_word_is_a_pmid_or_said(text: str) -> None:
    pmids, bad = read_pmids(text.split("\n"))
    assert all(0 < pmid < 2**63 for pmid in pmids)
    assert all(one.why.endswith("is no PMID") for one in bad)
    assert bool(pmids or bad) == any(character not in ",;\ufeff" for character in "".join(text.split()))


def test_what_is_none_is_numbered() -> None:
    pmids, bad = read_pmids(["\ufeff1, PMC2\n", "\n", "0 12x 3\n"])
    assert pmids == [1, 3]
    assert bad == [
        UnreadableRecord("line 1", "'PMC2' is no PMID"),
        UnreadableRecord("line 3", "'0' is no PMID"),
        UnreadableRecord("line 3", "'12x' is no PMID"),
    ]
