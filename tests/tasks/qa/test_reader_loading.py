"""Readers in folders: litmine's own, whole or in int8, and plain Hugging Face ones; and what is no reader."""

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForQuestionAnswering, AutoTokenizer

from litmine.errors import ModelError
from litmine.nn.failure_isolation import FailedItem
from litmine.nn.loading import read_tokenizer
from litmine.tasks.qa.folder import read_span_network, save_reader
from litmine.tasks.qa.network import SpanNetwork
from litmine.tasks.qa.settings import ReaderSettings
from litmine.tasks.registry import identify, load_model, load_reader
from litmine.types import ReaderOutput

QUESTION = "Which allergy can penicillin cause?"
TEXTS = [
    "An allergy to penicillin can cause an anaphylactic reaction.",
    "Aspirin (75 mg) was given to 12 patients; none died of hypotension-related adverse events.",
    "Yes.",
    "Adenomatous polyposis coli is caused by mutations of APC, and not by aspirin. Nothing else is known.",
]
Rewrite = Callable[[Path, Callable[[dict[str, torch.Tensor]], None]], None]


@pytest.fixture
def copy(reader_folder: Path, tmp_path: Path) -> Path:
    """A copy of a reader of ours to be spoilt."""
    return Path(shutil.copytree(reader_folder, tmp_path / "spoilt"))


def network_of(folder: Path) -> SpanNetwork:
    return read_span_network(folder, ReaderSettings.load(folder))


def by_hand(network: Any, tokenizer: Any, text: str, most_words: int) -> tuple[str, float]:
    """The best answer and its score, from transformers alone, one pair at a time."""
    inputs = tokenizer(QUESTION, text, return_tensors="pt", return_offsets_mapping=True)
    offsets = inputs.pop("offset_mapping")[0].tolist()
    words = [
        word if sequence == 1 else None for sequence, word in zip(inputs.sequence_ids(), inputs.word_ids(), strict=True)
    ]
    with torch.no_grad():
        output = network(**inputs)
    start, end = output.start_logits[0].tolist(), output.end_logits[0].tolist()
    best = (-math.inf, 0, 0)
    for i, first in enumerate(words):
        for j, last in enumerate(words):
            if first is None or last is None or words[i - 1] == first or words[j + 1] == last:
                continue
            if 0 <= last - first < most_words:
                best = max(best, (start[i] + end[j], -i, -j))
    score, i, j = best[0], -best[1], -best[2]
    return text[offsets[i][0] : offsets[j][1]].strip(), 1 / (1 + math.exp(start[0] + end[0] - score))


@pytest.mark.parametrize("typed", [True, False])
@pytest.mark.parametrize("kind", ["bert_answerer", "roberta_answerer"])
def test_a_plain_answerer_is_as_a_loop_of_transformers(
    kind: str, typed: bool, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Whether its tokenizer tells question and text apart by their types or not."""
    folder = Path(shutil.copytree(request.getfixturevalue(kind), tmp_path / kind))
    if not typed:
        file = folder / "tokenizer_config.json"
        file.write_text(file.read_text().replace("token_type_ids", "attention_mask"))
    reader = load_reader(str(folder), precision="float32")
    network = AutoModelForQuestionAnswering.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    texts = [text for text in TEXTS if len(tokenizer(QUESTION, text)["input_ids"]) <= reader.settings.window]
    assert len(texts) > 1
    assert tokenizer(QUESTION, texts[0]).keys() >= {"token_type_ids"} or not typed or kind == "roberta_answerer"
    replies = reader.answer([(QUESTION, text) for text in texts])
    for text, reply in zip(texts, replies, strict=True):
        answer, score = by_hand(network, tokenizer, text, reader.settings.most_words)
        assert reply.spans[0].answer == answer
        assert reply.spans[0].score == pytest.approx(score, abs=1e-4)
        assert reply.yes is reply.no is None


def test_a_plain_answerer_is_called_as_its_folder(bert_answerer: Path, roberta_answerer: Path) -> None:
    reader = load_reader(str(bert_answerer))
    assert reader.name == identify(str(bert_answerer))
    assert reader.name.startswith("bert-answerer@")
    assert (reader.settings.window, reader.settings.overlap, reader.settings.yes_no) == (64, 16, False)
    assert load_reader(str(roberta_answerer)).settings.window == 64


def test_a_folder_of_ours(reader_folder: Path) -> None:
    reader = load_reader(str(reader_folder))
    assert reader.name == identify(str(reader_folder))
    assert reader.name.startswith("reader@")
    assert reader.settings == ReaderSettings.load(reader_folder)


def test_a_reader_without_verdict(tmp_path: Path, reader_folder: Path) -> None:
    plain = SpanNetwork(network_of(reader_folder).config, yes_no=False)
    save_reader(tmp_path / "mute", plain, read_tokenizer(reader_folder), ReaderSettings("mute", 64, 16))
    (reply,) = load_reader(str(tmp_path / "mute")).answer([(QUESTION, TEXTS[0])])
    assert reply.yes is reply.no is None


def test_int8_is_read_as_it_was_kept(make_reader: Callable[..., Path], tmp_path: Path) -> None:
    """Kept in int8, read, kept whole and read again: the same replies; and they are near those of float32."""
    folder = make_reader(int8=True)
    network = network_of(folder)
    save_reader(tmp_path / "whole", network, read_tokenizer(folder), ReaderSettings.load(folder))
    pairs = [(QUESTION, text) for text in TEXTS]
    small, whole, first = (
        load_reader(str(it), precision="float32").answer(pairs) for it in (folder, tmp_path / "whole", make_reader())
    )
    assert small == whole
    assert doubts(small) == pytest.approx(doubts(whole), abs=1e-6)
    assert doubts(small) == pytest.approx(doubts(first), abs=0.05)
    assert doubts(small) != doubts(first)


def doubts(replies: list[ReaderOutput]) -> list[float]:
    return [reply.no_answer for reply in replies]


@pytest.mark.parametrize(
    "change",
    [
        {"window": 62},
        {"overlap": 8},
        {"most_words": 3},
        {"best": 2},
        {"least": 0.2},
        {"temperature": 2.0},
        {"bias": 1.0},
    ],
)
def test_all_that_decides_the_answers_is_in_the_digest(copy: Path, reader_folder: Path, change: dict[str, Any]) -> None:
    rewrite_settings(copy, change)
    assert identify(str(copy)) != identify(str(reader_folder))


def test_the_name_is_not(copy: Path, reader_folder: Path) -> None:
    rewrite_settings(copy, {"name": "other"})
    assert identify(str(copy)) == identify(str(reader_folder)).replace("reader@", "other@")


def rewrite_settings(folder: Path, change: dict[str, Any]) -> None:
    file = folder / "litmine.json"
    settings = json.loads(file.read_text()) | change
    file.write_text(json.dumps({key: value for key, value in settings.items() if value is not None}))


@pytest.mark.parametrize("kind", ["tiny_model", "bert_classifier", "tiny_base"])
def test_a_tagger_is_no_reader(kind: str, request: pytest.FixtureRequest) -> None:
    folder = request.getfixturevalue(kind)
    with pytest.raises(ModelError) as error:
        load_reader(str(folder))
    assert str(error.value).startswith(f"{folder} holds a ")
    assert str(error.value).endswith("; what is needed here is one that answers questions (qa)")


@pytest.mark.parametrize("kind", ["reader_folder", "bert_answerer", "roberta_answerer"])
def test_a_reader_is_no_tagger(kind: str, request: pytest.FixtureRequest) -> None:
    folder = request.getfixturevalue(kind)
    with pytest.raises(ModelError) as error:
        load_model(str(folder))
    assert str(error.value).startswith(f"{folder} holds a ")
    assert str(error.value).endswith("which answers questions; what is needed here is one that finds entities (ner)")


@pytest.mark.parametrize("file", ["config.json", "tokenizer.json", "model.safetensors"])
@pytest.mark.parametrize("content", [b"", b"{", b'{"a": [1]}', b"\xff\xfe\x00"])
def test_damaged_files(copy: Path, file: str, content: bytes) -> None:
    (copy / file).write_bytes(content)
    with pytest.raises(ModelError, match=r"does not hold a model that litmine can load: .") as error:
        load_reader(str(copy))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"window": None}, "is not a litmine reader's settings"),
        ({"window": "wide"}, "is not a litmine reader's settings"),
        ({"overlap": 32}, "is not a litmine reader's settings .*windows of 64 tokens cannot overlap by 32"),
        ({"temperature": 0}, "is not a litmine reader's settings"),
        ({"unheard": "of"}, "is not a litmine reader's settings"),
        ({"decoding": 99}, "needs decoding version 99"),
        ({"yes_no": False}, "does not hold a model"),
        ({"task": "translation"}, "holds a model of the task 'translation'"),
    ],
)
def test_settings_that_are_not_ours(copy: Path, change: dict[str, Any], sentence: str) -> None:
    rewrite_settings(copy, change)
    with pytest.raises(ModelError, match=sentence):
        load_reader(str(copy))


def test_an_answerer_without_the_weights_of_its_head(
    bert_answerer: Path, tmp_path: Path, rewrite_weights: Rewrite
) -> None:
    """Transformers makes them up and goes on."""
    folder = Path(shutil.copytree(bert_answerer, tmp_path / "spoilt"))

    def drop(weights: dict[str, torch.Tensor]) -> None:
        del weights["qa_outputs.weight"]

    rewrite_weights(folder, drop)
    with pytest.raises(ModelError, match=r"it lacks the weights qa_outputs\.weight"):
        load_reader(str(folder))


def test_nothing_is_printed(reader_folder: Path, bert_answerer: Path, capfd: pytest.CaptureFixture[str]) -> None:
    load_reader(str(reader_folder))
    load_reader(str(bert_answerer))
    assert capfd.readouterr() == ("", "")


def reply_each(folder: Path, texts: list[str]) -> list[ReaderOutput | FailedItem]:
    """As a worker does it."""
    reader = load_reader(str(folder), precision="float32")
    pairs = [(QUESTION, text) for text in texts]
    read = reader.read(pairs)
    return reader.decode(pairs, read, reader.label(read))


def test_a_pair_whose_output_is_not_a_number_fails_alone(
    reader_folder: Path, copy: Path, rewrite_weights: Rewrite
) -> None:
    def change(weights: dict[str, torch.Tensor]) -> None:
        (disease,) = read_tokenizer(copy).encode("disease", add_special_tokens=False).ids
        weights["encoder.embeddings.word_embeddings.weight"][disease] = math.nan

    rewrite_weights(copy, change)
    long = "an allergy to penicillin . " * 60
    texts = [*TEXTS, "what a disease is", long, f"{long} disease {long}", *TEXTS]
    found, expected = reply_each(copy, texts), reply_each(reader_folder, texts)
    failed = FailedItem("ModelError: the model's output is not a number")
    assert [i for i, reply in enumerate(found) if reply == failed] == [4, 6]
    assert all(reply == expected[i] for i, reply in enumerate(found) if i not in {4, 6})
    with pytest.raises(ModelError, match=r"pair 4 makes reader@\w+ fail .*not a number.*; leave it out"):
        load_reader(str(copy), precision="float32").answer([(QUESTION, text) for text in texts])


def test_a_lone_surrogate_fails_its_pair(reader_folder: Path) -> None:
    found = reply_each(reader_folder, ["an allergy", "\ud800", "a tumour"])
    assert [isinstance(reply, FailedItem) for reply in found] == [False, True, False]


@pytest.mark.parametrize("weight", ["span.bias", "verdict.bias", "encoder.embeddings.LayerNorm.weight"])
def test_a_reader_that_fails_on_everything_is_an_error(copy: Path, rewrite_weights: Rewrite, weight: str) -> None:
    def change(weights: dict[str, torch.Tensor]) -> None:
        weights[weight].fill_(math.nan)

    rewrite_weights(copy, change)
    reader = load_reader(str(copy))
    with pytest.raises(ModelError, match=r"reader@\w+ fails on every text on cpu: .*not a number"):
        reader.label(reader.read([(QUESTION, text) for text in TEXTS]))
