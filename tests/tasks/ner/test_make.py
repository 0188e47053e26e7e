"""Making a model: training, scores, model card, and corpora that do not fit together."""

import json
import re
import shutil
from collections import Counter
from pathlib import Path

import pytest

from litmine.corpora.corpus import read_corpus
from litmine.corpora.registry import registry
from litmine.errors import CorpusError, SettingError
from litmine.tasks.ner.error_analysis import KINDS, Mistake
from litmine.tasks.ner.evaluate import evaluate, predict
from litmine.tasks.ner.make import make_model
from litmine.tasks.ner.recipe import TaggerRecipe
from litmine.tasks.ner.report import make_report
from litmine.tasks.registry import load_model
from litmine.training.base_licence import base_licence


@pytest.mark.parametrize(("name", "types"), [("NCBI-disease", ["Disease"]), ("BC5CDR", ["Chemical", "Disease"])])
def test_a_tiny_model_learns_its_training_sentences(
    tiny_model: Path, sample_data: Path, name: str, types: list[str]
) -> None:
    corpus = read_corpus(sample_data / "ner" / name / "train.tsv", name)
    scores = evaluate(load_model(str(tiny_model), precision="float32"), corpus)
    assert list(scores) == [*types, "micro"]
    assert scores["micro"]["f1"] > 80
    assert scores["micro"]["support"] == sum(len(passage.spans) for passage in corpus.passages)


def test_dev_scores_are_in_the_folder_and_on_the_card(tiny_model: Path, sample_data: Path) -> None:
    scores = json.loads((tiny_model / "scores.json").read_text())
    card = (tiny_model / "README.md").read_text()
    assert list(scores) == ["NCBI-disease", "BC5CDR"]
    tagger = load_model(str(tiny_model), precision="float32")
    corpus = read_corpus(sample_data / "ner" / "BC5CDR" / "dev.tsv", "BC5CDR")
    assert evaluate(tagger, corpus) == scores["BC5CDR"]
    intervals = make_report(predict(tagger, corpus)).intervals
    for name, kinds in scores.items():
        for kind in set(kinds) - {"micro"}:
            figures = kinds[kind]
            assert set(figures) == {"precision", "recall", "f1", "support"}
            row = f"| {name} | {kind} | {figures['precision']:.1f} | {figures['recall']:.1f} | {figures['f1']:.1f} |"
            if name == "BC5CDR":
                low, high = intervals[kind]["f1"]
                row += f" {low:.1f} to {high:.1f} | {figures['support']:,} |"
            assert row in card


def test_the_card_names_model_data_and_recipe(tiny_model: Path) -> None:
    card = (tiny_model / "README.md").read_text()
    assert card.startswith("# tiny\n")
    assert f"`{load_model(str(tiny_model)).name}`" in card
    assert "| Disease | yes | NCBI-disease, BC5CDR | shared by all corpora of the type" in card
    assert "| Chemical | yes | BC5CDR |" in card
    known = registry()["NCBI-disease"]
    assert f"| NCBI-disease | 60 | 54 | {known.guideline} | {known.licence} | {known.terms} |" in card
    assert "| tiny-base (base encoder) | – | – | – | not stated; see its source | – |" in card
    assert "Base `tiny-base`; 24 epochs" in card
    # True of the built-in model alone, and of a base that litmine trained.
    assert "default window was chosen" not in card
    assert "was trained before" not in card
    assert "`--precision float32` gives" in card
    assert not re.search(r"[{}]", card)
    assert str(tiny_model.parent) not in card


def test_the_card_lists_the_weaknesses(tiny_model: Path, sample_data: Path) -> None:
    tagger = load_model(str(tiny_model), precision="float32")
    made: list[Mistake] = []
    for name in ("NCBI-disease", "BC5CDR"):
        corpus = read_corpus(sample_data / "ner" / name / "dev.tsv", name)
        # NCBI-disease does not annotate chemicals, so chemicals found there are not mistakes.
        heads = load_model(str(tiny_model), precision="float32", heads=["Disease"]) if name != "BC5CDR" else tagger
        made += make_report(predict(heads, corpus)).mistakes
    card = (tiny_model / "README.md").read_text()
    for kind in ("Disease", "Chemical"):
        wrong = [one.kind for one in made if any(span and span.entity_type == kind for span in (one.gold, one.found))]
        worst, count = Counter(wrong).most_common(1)[0]
        line = f"- {kind}: {100 * count / len(wrong):.0f} % of its {len(wrong):,} errors are `{worst}` ({KINDS[worst]})"
        assert line in card.splitlines()


def test_the_card_of_separate_unregistered_corpora_without_dev_splits(
    tiny_base: Path, sample_data: Path, tmp_path: Path
) -> None:
    base, own, other = tmp_path / "base", tmp_path / "own.tsv", tmp_path / "other.tsv"
    shutil.copytree(tiny_base, base)
    (base / "README.md").write_text("---\ntags:\n- bert\nlicense: apache-2.0\n---\n# A base\nlicense: none\n")
    own.write_text("aspirin\tB-Drug|x\nhelps\tO\n" * 2)
    other.write_text("mice\tB-Drug|x\nrun\tO\n" * 2)
    corpora = (f"own={own}", str(other), f"mine={sample_data / 'ner' / 'NCBI-disease' / 'train.tsv'}")
    make_model(
        TaggerRecipe("mixed", str(base), corpora, separate_heads=("own", "other"), epochs=1),
        tmp_path / "made",
        lambda _: None,
    )
    card = (tmp_path / "made" / "README.md").read_text()
    assert card.count("Not measured: no corpus has a dev split.") == 2
    assert r"| Drug\|x (own) | yes | own | the type has no shared head, and this corpus is the first |" in card
    assert r"| Drug\|x (other) | no | other | separate, because the corpus follows another guideline than" in card
    assert r"| own | 1 | 2 | Drug\|x | not stated; see its source | – |" in card
    assert "| base (base encoder) | – | – | – | apache-2.0 | – |" in card


def test_the_card_names_unlabelled_texts_and_earlier_trainings(
    tiny_base: Path, sample_data: Path, tmp_path: Path
) -> None:
    texts, corpus = tmp_path / "abstracts.jsonl", sample_data / "ner" / "NCBI-disease" / "train.tsv"
    lines = [{"pmid": i, "title": f"Asthma attack number {i} of many patients with allergies."} for i in range(40)]
    texts.write_text("".join(json.dumps(line) + "\n" for line in lines))
    recipe = TaggerRecipe(
        "mine", str(tiny_base), (str(corpus),), epochs=1, unlabelled=str(texts), pretrain_tokens=400, teachers=1
    )
    make_model(recipe, tmp_path / "made", lambda _: None)
    card = (tmp_path / "made" / "README.md").read_text()
    assert "| abstracts.jsonl (unlabelled texts) | – | – | – | not stated; see its source | – |" in card
    assert (
        "Before that, the encoder was pretrained on 400 tokens of masked words. Where no corpus annotates a type, it"
        in card
    )
    assert str(tmp_path) not in card


@pytest.mark.parametrize(
    ("place", "licence"),
    [
        ("mine=NCBI-disease", "public domain (United States Government Work)"),
        ("mine", "not stated; see its source"),
    ],
)
def test_licences_come_from_the_registry_or_are_unknown(
    tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, licence: str
) -> None:
    monkeypatch.setenv("LITMINE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for folder in (tmp_path / "corpora" / "NCBI-disease", tmp_path / "mine"):
        folder.mkdir(parents=True)
        (folder / "train.tsv").write_text("asthma\tB-Disease\n")
    make_model(TaggerRecipe("one", str(tiny_base), (place,), epochs=1), tmp_path / "made", lambda _: None)
    (row,) = [line for line in (tmp_path / "made" / "README.md").read_text().splitlines() if line.startswith("| mine")]
    assert f" | {licence} | " in row


def test_the_licence_of_a_litmine_base_is_that_of_its_training_data(tiny_model: Path) -> None:
    assert base_licence(str(tiny_model)) == "that of its training data; see its card"


def test_the_folder_contains_only_the_model(tiny_model: Path) -> None:
    assert {file.name for file in tiny_model.iterdir()} == {
        "README.md", "config.json", "litmine.json", "loss.tsv", "model.safetensors", "recipe.json", "scores.json",
        "tokenizer.json",
    }  # fmt: skip


def test_int8_weights_and_a_pruned_vocabulary(tiny_base: Path, sample_data: Path, tmp_path: Path) -> None:
    corpora = (str(sample_data / "ner" / "NCBI-disease"),)
    recipe = TaggerRecipe("small", str(tiny_base), corpora, epochs=1, batch_tokens=2000, vocabulary=500, int8=True)
    make_model(recipe, tmp_path, lambda _: None)
    assert (tmp_path / "model.safetensors").stat().st_size < (tiny_base / "model.safetensors").stat().st_size / 3
    assert json.loads((tmp_path / "config.json").read_text())["vocab_size"] == 500
    assert "8 bits with one scale per row" in (tmp_path / "README.md").read_text()
    load_model(str(tmp_path)).annotate(["An allergy to penicillin"])


@pytest.fixture
def sentences(tmp_path: Path) -> Path:
    file = tmp_path / "train.tsv"
    file.write_text("aspirin\tB-Chemical\nworks\tO\n")
    return file


def refused(base: Path, *corpora: str | Path, separate: tuple[str, ...] = ()) -> TaggerRecipe:
    return TaggerRecipe("mine", str(base), tuple(map(str, corpora)), separate_heads=separate)


def test_corpora_need_different_names(tiny_base: Path, sentences: Path) -> None:
    with pytest.raises(SettingError, match="the corpora train, train need different names; use --corpus NAME=PATH"):
        make_model(refused(tiny_base, sentences, sentences), sentences.parent / "mine", lambda _: None)


def test_separate_heads_must_name_a_corpus(tiny_base: Path, sentences: Path) -> None:
    with pytest.raises(
        SettingError, match="--separate-heads Species-80 is not a corpus of the recipe; use one of train"
    ):
        make_model(refused(tiny_base, sentences, separate=("Species-80",)), sentences.parent / "mine", lambda _: None)


def test_an_invalid_dev_split_fails_before_training(tiny_base: Path, sentences: Path) -> None:
    (sentences.parent / "dev.tsv").write_text("aspirin\n")
    with pytest.raises(CorpusError, match=r"dev\.tsv, line 1"):
        make_model(refused(tiny_base, sentences.parent), sentences.parent / "mine", lambda _: None)
    assert not (sentences.parent / "mine").exists()


def test_a_dev_split_of_other_types_fails_before_training(tiny_base: Path, sentences: Path) -> None:
    (sentences.parent / "dev.tsv").write_text("BRCA1\tB-Gene\n")
    with pytest.raises(CorpusError, match=r"dev\.tsv annotates Gene, but its train split does not"):
        make_model(refused(tiny_base, sentences.parent), sentences.parent / "mine", lambda _: None)
    assert not (sentences.parent / "mine").exists()


def test_mentions_that_are_not_at_their_offsets_are_logged(tiny_base: Path, tmp_path: Path) -> None:
    file = tmp_path / "documents.pubtator"
    good = ["1\t0\t7\taspirin\tChemical"] * 30
    file.write_text("\n".join(["1|t|aspirin", "1|a|", *good, "1\t1\t7\taspirin\tChemical", ""]))
    messages: list[str] = []
    make_model(TaggerRecipe("mine", str(tiny_base), (str(file),), epochs=1), tmp_path / "mine", messages.append)
    assert f"{file}: skipped 1 mentions that are not at their offsets (lines 33)" in messages


def test_a_model_cannot_be_scored_on_types_that_it_does_not_find(tiny_model: Path, tmp_path: Path) -> None:
    file = tmp_path / "genes.tsv"
    file.write_text("BRCA1\tB-Gene\n")
    with pytest.raises(
        CorpusError, match=r"annotates Gene, but tiny@\w+ finds Chemical, Disease; rename the type with --map"
    ):
        evaluate(load_model(str(tiny_model)), read_corpus(file, "genes"))
