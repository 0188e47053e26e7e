"""Continued pretraining: what is masked, what is learnt, and that a killed run ends as an undisturbed one."""

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
from litmine.training.pretrain import MaskedWordNetwork, Pretrained, pretrain
from litmine.training.pretrain_data import Masking, Piece, Texts, lake_texts, read_pieces, split_texts
from litmine.training.pretrain_settings import Pretraining

SPECIAL = (2, 3, 0)
MASK = 4


@pytest.fixture(scope="module")
def texts(sample_data: Path) -> Texts:
    corpus = read_corpus(sample_data / "ner" / "BC5CDR" / "train.tsv", "BC5CDR")
    return split_texts(passage.text for passage in corpus.passages)


def pretraining(base: Path, **settings: Any) -> Pretraining:
    return Pretraining("mine", str(base), **{"batch_tokens": 600, "learning_rate": 1e-2, **settings})


@pytest.fixture(scope="module")
def pretrained(tiny_base: Path, texts: Texts, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Pretrained]:
    folder = tmp_path_factory.mktemp("mlm")
    return folder, pretrain(pretraining(tiny_base, steps=40, dropout=0.1), texts, folder, lambda _: None)


@pytest.fixture(scope="module")
def undisturbed(pretrained: tuple[Path, Pretrained]) -> Path:
    return pretrained[0]


def test_what_is_read_is_learnt(pretrained: tuple[Path, Pretrained]) -> None:
    """By the loss of the steps: one sentence in a hundred is held out, which of sixty is one."""
    folder, done = pretrained
    losses = [float(line.split("\t")[1]) for line in (folder / "loss.tsv").read_text().splitlines()[1:]]
    assert done.steps == len(losses) == 40
    assert sum(losses[-10:]) / 10 < sum(losses[:5]) / 5 - 0.3


def masking(base: Path, **settings: Any) -> Masking:
    return Masking(read_tokenizer(base), SPECIAL, **{"share": 0.15, "whole_words": False, **settings})


def test_of_fifteen_percent_of_the_tokens_most_are_hidden(tiny_base: Path) -> None:
    ids = np.arange(100, 1100, dtype=np.int32)
    pieces = [Piece(ids, np.arange(1000, dtype=np.int32))] * 40
    batch = masking(tiny_base).batch(pieces, np.random.default_rng(1))
    seen = batch.ids[batch.rows, batch.columns]
    assert len(batch.labels) / 40_000 == pytest.approx(0.15, abs=0.01)
    assert (seen == MASK).float().mean().item() == pytest.approx(0.8, abs=0.02)
    assert (seen == batch.labels).float().mean().item() == pytest.approx(0.1, abs=0.02)
    assert (seen > MASK).logical_and(seen != batch.labels).float().mean().item() == pytest.approx(0.1, abs=0.02)
    # Where nothing is asked, the text stands as it was.
    whole = torch.from_numpy(ids.astype(np.int64)).repeat(40, 1)
    whole[batch.rows, batch.columns - 1] = seen
    assert torch.equal(batch.ids[:, 1:-1], whole)


@given(words=st.lists(st.integers(1, 4), min_size=1, max_size=40), seed=st.integers(0, 99))
def test_whole_words_are_asked_for_whole(tiny_base: Path, words: list[int], seed: int) -> None:
    first = np.cumsum([0, *words])[:-1].astype(np.int32)
    ids = np.arange(100, 100 + sum(words), dtype=np.int32)
    batch = masking(tiny_base, whole_words=True, share=0.5).batch([Piece(ids, first)], np.random.default_rng(seed))
    asked = set((batch.columns - 1).tolist())
    whole = [set(range(start, start + length)) for start, length in zip(first.tolist(), words, strict=True)]
    assert asked
    # When chance chooses none, one token is asked for all the same.
    assert len(asked) == 1 or all(word <= asked or not word & asked for word in whole)


@given(text=st.text(max_size=200), longest=st.integers(1, 20))
def test_pieces_hold_every_token_once(tiny_base: Path, text: str, longest: int) -> None:
    reader = WordTokenizer(read_tokenizer(tiny_base))
    (words,) = reader.read([text])
    pieces = read_pieces([text], reader, longest)
    assert [i for piece in pieces for i in piece.ids.tolist()] == words.ids.tolist()
    assert all(0 < len(piece.ids) <= longest for piece in pieces)
    assert sum(len(piece.first) for piece in pieces) == len(words.first)


@given(st.lists(st.text(max_size=5), max_size=300), st.randoms())
def test_the_split_depends_on_the_texts_alone(some: list[str], order: Any) -> None:
    if len({text for text in some if text.strip()}) < 2:
        with pytest.raises(CorpusError, match="texts to pretrain on"):
            split_texts(some)
        return
    split = split_texts(some)
    again = [*some, *some]
    order.shuffle(again)
    assert split_texts(again) == split
    assert {*split.train, *split.held_out} == {text for text in some if text.strip()}
    assert not {*split.train} & {*split.held_out}


def test_only_what_is_asked_for_is_projected(tiny_base: Path) -> None:
    base = read_base(str(tiny_base), 64)
    network = MaskedWordNetwork(base.config, base.encoder)
    rows, columns = torch.tensor([0, 1, 1]), torch.tensor([1, 2, 3])
    logits = network(torch.randint(5, 100, (2, 6)), torch.ones(2, 6, dtype=torch.bool), rows, columns)
    assert logits.shape == (3, base.config.vocab_size)
    logits.sum().backward()
    assert base.encoder.get_input_embeddings().weight.grad is not None


def test_the_result_is_a_base_for_ner_and_for_more_of_the_same(
    pretrained: tuple[Path, Pretrained], sample_data: Path, texts: Texts, tmp_path: Path
) -> None:
    undisturbed, done = pretrained
    corpus = read_corpus(sample_data / "ner" / "BC5CDR" / "train.tsv", "BC5CDR")
    train(
        TaggerRecipe("ner", str(undisturbed), ("a",), epochs=1, batch_tokens=1000), [corpus], tmp_path, lambda _: None
    )
    said: list[str] = []
    more = pretrain(pretraining(undisturbed, steps=2), texts, tmp_path / "more", said.append)
    assert said[0] == "the head is that of the base"
    assert more.before == pytest.approx(done.after, abs=0.05)


def test_the_same_seed_gives_the_same_encoder(tiny_base: Path, texts: Texts, undisturbed: Path, tmp_path: Path) -> None:
    pretrain(pretraining(tiny_base, steps=40, dropout=0.1), texts, tmp_path, lambda _: None)
    for name in ("model.safetensors", "mlm_head.safetensors", "loss.tsv"):
        assert (tmp_path / name).read_bytes() == (undisturbed / name).read_bytes()


class KilledError(Exception):
    """The training is killed here."""


def test_killed_at_any_step_and_resumed(
    tiny_base: Path, texts: Texts, undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a checkpoint a step, killed in the midst of every third step."""
    clip, calls = torch.nn.utils.clip_grad_norm_, [0]

    def killing(*arguments: Any) -> Any:
        calls[0] += 1
        if calls[0] % 9 == 0:
            raise KilledError
        return clip(*arguments)

    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", killing)
    settings, kills = pretraining(tiny_base, steps=40, dropout=0.1), 0
    while True:
        try:
            pretrain(settings, texts, tmp_path, lambda _: None, every=0)
            break
        except KilledError:
            kills += 1
    assert kills == 4
    for name in ("model.safetensors", "loss.tsv"):
        assert (tmp_path / name).read_bytes() == (undisturbed / name).read_bytes()


def test_tokens_and_passes(tiny_base: Path, texts: Texts, tmp_path: Path) -> None:
    by_tokens = pretrain(pretraining(tiny_base, tokens=5_000), texts, tmp_path / "tokens", lambda _: None)
    assert 5_000 <= by_tokens.tokens < 5_600
    one_pass = pretrain(pretraining(tiny_base), texts, tmp_path / "pass", lambda _: None)
    reader = WordTokenizer(read_tokenizer(tiny_base))
    assert one_pass.tokens == sum(len(piece.ids) + 2 for piece in read_pieces(texts.train, reader, 254))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"steps": 1, "tokens": 1}, "--steps or --tokens, and not both"),
        ({"steps": 0}, "steps must be at least 1, not 0"),
        ({"masked": 1.0}, "masked must be above 0 and below 1, not 1.0"),
        ({"longest": 599}, r"at least as long as the longest piece \(601 tokens"),
    ],
)
def test_settings_that_make_no_sense(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingError, match=sentence):
        pretraining(Path("base"), **settings)


def test_a_base_is_not_overwritten(tiny_base: Path, texts: Texts) -> None:
    with pytest.raises(SettingError, match="is the base itself"):
        pretrain(pretraining(tiny_base), texts, tiny_base, lambda _: None)


def test_a_decoder_is_no_base(tiny_base: Path, texts: Texts, tmp_path: Path) -> None:
    config = json.loads((tiny_base / "config.json").read_text()) | {"model_type": "gpt2"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="is no encoder but a gpt2; start from one of the BERT family"):
        pretrain(pretraining(tmp_path), texts, tmp_path / "out", lambda _: None)


def test_the_command_over_a_lake(
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
        "tokenizer.json",
    }  # fmt: skip


def test_a_killed_process_goes_on(
    start: Callable[..., Popen[Any]], run: Callable[..., CompletedProcess[str]], hold: Callable[..., Any],
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
    second = hold("*/training.checkpoint", 1)
    process = start(*command, "-o", out, **second.environment)
    second.wait(process)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    resumed = run(*command, "-o", out)
    assert resumed.returncode == 0
    assert "going on after step " in resumed.stderr
    assert run(*command, "-o", tmp_path / "whole", "--name", "out").returncode == 0
    for name in ("model.safetensors", "loss.tsv"):
        assert (out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
