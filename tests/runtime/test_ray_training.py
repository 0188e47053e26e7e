"""Training on several workers gives the same losses as on one, and a worker's death leaves the checkpoint."""

import fcntl
import ipaddress
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from litmine.corpora.corpus import Corpus, read_corpus
from litmine.errors import FAILED, LitmineError
from litmine.nn.loading import read_tokenizer
from litmine.nn.tokenizer import WordTokenizer
from litmine.tasks.ner.examples import make_examples, make_heads
from litmine.tasks.ner.recipe import TaggerRecipe
from litmine.tasks.ner.train import plan_epoch, train

Descendants = Callable[[int], dict[int, str]]
Listening = Callable[[set[int]], list[str]]

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
    pytest.mark.usefixtures("ray"),
]


def discard(_: str) -> None:
    pass


@pytest.fixture(scope="module")
def second_checkpoint(pause_before: Callable[..., Any]) -> Any:
    """The second checkpoint, at which workers pause until it is released."""
    return pause_before("*/training.checkpoint", 1)


@pytest.fixture(scope="module")
def ray(ray_lock: Callable[[int], AbstractContextManager[None]], second_checkpoint: Any) -> Iterator[None]:
    """Ray on this machine, started once for all tests of this module."""
    from litmine.runtime.ray_cluster import ray_running

    with pytest.MonkeyPatch.context() as patch:
        for name, value in second_checkpoint.environment.items():
            patch.setenv(name, value)
        with ray_lock(fcntl.LOCK_SH), ray_running(2, 0, None):
            yield


@pytest.fixture(scope="module")
def corpus(sample_data: Path) -> Corpus:
    return read_corpus(sample_data / "ner" / "BC5CDR" / "train.tsv", "BC5CDR")


@pytest.fixture(scope="module")
def recipe(tiny_base: Path) -> TaggerRecipe:
    """Steps so small that some have one passage, so that a worker has none."""
    return TaggerRecipe(
        "tiny", str(tiny_base), ("BC5CDR",), epochs=3, batch_tokens=512, single_sentence_share=0.0, dropout=0.0
    )


def losses(folder: Path) -> list[float]:
    lines = (folder / "loss.tsv").read_text(encoding="utf-8").splitlines()[1:]
    return [float(line.split("\t")[1]) for line in lines]


def test_two_workers_train_like_one_although_one_is_killed(
    recipe: TaggerRecipe,
    corpus: Corpus,
    tiny_base: Path,
    tmp_path: Path,
    descendants: Descendants,
    listening: Listening,
    second_checkpoint: Any,
) -> None:
    from litmine.runtime.ray_training import run_distributed

    alone, ours = tmp_path / "alone", tmp_path / "ours"
    examples = make_examples(corpus, make_heads([corpus], ()), (), WordTokenizer(read_tokenizer(tiny_base)), 510)
    assert 1 in map(len, plan_epoch(recipe, [corpus], [examples], 0))
    train(recipe, [corpus], alone, discard)
    addresses: list[list[str]] = []

    def kill(line: str) -> None:
        if line.startswith("epoch 1 "):
            pids = [pid for pid, name in descendants(os.getpid()).items() if name.startswith("ray::_Training")]
            addresses.extend(listening({pid}) for pid in pids)
            os.kill(pids[-1], signal.SIGKILL)
            second_checkpoint.release()

    job = partial(train, recipe, [corpus], ours)
    with pytest.raises(LitmineError, match=r"^one of 2 workers died \(.*\); run the same command again to resume"):
        run_distributed(job, 2, 0, None, kill)
    for left in ours.glob(".training.checkpoint.*.tmp"):
        left.unlink()  # of a worker that was killed while it wrote; a run on the next day removes it
    assert [file.name for file in ours.iterdir()] == ["training.checkpoint"]
    assert len(addresses) == 2
    assert all(addresses)
    assert [host for hosts in addresses for host in hosts if not ipaddress.ip_address(host).is_loopback] == []

    messages: list[str] = []
    trained = run_distributed(job, 2, 0, None, messages.append)
    assert messages[0].startswith("resuming after step ")
    assert messages[-1].startswith("epoch 3 of 3 is done")
    assert trained.device.startswith("2 workers with CPU")
    assert len(losses(ours)) == trained.steps > 10
    assert losses(ours) == pytest.approx(losses(alone), rel=1e-4)
    assert {file.name for file in ours.iterdir()} == {file.name for file in alone.iterdir()}


@pytest.mark.soak
def test_a_loss_that_is_not_finite_is_a_one_line_error(
    run: Callable[..., CompletedProcess[str]],
    sample_data: Path,
    tiny_base: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    second_checkpoint: Any,
) -> None:
    second_checkpoint.release()
    monkeypatch.chdir(tmp_path)
    corpus = sample_data / "ner" / "BC5CDR"
    words = ("train", "ner", "--base", tiny_base, "--corpus", corpus, "-o", "mine", "--learning-rate", "1e30")
    result = run(*words, "--epochs", 9, "--workers", 2)
    assert result.returncode == FAILED
    *_, line = result.stderr.splitlines()
    assert line.startswith("litmine: the ")
    assert "is not finite at step " in line
    assert "Traceback" not in result.stderr
    assert {file.name for file in (tmp_path / "mine").iterdir()} <= {"training.checkpoint"}
