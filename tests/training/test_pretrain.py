"""Continued pretraining: masking, the loss, and resuming a killed run."""

import json
import signal
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess, Popen
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from litmine.corpora.corpus import read_corpus
from litmine.errors import CorpusError, ModelError, SettingError
from litmine.nn.loading import read_tokenizer
from litmine.nn.tokenizer import WordTokenizer
from litmine.tasks.ner.recipe import TaggerRecipe
from litmine.tasks.ner.train import train
from litmine.training.base import read_base
from litmine.training.pretrain import MaskedLanguageModel, PretrainingSummary, pretrain
from litmine.training.pretrain_data import (
    PretrainingTexts,
    TokenMasker,
    TokenSegment,
    lake_texts,
    make_segments,
    split_texts,
)
from litmine.training.pretrain_recipe import PretrainingRecipe

SPECIAL = (2, 3, 0)
MASK = 4


@pytest.fixture(scope="module")
def texts(sample_data: Path) -> PretrainingTexts:
    corpus = read_corpus(sample_data / "ner" / "BC5CDR" / "train.tsv", "BC5CDR")
    return split_texts(passage.text for passage in corpus.passages)


def recipe_for(base: Path, **settings: Any) -> PretrainingRecipe:
    return PretrainingRecipe("mine", str(base), **{"batch_tokens": 600, "learning_rate": 1e-2, **settings})


@pytest.fixture(scope="module")
def pretrained(
    tiny_base: Path, texts: PretrainingTexts, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, PretrainingSummary]:
    folder = tmp_path_factory.mktemp("mlm")
    return folder, pretrain(recipe_for(tiny_base, steps=40, dropout=0.1), texts, folder, lambda _: None)


@pytest.fixture(scope="module")
def complete_run(pretrained: tuple[Path, PretrainingSummary]) -> Path:
    return pretrained[0]


def test_the_training_loss_falls(pretrained: tuple[Path, PretrainingSummary]) -> None:
    """The training loss, because only one of the sixty sentences is held out."""
    folder, summary = pretrained
    losses = [float(line.split("\t")[1]) for line in (folder / "loss.tsv").read_text().splitlines()[1:]]
    assert summary.steps == len(losses) == 40
    assert sum(losses[-10:]) / 10 < sum(losses[:5]) / 5 - 0.3


def masker_for(base: Path, **settings: Any) -> TokenMasker:
    return TokenMasker(read_tokenizer(base), SPECIAL, **{"share": 0.15, "whole_words": False, **settings})


def test_of_the_selected_tokens_eighty_percent_are_masked_and_ten_replaced(tiny_base: Path) -> None:
    ids = np.arange(100, 1100, dtype=np.int32)
    segments = [TokenSegment(ids, np.arange(1000, dtype=np.int32))] * 40
    batch = masker_for(tiny_base).batch(segments, np.random.default_rng(1))
    masked = batch.ids[batch.rows, batch.columns]
    assert len(batch.labels) / 40_000 == pytest.approx(0.15, abs=0.01)
    assert (masked == MASK).float().mean().item() == pytest.approx(0.8, abs=0.02)
    assert (masked == batch.labels).float().mean().item() == pytest.approx(0.1, abs=0.02)
    assert (masked > MASK).logical_and(masked != batch.labels).float().mean().item() == pytest.approx(0.1, abs=0.02)
    # All other tokens are unchanged.
    whole = torch.from_numpy(ids.astype(np.int64)).repeat(40, 1)
    whole[batch.rows, batch.columns - 1] = masked
    assert torch.equal(batch.ids[:, 1:-1], whole)


@given(words=st.lists(st.integers(1, 4), min_size=1, max_size=40), seed=st.integers(0, 99))
def test_whole_words_are_selected_with_all_their_tokens(tiny_base: Path, words: list[int], seed: int) -> None:
    first = np.cumsum([0, *words])[:-1].astype(np.int32)
    ids = np.arange(100, 100 + sum(words), dtype=np.int32)
    batch = masker_for(tiny_base, whole_words=True, share=0.5).batch(
        [TokenSegment(ids, first)], np.random.default_rng(seed)
    )
    selected = set((batch.columns - 1).tolist())
    whole = [set(range(start, start + length)) for start, length in zip(first.tolist(), words, strict=True)]
    assert selected
    # If no word is selected by chance, one token is.
    assert len(selected) == 1 or all(word <= selected or not word & selected for word in whole)


@given(text=st.text(max_size=200), segment_tokens=st.integers(1, 20))
def test_segments_contain_every_token_once(tiny_base: Path, text: str, segment_tokens: int) -> None:
    tokenizer = WordTokenizer(read_tokenizer(tiny_base))
    (words,) = tokenizer.read([text])
    segments = make_segments([text], tokenizer, segment_tokens)
    assert [i for segment in segments for i in segment.ids.tolist()] == words.ids.tolist()
    assert all(0 < len(segment.ids) <= segment_tokens for segment in segments)
    assert sum(len(segment.first) for segment in segments) == len(words.first)


@given(st.lists(st.text(max_size=5), max_size=300), st.randoms())
def test_the_split_depends_only_on_the_texts(drawn: list[str], random: Any) -> None:
    if len({text for text in drawn if text.strip()}) < 2:
        with pytest.raises(CorpusError, match="pretraining needs at least 2 texts"):
            split_texts(drawn)
        return
    split = split_texts(drawn)
    again = [*drawn, *drawn]
    random.shuffle(again)
    assert split_texts(again) == split
    assert {*split.train, *split.held_out} == {text for text in drawn if text.strip()}
    assert not {*split.train} & {*split.held_out}


def test_logits_are_computed_at_the_selected_positions_only(tiny_base: Path) -> None:
    base = read_base(str(tiny_base), 64)
    network = MaskedLanguageModel(base.config, base.encoder)
    rows, columns = torch.tensor([0, 1, 1]), torch.tensor([1, 2, 3])
    logits = network(torch.randint(5, 100, (2, 6)), torch.ones(2, 6, dtype=torch.bool), rows, columns)
    assert logits.shape == (3, base.config.vocab_size)
    logits.sum().backward()
    assert base.encoder.get_input_embeddings().weight.grad is not None


def test_the_result_is_a_base_for_ner_and_for_further_pretraining(
    pretrained: tuple[Path, PretrainingSummary], sample_data: Path, texts: PretrainingTexts, tmp_path: Path
) -> None:
    encoder, summary = pretrained
    corpus = read_corpus(sample_data / "ner" / "BC5CDR" / "train.tsv", "BC5CDR")
    train(TaggerRecipe("ner", str(encoder), ("a",), epochs=1, batch_tokens=1000), [corpus], tmp_path, lambda _: None)
    messages: list[str] = []
    more = pretrain(recipe_for(encoder, steps=2), texts, tmp_path / "more", messages.append)
    assert messages[0] == "the MLM head comes from the base"
    assert more.loss_before == pytest.approx(summary.loss_after, abs=0.05)


def test_the_same_seed_gives_the_same_encoder(
    tiny_base: Path, texts: PretrainingTexts, complete_run: Path, tmp_path: Path
) -> None:
    pretrain(recipe_for(tiny_base, steps=40, dropout=0.1), texts, tmp_path, lambda _: None)
    for name in ("model.safetensors", "mlm_head.safetensors", "loss.tsv"):
        assert (tmp_path / name).read_bytes() == (complete_run / name).read_bytes()


class KilledError(Exception):
    """Stands for a signal that kills the training."""


def test_a_run_that_is_killed_again_and_again_ends_with_the_same_weights(
    tiny_base: Path, texts: PretrainingTexts, complete_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a checkpoint at every step, and a kill at every ninth gradient."""
    clip, calls = torch.nn.utils.clip_grad_norm_, [0]

    def killing(*arguments: Any) -> Any:
        calls[0] += 1
        if calls[0] % 9 == 0:
            raise KilledError
        return clip(*arguments)

    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", killing)
    settings, kills = recipe_for(tiny_base, steps=40, dropout=0.1), 0
    while True:
        try:
            pretrain(settings, texts, tmp_path, lambda _: None, checkpoint_seconds=0)
            break
        except KilledError:
            kills += 1
    assert kills == 4
    for name in ("model.safetensors", "loss.tsv"):
        assert (tmp_path / name).read_bytes() == (complete_run / name).read_bytes()


def test_the_length_is_a_number_of_tokens_or_one_pass(tiny_base: Path, texts: PretrainingTexts, tmp_path: Path) -> None:
    by_tokens = pretrain(recipe_for(tiny_base, tokens=5_000), texts, tmp_path / "tokens", lambda _: None)
    assert 5_000 <= by_tokens.tokens < 5_600
    one_pass = pretrain(recipe_for(tiny_base), texts, tmp_path / "pass", lambda _: None)
    tokenizer = WordTokenizer(read_tokenizer(tiny_base))
    assert one_pass.tokens == sum(len(segment.ids) + 2 for segment in make_segments(texts.train, tokenizer, 254))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"steps": 1, "tokens": 1}, "--steps and --tokens cannot be used together"),
        ({"steps": 0}, "steps must be at least 1, not 0"),
        ({"mask_share": 1.0}, "mask_share must be above 0 and below 1, not 1.0"),
        ({"segment_tokens": 599}, r"a batch must hold a segment with its special tokens \(601 tokens"),
    ],
)
def test_invalid_settings_are_refused(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingError, match=sentence):
        recipe_for(Path("base"), **settings)


def test_the_base_is_not_overwritten(tiny_base: Path, texts: PretrainingTexts) -> None:
    with pytest.raises(SettingError, match="is the base itself"):
        pretrain(recipe_for(tiny_base), texts, tiny_base, lambda _: None)


def test_a_decoder_is_refused_as_a_base(tiny_base: Path, texts: PretrainingTexts, tmp_path: Path) -> None:
    config = json.loads((tiny_base / "config.json").read_text()) | {"model_type": "gpt2"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="is not an encoder but a gpt2; use an encoder of the BERT family"):
        pretrain(recipe_for(tmp_path), texts, tmp_path / "out", lambda _: None)


def test_the_command_trains_on_a_lake(
    run: Callable[..., CompletedProcess[str]], tiny_base: Path, imported_lake: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    done = run(
        "train", "mlm", "--base", tiny_base, "--lake", imported_lake, "-o", out, "--steps", 3, "--batch-tokens", 900
    )
    assert (done.returncode, done.stdout) == (0, "")
    assert len(list(lake_texts(imported_lake))) > 50
    card = (out / "README.md").read_text()
    assert "the abstracts of a lake" in card
    assert str(tmp_path) not in card
    assert {file.name for file in out.iterdir()} == {
        "README.md", "config.json", "loss.tsv", "mlm_head.safetensors", "model.safetensors", "recipe.json",
        "tokenizer.json", "training_settings.json",
    }  # fmt: skip


def test_a_killed_process_resumes(
    start: Callable[..., Popen[Any]], run: Callable[..., CompletedProcess[str]], pause_before: Callable[..., Any],
    tiny_base: Path, imported_lake: Path, tmp_path: Path,
) -> None:  # fmt: skip
    command = (
        "train",
        "mlm",
        "--base",
        tiny_base,
        "--lake",
        imported_lake,
        "--batch-tokens",
        2000,
        "--tokens",
        60_000,
    )
    out = tmp_path / "out"
    second_checkpoint = pause_before("*/training.checkpoint", 1)
    process = start(*command, "-o", out, **second_checkpoint.environment)
    second_checkpoint.wait(process)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    resumed = run(*command, "-o", out)
    assert resumed.returncode == 0
    assert "resuming after step " in resumed.stderr
    assert run(*command, "-o", tmp_path / "whole", "--name", "out").returncode == 0
    for name in ("model.safetensors", "loss.tsv"):
        assert (out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
