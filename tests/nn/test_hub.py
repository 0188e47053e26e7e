"""Models are downloaded from the Hub once, or refused within seconds in one sentence; a small local Hub serves them."""

import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from huggingface_hub import constants

from litmine.errors import ModelError
from litmine.nn import references

COMMIT = "0123456789abcdef0123456789abcdef01234567"
NOWHERE = "http://127.0.0.1:9"

PULL = """
import sys, time
from litmine.errors import ModelError
from litmine.nn.references import pull

slept, sleep = [], time.sleep
time.sleep = lambda seconds: slept.append(seconds) or sleep(seconds)
try:
    print(pull(sys.argv[1]))
except ModelError as error:
    print(error)
assert sum(slept) < 10, slept
"""


class Hub(ThreadingHTTPServer):
    """Serves the files of `folder` as the model org/name."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.folder = folder
        self.asked: list[str] = []


class Answer(BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        files = sorted(file for file in self.server.folder.rglob("*") if file.is_file())
        if path.startswith("/org/name/resolve/"):
            name = path.split("/", 5)[5]
            self.server.asked.append(name)
            self.answer((self.server.folder / name).read_bytes())
        elif path.startswith("/api/models/org/name/tree/"):
            entries = [
                {"type": "file", "path": file.relative_to(self.server.folder).as_posix(), "size": file.stat().st_size,
                 "oid": hashlib.sha1(file.read_bytes()).hexdigest()}
                for file in files
            ]  # fmt: skip
            self.answer(json.dumps(entries).encode())
        elif path.startswith("/api/models/org/name"):
            self.answer(json.dumps({"id": "org/name", "sha": COMMIT, "siblings": []}).encode())
        elif path.startswith("/api/models/gated/"):
            self.answer(b"{}", 403, {"X-Error-Code": "GatedRepo"})
        else:
            self.answer(b"{}", 404, {"X-Error-Code": "RepoNotFound"})

    def answer(self, body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", "application/json")
        self.send_header("ETag", f'"{hashlib.sha1(body).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Log nothing."""


@pytest.fixture(name="our_hub")
def served_hub(bert_classifier: Path, tmp_path: Path) -> Iterator[Hub]:
    served = Path(shutil.copytree(bert_classifier, tmp_path / "served"))
    (served / "pytorch_model.bin").write_bytes(b"a pickle")
    (served / "modeling.py").write_text("raise SystemExit")
    (served / "onnx").mkdir()
    (served / "onnx" / "model.onnx").write_bytes(b"something else")
    with Hub(served) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.shutdown()


def pull(ref: str, home: Path, endpoint: str | Hub, **more: str) -> str:
    """Output of a new process that pulls a model: its folder, or the message of its error."""
    if isinstance(endpoint, Hub):
        endpoint = f"http://127.0.0.1:{endpoint.server_port}"
    settings = {"LITMINE_HOME": str(home), "HF_HOME": str(home / "hf"), "HF_ENDPOINT": endpoint, "HF_HUB_OFFLINE": ""}
    env = os.environ | settings | more
    done = subprocess.run(
        [sys.executable, "-c", PULL, ref], env=env, capture_output=True, text=True, check=True, timeout=600
    )
    assert done.stdout.count("\n") == 1
    return done.stdout.strip()


def test_a_model_is_downloaded_once_and_without_code(our_hub: Hub, tmp_path: Path) -> None:
    home = tmp_path / "home"
    folder = Path(pull("org/name", home, our_hub))
    assert folder == home / "models" / "org--name"
    assert {file.name for file in folder.iterdir() if not file.name.startswith(".")} == {
        "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"
    }  # fmt: skip
    assert [file.name for file in (home / "models").iterdir()] == ["org--name"]
    assert "pytorch_model.bin" not in our_hub.asked
    assert pull("org/name", home, NOWHERE) == str(folder)


def test_pickled_weights_are_not_downloaded(our_hub: Hub, tmp_path: Path) -> None:
    (our_hub.folder / "model.safetensors").unlink()
    assert "org/name has no weights in safetensors" in pull("org/name", tmp_path / "home", our_hub)
    assert not list((tmp_path / "home" / "models").iterdir())


def test_missing_private_and_gated_models(our_hub: Hub, tmp_path: Path) -> None:
    assert "no such model, or a private one" in pull("org/other", tmp_path, our_hub)
    assert "its owner requires consent" in pull("gated/model", tmp_path, our_hub)
    assert "not a valid id" in pull("org/what?", tmp_path, our_hub)


@pytest.mark.parametrize("offline", [{}, {"HF_HUB_OFFLINE": "1"}])
def test_without_a_network_the_error_names_models_that_load(
    bert_classifier: Path, tmp_path: Path, offline: dict[str, str]
) -> None:
    shutil.copytree(bert_classifier, tmp_path / "models" / "org--name")
    sentence = pull("org/other", tmp_path, NOWHERE, **offline)
    assert sentence.startswith("org/other could not be downloaded from the Hugging Face Hub (")
    known = (
        "builtin, builtin-variants, builtin-adverse-effects, builtin-linker, builtin-relations, builtin-classifier,"
        " builtin-trials, builtin-reader, org/name"
    )
    assert sentence.endswith(f"; without a download, give {known}, or a model folder")


def test_a_hub_that_never_answers_times_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Like a firewall that accepts connections and never answers; with a shorter time limit."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr(references, "_TIMEOUT", 0.2)
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setenv("LITMINE_HOME", str(tmp_path))
        with pytest.raises(ModelError, match=r"from the Hugging Face Hub \(ReadTimeout"):
            references.pull("org/name")
        assert 0 < connections(silent) <= 3


def connections(server: socket.socket) -> int:
    """Number of connections without an answer."""
    server.setblocking(False)
    count = 0
    with suppress(BlockingIOError):
        while True:
            server.accept()[0].close()
            count += 1
    return count
