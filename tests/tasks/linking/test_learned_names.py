"""`learned_names`: counts of documents, without one document, and what is saved."""

from pathlib import Path

import pytest

from litmine.errors import ModelError
from litmine.tasks.linking.learned_names import LearnedMention, LearnedNames

FIRST = [LearnedMention("1", "Disease", "renal toxicity", "MESH:D007674")] * 3
SECOND = [
    LearnedMention("2", "Disease", "Renal toxicities", "MESH:D007674"),
    LearnedMention("2", "Chemical", "APAP", "MESH:D000082"),
]
THIRD = [LearnedMention("3", "Disease", "renal toxicity", "MESH:D058186")]


def test_counts_are_of_documents_and_forms() -> None:
    learned = LearnedNames.of([*FIRST, *SECOND, *THIRD])
    assert learned.counts("Renal Toxicity", "Disease") == {"MESH:D007674": 2, "MESH:D058186": 1}
    assert learned.counts("Renal Toxicity", "Chemical") == {}
    assert learned.documents_with("MESH:D007674") == 2
    assert learned.names("Disease") == [("renal toxicity", "MESH:D007674")]


def test_one_document_is_left_out() -> None:
    learned = LearnedNames.of([*FIRST, *SECOND, *THIRD])
    without = learned.without(SECOND)
    assert without.counts("renal toxicity", "Disease") == {"MESH:D007674": 1, "MESH:D058186": 1}
    assert without.counts("APAP", "Chemical") == {}
    assert without.documents_with("MESH:D000082") == 0
    assert learned.counts("APAP", "Chemical") == {"MESH:D000082": 1}
    only = LearnedNames.of([*FIRST, *THIRD])
    assert without.counts("renal toxicity", "Disease") == only.counts("renal toxicity", "Disease")


def test_documents_that_are_not_kept_teach_nothing() -> None:
    learned = LearnedNames.of([*FIRST, *THIRD], keep=lambda document: document != "3")
    assert learned.counts("renal toxicity", "Disease") == {"MESH:D007674": 1}


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    learned = LearnedNames.of([*FIRST, *SECOND, *THIRD])
    learned.save(tmp_path / "names.jsonl")
    loaded = LearnedNames.load(tmp_path / "names.jsonl")
    assert loaded.counts("renal toxicity", "Disease") == learned.counts("renal toxicity", "Disease")
    assert loaded.documents_with("MESH:D007674") == 2
    loaded.save(tmp_path / "again.jsonl")
    assert (tmp_path / "again.jsonl").read_bytes() == (tmp_path / "names.jsonl").read_bytes()


@pytest.mark.parametrize("content", ["", "{}\n[1]\n", "no JSON", "[]\n", '{"a": 1}\n["Disease", "x", 5]\n'])
def test_a_damaged_file_is_named(tmp_path: Path, content: str) -> None:
    file = tmp_path / "names.jsonl"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(ModelError, match=r"names\.jsonl is damaged"):
        LearnedNames.load(file)


def test_learnt_concepts_have_their_most_frequent_name_first() -> None:
    learned = LearnedNames.of(
        LearnedMention(document, "Species", name, identifier)
        for document, name, identifier in (
            ("1", "T. gondii", "NCBITaxon:5811"),
            ("2", "Toxoplasma gondii", "NCBITaxon:5811"),
            ("3", "Toxoplasma gondii", "NCBITaxon:5811"),
            ("4", "yeast", "NCBITaxon:4932"),
        )
    )
    assert learned.concepts() == {
        "NCBITaxon:5811": ("Species", ["Toxoplasma gondii", "T. gondii"]),
        "NCBITaxon:4932": ("Species", ["yeast"]),
    }
    known = learned.only(lambda one: one.endswith("4932"))
    assert known.concepts() == {"NCBITaxon:4932": ("Species", ["yeast"])}
    assert known.counts("yeast", "Species") == {"NCBITaxon:4932": 1}
    assert (known.counts("T. gondii", "Species"), known.documents_with("NCBITaxon:5811")) == ({}, 0)
