"""Loading readers: litmine's own, in float32 and int8, Hugging Face answerers, and invalid folders."""

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from litmine.errors import ModelError
from litmine.nn.failure_isolation import FailedItem
from litmine.nn.loading import read_tokenizer
from litmine.tasks.qa.folder import read_network, save_reader
from litmine.tasks.qa.network import SpanNetwork
from litmine.tasks.qa.pairs import TokenizedPair
from litmine.tasks.qa.reader import Reader
from litmine.tasks.qa.settings import ReaderSettings
from litmine.tasks.qa.whole_answers import allowed_spans
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
    """A copy of a litmine reader, to be damaged."""
    return Path(shutil.copytree(reader_folder, tmp_path / "damaged"))


def network_of(folder: Path) -> SpanNetwork:
    return read_network(folder, ReaderSettings.load(folder))


def whole_spans(reader: Reader, text: str) -> set[tuple[int, int]]:
    """Start and end in code points of every span that may be an answer."""
    (read,) = reader.read([(QUESTION, text)])
    assert isinstance(read, TokenizedPair)
    words = read.words
    allowed = allowed_spans(QUESTION, text, words, reader.settings.most_words)
    return {(int(words.start[first]), int(words.end[first + more])) for first, more in np.argwhere(allowed).tolist()}


def transformers_answer(
    network: Any, tokenizer: Any, text: str, most_words: int, whole: set[tuple[int, int]]
) -> tuple[str, float]:
    """The best of the whole answers and its score, computed with transformers only."""
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
            start_char, end_char = offsets[i][0], offsets[j][1]
            answer = text[start_char:end_char]
            start_char += len(answer) - len(answer.lstrip())
            if 0 <= last - first < most_words and (start_char, start_char + len(answer.strip())) in whole:
                best = max(best, (start[i] + end[j], -i, -j))
    score, i, j = best[0], -best[1], -best[2]
    return text[offsets[i][0] : offsets[j][1]].strip(), 1 / (1 + math.exp(start[0] + end[0] - score))


@pytest.mark.parametrize("typed", [True, False])
@pytest.mark.parametrize("kind", ["bert_answerer", "roberta_answerer"])
def test_a_hugging_face_answerer_agrees_with_transformers(
    kind: str, typed: bool, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """With and without token types."""
    from transformers import AutoModelForQuestionAnswering, AutoTokenizer

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
    outputs = reader.answer([(QUESTION, text) for text in texts])
    for text, output in zip(texts, outputs, strict=True):
        whole = whole_spans(reader, text)
        answer, score = transformers_answer(network, tokenizer, text, reader.settings.most_words, whole)
        if not output.spans:
            assert score < reader.settings.least
            continue
        assert output.spans[0].answer == answer
        assert output.spans[0].score == pytest.approx(score, abs=1e-4)
        assert output.yes is output.no is None


def test_a_hugging_face_answerer_is_named_after_its_folder(bert_answerer: Path, roberta_answerer: Path) -> None:
    reader = load_reader(str(bert_answerer))
    assert reader.name == identify(str(bert_answerer))
    assert reader.name.startswith("bert-answerer@")
    assert (reader.settings.window, reader.settings.overlap, reader.settings.yes_no) == (64, 16, False)
    assert load_reader(str(roberta_answerer)).settings.window == 64


def test_a_litmine_reader_folder(reader_folder: Path) -> None:
    reader = load_reader(str(reader_folder))
    assert reader.name == identify(str(reader_folder))
    assert reader.name.startswith("reader@")
    assert reader.settings == ReaderSettings.load(reader_folder)


def test_a_reader_without_a_yes_no_head(tmp_path: Path, reader_folder: Path) -> None:
    plain = SpanNetwork(network_of(reader_folder).config, yes_no=False)
    save_reader(tmp_path / "mute", plain, read_tokenizer(reader_folder), ReaderSettings("mute", 64, 16))
    (output,) = load_reader(str(tmp_path / "mute")).answer([(QUESTION, TEXTS[0])])
    assert output.yes is output.no is None


def test_int8_weights_survive_saving_and_loading(make_reader: Callable[..., Path], tmp_path: Path) -> None:
    """Saved as int8, loaded, saved as float32 and loaded again: equal outputs, close to those of the original."""
    folder = make_reader(int8=True)
    network = network_of(folder)
    save_reader(tmp_path / "whole", network, read_tokenizer(folder), ReaderSettings.load(folder))
    pairs = [(QUESTION, text) for text in TEXTS]
    small, whole, first = (
        load_reader(str(it), precision="float32").answer(pairs) for it in (folder, tmp_path / "whole", make_reader())
    )
    assert small == whole
    assert no_answer_scores(small) == pytest.approx(no_answer_scores(whole), abs=1e-6)
    assert no_answer_scores(small) == pytest.approx(no_answer_scores(first), abs=0.05)
    assert no_answer_scores(small) != no_answer_scores(first)


def no_answer_scores(outputs: list[ReaderOutput]) -> list[float]:
    return [output.no_answer for output in outputs]


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
def test_the_digest_covers_all_settings_that_change_answers(
    copy: Path, reader_folder: Path, change: dict[str, Any]
) -> None:
    rewrite_settings(copy, change)
    assert identify(str(copy)) != identify(str(reader_folder))


def test_the_digest_does_not_cover_the_name(copy: Path, reader_folder: Path) -> None:
    rewrite_settings(copy, {"name": "other"})
    assert identify(str(copy)) == identify(str(reader_folder)).replace("reader@", "other@")


def rewrite_settings(folder: Path, change: dict[str, Any]) -> None:
    file = folder / "litmine.json"
    settings = json.loads(file.read_text()) | change
    file.write_text(json.dumps({key: value for key, value in settings.items() if value is not None}))


@pytest.mark.parametrize("kind", ["tiny_model", "bert_classifier", "tiny_base"])
def test_a_tagger_cannot_be_loaded_as_a_reader(kind: str, request: pytest.FixtureRequest) -> None:
    folder = request.getfixturevalue(kind)
    with pytest.raises(ModelError) as error:
        load_reader(str(folder))
    assert str(error.value).startswith(f"{folder} holds a ")
    assert str(error.value).endswith("; give one that answers questions (qa)")


# The other tasks whose models can be loaded.
OTHERS = "one that gives labels to texts and sentences (classification)"


@pytest.mark.parametrize("kind", ["reader_folder", "bert_answerer", "roberta_answerer"])
def test_a_reader_cannot_be_loaded_as_a_tagger(kind: str, request: pytest.FixtureRequest) -> None:
    folder = request.getfixturevalue(kind)
    with pytest.raises(ModelError) as error:
        load_model(str(folder))
    assert str(error.value).startswith(f"{folder} holds a ")
    assert str(error.value).endswith("which answers questions; give one that finds entities (ner) or " + OTHERS)


@pytest.mark.parametrize("file", ["config.json", "tokenizer.json", "model.safetensors"])
@pytest.mark.parametrize("content", [b"", b"{", b'{"a": [1]}', b"\xff\xfe\x00"])
def test_damaged_files_are_refused(copy: Path, file: str, content: bytes) -> None:
    (copy / file).write_bytes(content)
    with pytest.raises(ModelError, match=r"does not hold a model that litmine can load: .") as error:
        load_reader(str(copy))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"window": None}, "is not a valid settings file"),
        ({"window": "wide"}, "is not a valid settings file"),
        ({"overlap": 32}, "is not a valid settings file .*windows of 64 tokens cannot overlap by 32"),
        ({"temperature": 0}, "is not a valid settings file"),
        ({"unheard": "of"}, "is not a valid settings file"),
        ({"decoding": 99}, "needs decoding version 99"),
        ({"yes_no": False}, "does not hold a model"),
        ({"task": "translation"}, "holds a model of the task 'translation'"),
    ],
)
def test_invalid_settings_are_refused(copy: Path, change: dict[str, Any], sentence: str) -> None:
    rewrite_settings(copy, change)
    with pytest.raises(ModelError, match=sentence):
        load_reader(str(copy))


def test_an_answerer_without_head_weights_is_refused(
    bert_answerer: Path, tmp_path: Path, rewrite_weights: Rewrite
) -> None:
    """Transformers would initialise them at random."""
    folder = Path(shutil.copytree(bert_answerer, tmp_path / "damaged"))

    def drop(weights: dict[str, torch.Tensor]) -> None:
        del weights["qa_outputs.weight"]

    rewrite_weights(folder, drop)
    with pytest.raises(ModelError, match=r"its weights file lacks qa_outputs\.weight"):
        load_reader(str(folder))


def test_nothing_is_printed(reader_folder: Path, bert_answerer: Path, capfd: pytest.CaptureFixture[str]) -> None:
    load_reader(str(reader_folder))
    load_reader(str(bert_answerer))
    assert capfd.readouterr() == ("", "")


def decode_each(folder: Path, texts: list[str]) -> list[ReaderOutput | FailedItem]:
    """The output of each pair, as a worker computes it."""
    reader = load_reader(str(folder), precision="float32")
    pairs = [(QUESTION, text) for text in texts]
    read = reader.read(pairs)
    return reader.decode(pairs, read, reader.label(read))


def test_a_pair_with_an_output_that_is_not_finite_fails_alone(
    reader_folder: Path, copy: Path, rewrite_weights: Rewrite
) -> None:
    def change(weights: dict[str, torch.Tensor]) -> None:
        (disease,) = read_tokenizer(copy).encode("disease", add_special_tokens=False).ids
        weights["encoder.embeddings.word_embeddings.weight"][disease] = math.nan

    rewrite_weights(copy, change)
    long = "an allergy to penicillin . " * 60
    texts = [*TEXTS, "what a disease is", long, f"{long} disease {long}", *TEXTS]
    found, expected = decode_each(copy, texts), decode_each(reader_folder, texts)
    failed = FailedItem("ModelError: the model's output is not a number")
    assert [i for i, output in enumerate(found) if output == failed] == [4, 6]
    assert all(output == expected[i] for i, output in enumerate(found) if i not in {4, 6})
    with pytest.raises(ModelError, match=r"reader@\w+ fails on pair 4 .*not a number.*; leave it out"):
        load_reader(str(copy), precision="float32").answer([(QUESTION, text) for text in texts])


def test_a_lone_surrogate_fails_only_its_pair(reader_folder: Path) -> None:
    found = decode_each(reader_folder, ["an allergy", "\ud800", "a tumour"])
    assert [isinstance(output, FailedItem) for output in found] == [False, True, False]


@pytest.mark.parametrize("weight", ["span.bias", "verdict.bias", "encoder.embeddings.LayerNorm.weight"])
def test_a_reader_that_fails_on_every_pair_raises(copy: Path, rewrite_weights: Rewrite, weight: str) -> None:
    def change(weights: dict[str, torch.Tensor]) -> None:
        weights[weight].fill_(math.nan)

    rewrite_weights(copy, change)
    reader = load_reader(str(copy))
    with pytest.raises(ModelError, match=r"reader@\w+ fails on every text on cpu: .*not a number"):
        reader.label(reader.read([(QUESTION, text) for text in TEXTS]))
