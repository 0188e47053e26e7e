"""Entries that give corpora, or one type of a corpus, a guideline of their own."""

from litmine.corpora.guidelines import SHARED, corpora_of, guideline_of

ENTRIES = ("Species-800", "NLM-Gene=names", "CG=events", "CG:Anatomy=", "CellFinder:CellLine=names")


def test_a_corpus_has_the_guideline_of_its_entry_unless_its_type_has_one() -> None:
    assert guideline_of(ENTRIES, "Species-800", "Species") == "Species-800"
    assert guideline_of(ENTRIES, "NLM-Gene", "Gene") == "names"
    assert guideline_of(ENTRIES, "CG", "Gene") == "events"
    assert guideline_of(ENTRIES, "CG", "Anatomy") == SHARED
    assert guideline_of(ENTRIES, "CellFinder", "CellLine") == "names"
    assert guideline_of(ENTRIES, "CellFinder", "Gene") == guideline_of(ENTRIES, "BC2GM", "Gene") == SHARED


def test_the_entries_name_corpora() -> None:
    assert corpora_of(ENTRIES) == {"Species-800", "NLM-Gene", "CG", "CellFinder"}
