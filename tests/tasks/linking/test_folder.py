"""`folder`, `settings`, `corpora`: a saved linker links the same, its digest covers it, held-out documents stay out."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from litmine.errors import CorpusError, ModelError
from litmine.tasks.linking.corpora import (
    LinkingCorpus,
    equivalent_identifiers,
    held_out_documents,
    read_gold,
    training_documents,
)
from litmine.tasks.linking.folder import load_names, load_trained, open_linker, save_linker
from litmine.tasks.linking.settings import RULES_VERSION, LinkerSettings, identify
from litmine.vocabulary import open_vocabulary
from tests.fixtures.linking import HUMAN_TEXT, mention, small_linker, trained, vocabulary, vocabulary_names

VOCABULARY = "builtin@0123456789ab"


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    save_linker(trained(), vocabulary_names(), "small", VOCABULARY, tmp_path)
    return tmp_path


def test_a_saved_linker_links_the_same(saved: Path) -> None:
    settings, loaded = load_trained(saved)
    assert settings == LinkerSettings("small", VOCABULARY, trained().thresholds)
    text = f"{HUMAN_TEXT}Heart attack and breast or ovarian cancer, EGFR, aspirin."
    names = (
        ("Heart attack", "Disease"),
        ("breast or ovarian cancer", "Disease"),
        ("EGFR", "Gene"),
        ("aspirin", "Chemical"),
    )
    found = [mention(text, words, kind) for words, kind in names]
    before = [link and link.identifiers for link in small_linker().link(text, found)]
    after = [link and link.identifiers for link in loaded.linker(vocabulary(), load_names(saved)).link(text, found)]
    assert after == before
    assert None not in before


def test_a_folder_opens_over_another_vocabulary(saved: Path, small_vocabulary: Path) -> None:
    linker = open_linker(saved, open_vocabulary(str(small_vocabulary)))
    text = "Paracetamol in heart attacks."
    links = linker.link(text, [mention(text, "Paracetamol", "Chemical"), mention(text, "heart attacks", "Disease")])
    assert [link and link.identifiers for link in links] == [("MESH:D000082",), ("MESH:D009203",)]


def test_opening_a_linker_imports_no_torch() -> None:
    code = "import sys, litmine.tasks.linking.folder, litmine.tasks.linking.settings; print('torch' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"


def test_the_digest_covers_files_thresholds_and_vocabulary(saved: Path) -> None:
    first = identify(saved, "folder", VOCABULARY)
    assert first.startswith("small@")
    assert identify(saved, "folder", VOCABULARY) == first
    # The same content under another name is the same vocabulary.
    assert identify(saved, "folder", "mine@0123456789ab") == first
    assert identify(saved, "folder", "builtin@ffffffffffff") != first
    settings = json.loads((saved / "litmine.json").read_text())
    (saved / "litmine.json").write_text(json.dumps(settings | {"thresholds": {"Disease": 0.9}}))
    assert identify(saved, "folder", VOCABULARY) != first
    save_linker(trained(), vocabulary_names(), "small", "other@ffffffffffff", saved)
    assert identify(saved, "folder", VOCABULARY) == first
    with (saved / "learned_names.jsonl").open("a") as file:
        file.write('["Disease", "grippe", {"MESH:D007251": 1}]\n')
    assert identify(saved, "folder", VOCABULARY) != first


@pytest.mark.parametrize("name", ["litmine.json", "learned_names.jsonl", "rankers.json", "words.parquet"])
def test_a_missing_or_damaged_file_is_an_error_with_a_sentence(saved: Path, name: str) -> None:
    (saved / name).write_text("{")
    with pytest.raises(ModelError, match="again"):
        open_linker(saved, open_vocabulary())
    (saved / name).unlink()
    with pytest.raises(ModelError, match="again"):
        open_linker(saved, open_vocabulary())
    with pytest.raises(ModelError, match="again"):
        identify(saved, "folder", VOCABULARY)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"task": "qa"}, "it is not that of a linker"),
        ({"thresholds": [0.5]}, "again"),
        ({"thresholds": {"Disease": "high"}}, "again"),
        ({"rules": RULES_VERSION + 1}, "install the version of litmine that trained the linker"),
    ],
)
def test_invalid_settings_are_refused(saved: Path, changed: dict[str, object], sentence: str) -> None:
    file = saved / "litmine.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changed))
    with pytest.raises(ModelError, match=sentence):
        load_trained(saved)


def _load(folder: Path) -> None:
    load_trained(folder)
    load_names(folder)


def pubtator(*numbers: str) -> str:
    return "\n".join(f"{one}|t|Asthma.\n{one}|a|\n{one}\t0\t6\tAsthma\tSpecificDisease\tD001249\n" for one in numbers)


def test_held_out_and_evaluated_documents_are_in_no_corpus(tmp_path: Path) -> None:
    numbers = [str(number) for number in range(100, 160)]
    (tmp_path / "first.pubtator").write_text(pubtator(*numbers))
    (tmp_path / "second.pubtator").write_text(pubtator(*numbers, "999"))
    first = read_gold(LinkingCorpus("first", tmp_path / "first.pubtator", held_out=True))
    second = read_gold(LinkingCorpus("second", tmp_path / "second.pubtator"))
    held_out = {one.name for one in held_out_documents(first)}
    assert 0 < len(held_out) < 20
    assert held_out_documents(second) == []
    trained_on = [one.name for one in training_documents([first, second], {"999", "100"})]
    assert set(trained_on) == set(numbers) - held_out - {"100"}
    assert first.gold[0].gold == (("MESH:D001249",),)


def test_figures_of_one_article_are_one_document(tmp_path: Path) -> None:
    (tmp_path / "captions.pubtator").write_text(pubtator("48019521015", "48019521016"))
    corpus = LinkingCorpus("captions", tmp_path / "captions.pubtator", held_out=True, panel_digits=4)
    assert {one.name for one in read_gold(corpus).gold} == {"captions 4801952"}


def test_an_omim_number_counts_as_the_record_that_mondo_maps_it_to(tmp_path: Path) -> None:
    equivalents = equivalent_identifiers(open_vocabulary())
    assert equivalents["OMIM:203500"] == "MESH:D000474"
    (tmp_path / "one.pubtator").write_text("1|t|Alkaptonuria.\n1|a|\n1\t0\t12\tAlkaptonuria\tDisease\tOMIM:203500\n\n")
    corpus = read_gold(LinkingCorpus("one", tmp_path / "one.pubtator"), equivalents)
    assert corpus.gold[0].gold == (("MESH:D000474",),)


def test_types_that_no_linker_links_are_counted(tmp_path: Path) -> None:
    text = pubtator("1") + "2|t|V600E.\n2|a|\n2\t0\t5\tV600E\tSequenceVariant\trs113488022\n\n"
    (tmp_path / "one.pubtator").write_text(text)
    corpus = read_gold(LinkingCorpus("one", tmp_path / "one.pubtator"))
    assert corpus.other_types == {"SequenceVariant": 1}
    assert corpus.types == ["Disease"]
    assert (len(corpus.documents), len(corpus.gold)) == (2, 1)


def test_a_few_misplaced_mentions_are_left_out_and_many_are_an_error(tmp_path: Path) -> None:
    wrong = "9|t|Asthma.\n9|a|\n9\t1\t7\tAsthma\tDisease\tD001249\n"
    file = tmp_path / "one.pubtator"
    file.write_text(pubtator(*map(str, range(100, 130))) + "\n" + wrong)
    corpus = read_gold(LinkingCorpus("one", file))
    assert len(corpus.misplaced) == 1
    assert len(corpus.gold) == 30
    file.write_text(pubtator("1", "2") + "\n" + wrong)
    with pytest.raises(CorpusError, match=r"1 of 3 mentions are not at their offsets, first in line 11: 'Asthma'"):
        read_gold(LinkingCorpus("one", file))
