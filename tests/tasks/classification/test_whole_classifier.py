"""Text classifiers with their own encoder: those of transformers, and those that litmine trains from a base."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer

from litmine import Lake
from litmine.errors import DONE, FAILED, ModelError
from litmine.nn.loading import read_tokenizer
from litmine.specs import spec_by_name
from litmine.tasks.classification.whole_classifier import WholeTextClassifier
from litmine.tasks.registry import detect_task, identify, load_model, load_task_model
from tests.fixtures.labelled_texts import labelled_rows
from tests.fixtures.models import SMALL, label_config

Run = Callable[..., CompletedProcess[str]]
TEXTS = ["Aspirin for fever.", "The patients received heparin for β-thalassaemia.", "Rats."]
LABELS = ("trial", "review", "other")


@pytest.fixture
def foreign(tiny_base: Path, tmp_path: Path) -> Path:
    """A plain BertForSequenceClassification with three labels and random weights."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast
    from transformers.utils import logging

    torch.manual_seed(1)
    tokenizer = read_tokenizer(tiny_base)
    config = BertConfig(vocab_size=tokenizer.get_vocab_size(), **SMALL, **label_config(LABELS))
    network = BertForSequenceClassification(config)
    with torch.no_grad():
        network.classifier.weight.normal_(0, 2)
    logging.disable_progress_bar()
    folder = tmp_path / "foreign"
    network.save_pretrained(folder)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=64, pad_token="[PAD]")
    fast.save_pretrained(folder)
    return folder


def transformers_logits(folder: Path, texts: Sequence[str]) -> np.ndarray:
    """The logits of transformers, one text at a time."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    network = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    rows = []
    for text in texts:
        read = tokenizer(text, return_tensors="pt", truncation=True)
        with torch.no_grad():
            rows.append(network(input_ids=read["input_ids"], attention_mask=read["attention_mask"]).logits[0].numpy())
    return np.stack(rows)


def test_a_classifier_of_transformers_loads_as_it_is(foreign: Path) -> None:
    model: Any = load_model(str(foreign), precision="float32")
    assert isinstance(model, WholeTextClassifier)
    logits = np.concatenate(model.scores(TEXTS, model.settings.scheme))
    np.testing.assert_allclose(logits, transformers_logits(foreign, TEXTS), atol=1e-4)
    for text, (label,), row in zip(TEXTS, model.annotate(TEXTS), logits, strict=True):
        powers = np.exp(row - row.max())
        assert (label.scheme, label.label, label.start_char) == ("foreign", LABELS[row.argmax()], None), text
        assert label.score == pytest.approx((powers / powers.sum()).max(), abs=1e-5)
    assert model.annotate([""]) == [[]]


def test_a_long_text_is_the_mean_of_its_windows_weighted_by_words(foreign: Path) -> None:
    model: Any = load_task_model(str(foreign), "classification", precision="float32")
    long = " ".join(TEXTS * 20)
    assert len(model.read([long])[0].ids) > 200
    (whole,) = model.scores([long], model.settings.scheme)
    small: Any = load_task_model(str(foreign), "classification", precision="float32", batch_tokens=64)
    np.testing.assert_allclose(small.scores([long], model.settings.scheme)[0], whole, atol=1e-4)
    parts = np.concatenate(model.scores(TEXTS, model.settings.scheme))
    assert parts.min() - 5 < whole.min() < whole.max() < parts.max() + 5


def test_the_file_of_relations_decides_whose_model_it_is(foreign: Path) -> None:
    assert detect_task(foreign).name == "classification"
    assert detect_task(foreign, [spec_by_name("relations")]).name == "relations"
    with pytest.raises(ModelError, match=r"add relations\.json"):
        identify(str(foreign), [spec_by_name("relations")])
    (foreign / "relations.json").write_text("{}", encoding="utf-8")
    assert detect_task(foreign).name == "relations"


def test_annotate_stores_its_labels(run: Run, foreign: Path, lake: Path) -> None:
    ran = run("annotate", "--lake", lake, "--model", foreign)
    assert ran.returncode == DONE, ran.stderr
    ((texts, labelled, schemes),) = Lake(lake).rows(
        "select (select count(*) from articles), count(distinct pmid), list(distinct scheme) from labels"
    )
    assert 0 < labelled <= texts
    assert schemes == ["foreign"]


def test_several_labels_and_another_architecture(byte_level: Tokenizer, tmp_path: Path) -> None:
    from transformers import PreTrainedTokenizerFast, RobertaConfig, RobertaForSequenceClassification

    config = RobertaConfig(
        vocab_size=byte_level.get_vocab_size(), max_position_embeddings=80, **SMALL, **label_config(LABELS),
        problem_type="multi_label_classification",
        pad_token_id=1, bos_token_id=0, eos_token_id=2,
    )  # fmt: skip
    folder = tmp_path / "topics"
    RobertaForSequenceClassification(config).save_pretrained(folder)
    special = {"pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>", "cls_token": "<s>", "sep_token": "</s>"}
    fast = PreTrainedTokenizerFast(tokenizer_object=byte_level, model_max_length=64, **special)
    fast.save_pretrained(folder)
    model: Any = load_task_model(str(folder), "classification", precision="float32")
    assert model.settings.scheme.choice == "several"
    logits = np.concatenate(model.scores(TEXTS, model.settings.scheme))
    np.testing.assert_allclose(logits, transformers_logits(folder, TEXTS), atol=1e-4)
    found = model.annotate(TEXTS)
    assert [len(one) for one in found] == [int((row >= 0).sum()) for row in logits]


def test_training_all_layers_gives_a_folder_for_transformers(
    run: Run, labelled: Path, tiny_base: Path, tmp_path: Path
) -> None:
    out = tmp_path / "whole"
    trained = run(
        "train", "classification", "--data", labelled, "--base", tiny_base, "--folds", "2", "--epochs", "20",
        "--base-learning-rate", "3e-3", "--window", "64", "--batch-tokens", "512", "--dropout", "0", "-o", out,
    )  # fmt: skip
    assert trained.returncode == DONE, trained.stderr
    model: Any = load_task_model(str(out), "classification", precision="float32")
    texts = [f"{row['title']} {row['abstract']}" for row in labelled_rows()]
    logits = np.concatenate(model.scores(texts, model.settings.scheme))
    np.testing.assert_allclose(logits, transformers_logits(out, texts), atol=1e-4)
    right = sum(
        labels[0].label == row["label"] for labels, row in zip(model.annotate(texts), labelled_rows(), strict=True)
    )
    assert right > 30
    assert json.loads((out / "config.json").read_text(encoding="utf-8"))["id2label"] == {"0": "in", "1": "out"}
    scores = json.loads((out / "scores.json").read_text(encoding="utf-8"))
    assert "whole, cross-validated" in scores
    assert "\nLabels texts. `whole@" in (out / "README.md").read_text(encoding="utf-8")
    judged = run("evaluate", "classification", "--model", out, "--data", labelled, "--format", "json")
    assert json.loads(judged.stdout)["micro"]["f1"] > 80
    sentences = tmp_path / "sentences.jsonl"
    line = {"pmid": "1", "sentences": [{"label": "in", "text": "One."}, {"label": "out", "text": "Two."}]}
    sentences.write_text(json.dumps(line) + "\n" + json.dumps(line | {"pmid": "2"}), encoding="utf-8")
    refused = run("train", "classification", "--data", sentences, "--base", tiny_base, "-o", tmp_path / "none")
    assert refused.returncode == FAILED
    assert "one scheme of labels of whole texts" in refused.stderr
