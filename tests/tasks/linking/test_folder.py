"""`folder` and `corpora`: a saved linker links the same, its digest covers it, held-out documents stay out."""

import json
from pathlib import Path

import pytest

from litmine.errors import ModelError
from litmine.tasks.linking.corpora import LinkingCorpus, is_held_out, read_gold, training_documents
from litmine.tasks.linking.folder import LinkerSettings, linker_digest, load_trained, save_linker
from tests.fixtures.linking import HUMAN_TEXT, mention, small_linker, trained, vocabulary, vocabulary_names

SETTINGS = LinkerSettings("small", "builtin@0123456789ab")


def test_a_saved_linker_links_the_same(tmp_path: Path) -> None:
    save_linker(trained(), SETTINGS, tmp_path)
    settings, loaded = load_trained(tmp_path)
    assert settings == SETTINGS
    text = f"{HUMAN_TEXT}Heart attack and breast or ovarian cancer, EGFR, aspirin."
    names = (
        ("Heart attack", "Disease"),
        ("breast or ovarian cancer", "Disease"),
        ("EGFR", "Gene"),
        ("aspirin", "Chemical"),
    )
    found = [mention(text, words, kind) for words, kind in names]
    before = [link and link.identifiers for link in small_linker().link(text, found)]
    after = [link and link.identifiers for link in loaded.linker(vocabulary(), vocabulary_names()).link(text, found)]
    assert after == before
    assert None not in before


def test_the_digest_covers_files_thresholds_and_vocabulary(tmp_path: Path) -> None:
    save_linker(trained(), SETTINGS, tmp_path)
    first = linker_digest(tmp_path, SETTINGS.vocabulary)
    assert linker_digest(tmp_path, SETTINGS.vocabulary) == first
    assert linker_digest(tmp_path, "builtin@ffffffffffff") != first
    settings = json.loads((tmp_path / "litmine.json").read_text())
    (tmp_path / "litmine.json").write_text(json.dumps(settings | {"thresholds": {"Disease": 0.9}}))
    assert linker_digest(tmp_path, SETTINGS.vocabulary) != first
    save_linker(trained(), SETTINGS, tmp_path)
    with (tmp_path / "learned_names.jsonl").open("a") as file:
        file.write('["Disease", "grippe", {"MESH:D007251": 1}]\n')
    assert linker_digest(tmp_path, SETTINGS.vocabulary) != first


@pytest.mark.parametrize("name", ["litmine.json", "learned_names.jsonl", "rankers.json"])
def test_a_missing_or_damaged_file_is_an_error_with_a_sentence(tmp_path: Path, name: str) -> None:
    save_linker(trained(), SETTINGS, tmp_path)
    (tmp_path / name).write_text("{")
    with pytest.raises(ModelError, match="again"):
        load_trained(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(ModelError, match="again"):
        load_trained(tmp_path)
    with pytest.raises(ModelError, match="again"):
        linker_digest(tmp_path, SETTINGS.vocabulary)


def pubtator(*numbers: str) -> str:
    return "\n".join(f"{one}|t|Asthma.\n{one}|a|\n{one}\t0\t6\tAsthma\tSpecificDisease\tD001249\n" for one in numbers)


def test_held_out_and_evaluated_documents_are_in_no_corpus(tmp_path: Path) -> None:
    numbers = [str(number) for number in range(100, 160)]
    (tmp_path / "first.pubtator").write_text(pubtator(*numbers))
    (tmp_path / "second.pubtator").write_text(pubtator(*numbers, "999"))
    first = LinkingCorpus("first", tmp_path / "first.pubtator", held_out=True)
    second = LinkingCorpus("second", tmp_path / "second.pubtator")
    read = [(corpus, read_gold(corpus)) for corpus in (first, second)]
    held_out = {one.name for one in read[0][1] if is_held_out(first, one)}
    assert 0 < len(held_out) < 20
    trained_on = [one.name for one in training_documents(read, {"999", "100"})]
    assert set(trained_on) == set(numbers) - held_out - {"100"}
    assert read[0][1][0].gold == (("MESH:D001249",),)


def test_figures_of_one_article_are_one_document(tmp_path: Path) -> None:
    (tmp_path / "captions.pubtator").write_text(pubtator("48019521015", "48019521016"))
    corpus = LinkingCorpus("captions", tmp_path / "captions.pubtator", held_out=True, panel_digits=4)
    assert {one.name for one in read_gold(corpus)} == {"captions 4801952"}
