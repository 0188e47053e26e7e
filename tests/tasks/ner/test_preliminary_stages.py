"""The stages before a training: pretraining, and teachers that label what no corpus annotates."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from litmine.corpora.corpus import Corpus
from litmine.corpora.decontamination import text_key
from litmine.errors import ModelError
from litmine.nn.loading import read_tokenizer
from litmine.nn.weights import load_weights
from litmine.tasks.ner.distillation import load_teachers
from litmine.tasks.ner.folder import load_folder
from litmine.tasks.ner.make import make_model
from litmine.tasks.ner.preliminary_stages import drop_stages, train_in_stages
from litmine.tasks.ner.recipe import TaggerRecipe
from litmine.tasks.ner.settings import TaggerSettings
from litmine.tasks.ner.train import train

MakeCorpus = Callable[..., Corpus]
TEXTS = [f"Patient {i} was given penicillin for a fever of {i} days and had no rash afterwards." for i in range(30)]


def _train(recipe: TaggerRecipe, corpora: list[Corpus], dev: list[Corpus], folder: Path, lines: list[str]) -> None:
    train_in_stages(recipe, corpora, dev, folder, lines.append, lambda jobs: [job(lines.append) for job in jobs])


@pytest.fixture
def corpora(make_corpus: MakeCorpus) -> list[Corpus]:
    drug = [f"case {i}: an [allergy](Disease) to [penicillin](Chemical)" for i in range(20)]
    species = [f"{i} [mice](Species) with fever" for i in range(20)]
    return [make_corpus("drug", *drug), make_corpus("species", *species)]


@pytest.fixture
def recipe(tiny_base: Path, tmp_path: Path) -> TaggerRecipe:
    texts = tmp_path / "texts.jsonl"
    texts.write_text("".join(f'{{"text": "{text}"}}\n' for text in TEXTS), encoding="utf-8")
    return TaggerRecipe(
        "m", str(tiny_base), ("drug", "species"), epochs=1, learning_rate=1e-3, batch_tokens=600, unlabelled=str(texts)
    )


def test_finished_stages_are_deleted(recipe: TaggerRecipe, corpora: list[Corpus], tmp_path: Path) -> None:
    lines: list[str] = []
    staged = replace(recipe, pretrain_tokens=3_000, teachers=2)
    _train(staged, corpora, [], tmp_path / "m", lines)
    first = load_file(tmp_path / "m" / "teacher-1" / "model.safetensors")
    second = load_file(tmp_path / "m" / "teacher-2" / "model.safetensors")
    assert any(not torch.equal(first[name], second[name]) for name in first), "both teachers have the same weights"
    assert any("masked" in line or "pretraining on 3,000 tokens" in line for line in lines)
    # Finished stages are not repeated.
    again: list[str] = []
    _train(staged, corpora, [], tmp_path / "m", again)
    assert not any("teacher" in line and " of " in line and "batches" not in line for line in again)
    assert not any("pretraining" in line for line in again)
    drop_stages(tmp_path / "m")
    assert not list((tmp_path / "m").glob("teacher-*"))
    assert not (tmp_path / "m" / "pretrained").exists()


def test_unlabelled_texts_in_a_dev_split_are_dropped(
    recipe: TaggerRecipe, corpora: list[Corpus], make_corpus: MakeCorpus, tmp_path: Path
) -> None:
    lines: list[str] = []
    dev = make_corpus("drug", TEXTS[3].replace("penicillin", "[penicillin](Chemical)"))
    _train(replace(recipe, teachers=1), corpora, [dev], tmp_path / "m", lines)
    assert "skipped 1 unlabelled texts that occur in a dev split" in lines
    assert text_key(dev.passages[0].text) == text_key(TEXTS[3])


def test_a_teacher_labels_what_no_corpus_annotates(
    recipe: TaggerRecipe, corpora: list[Corpus], make_corpus: MakeCorpus, tmp_path: Path
) -> None:
    """A student whose corpora contain no mice learns them from the teacher, unless the distillation weight is 0."""
    taught = replace(recipe, epochs=30, learning_rate=3e-3, dropout=0.0)
    train(taught, corpora, tmp_path / "teacher", lambda _: None)
    texts = [f"{i} mice with fever" for i in range(20, 30)]
    rats = make_corpus("species", "[rats](Species) slept")
    unlabelled = Corpus("unlabelled", tmp_path, (), corpora[1].passages, continuous=False)
    found = {}
    for weight in (1.0, 0.0):
        folder = tmp_path / f"m{weight}"
        student = replace(taught, distillation_weight=weight)
        train(student, [corpora[0], rats, unlabelled], folder, lambda _: None, teachers=[tmp_path / "teacher"])
        model = load_folder(folder, "m", precision="float32")
        found[weight] = [[e.mention for e in one if e.entity_type == "Species"] for one in model.annotate(texts)]
    assert found[1.0] == [["mice"]] * 10
    assert found[0.0] != found[1.0]


def test_a_teacher_of_other_types_is_refused(recipe: TaggerRecipe, corpora: list[Corpus], tmp_path: Path) -> None:
    trained = train(recipe, corpora[:1], tmp_path / "other", lambda _: None)
    settings = TaggerSettings("m", trained.heads[:1], recipe.window, recipe.overlap)
    tokenizer = read_tokenizer(tmp_path / "other").to_str()
    with pytest.raises(ModelError, match="heads or tokenizer differ"):
        load_teachers([tmp_path / "other"], settings, tokenizer)


def test_a_naive_union_treats_unannotated_types_as_absent(
    recipe: TaggerRecipe, corpora: list[Corpus], tmp_path: Path
) -> None:
    """The species corpus annotates species only, so a naive union learns that its fevers are no diseases."""
    losses = {}
    for naive in (True, False):
        folder = tmp_path / str(naive)
        train(replace(recipe, naive_union=naive, dropout=0.0), corpora, folder, lambda _: None)
        losses[naive] = np.loadtxt(folder / "loss.tsv", skiprows=1, usecols=1, ndmin=1)
    assert len(losses[True]) == len(losses[False])
    assert not np.allclose(losses[True], losses[False])


def test_one_command_runs_all_stages(
    sample_data: Path, tmp_path: Path, recipe: TaggerRecipe, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = str(sample_data / "ner" / "BC5CDR")
    scores = make_model(replace(recipe, corpora=(corpus,), pretrain_tokens=2_000, teachers=1), tmp_path / "m", print)
    output = capsys.readouterr().out
    assert set(scores) == {"BC5CDR"}
    assert "pretraining on 2,000 tokens" in output
    assert "teacher 1 of 1" in output
    assert {path.name for path in (tmp_path / "m").iterdir() if path.is_dir()} == set()
    assert load_folder(tmp_path / "m", "m").annotate(TEXTS)


def test_a_model_can_be_the_mean_of_several_trainings(
    recipe: TaggerRecipe, corpora: list[Corpus], tmp_path: Path
) -> None:
    averaged = replace(recipe, averaged=2, int8=True, unlabelled=None)
    folder = tmp_path / "m"
    _train(averaged, corpora, [], folder, [])
    runs = [load_weights(folder / name) for name in ("run-1", "run-2")]
    mean = load_weights(folder)
    assert any(not torch.equal(*(one[name] for one in runs)) for name in mean), "both runs have the same weights"
    for name, weight in mean.items():
        # Eight bits with one scale a row round by half a 127th of its greatest weight.
        bound = float(weight.abs().max()) / 200 + 1e-6
        torch.testing.assert_close(weight, (runs[0][name] + runs[1][name]) / 2, atol=bound, rtol=0)
    # The second run continues where a killed one stopped, and finished runs are not repeated.
    again: list[str] = []
    _train(averaged, corpora, [], folder, again)
    assert not any("run 1" in line for line in again)
    losses = (folder / "loss.tsv").read_text().splitlines()
    assert len(losses) - 1 == sum(len((folder / f"run-{i}" / "loss.tsv").read_text().splitlines()) - 1 for i in (1, 2))
    drop_stages(folder)
    assert not list(folder.glob("run-*"))
    assert load_folder(folder, "m").annotate(["an allergy to penicillin"])


def test_runs_that_are_averaged_start_from_the_same_weights(
    recipe: TaggerRecipe, corpora: list[Corpus], tmp_path: Path
) -> None:
    folder = tmp_path / "m"
    _train(replace(recipe, averaged=2, unlabelled=None, learning_rate=1e-12), corpora, [], folder, [])
    first, second = (load_weights(folder / name) for name in ("run-1", "run-2"))
    for name, weight in first.items():
        torch.testing.assert_close(weight, second[name], atol=1e-6, rtol=0)
