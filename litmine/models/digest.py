"""Twelve hex digits over all that decides what a model finds: the same digest is the same model, wherever it lies."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from litmine.models.heads import Head, Settings
from litmine.models.reader_settings import TASK, ReaderSettings

_DECISIVE = ("*.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json", "vocab.*", "merges.txt")


def tagger_digest(folder: Path, settings: Settings, heads: Sequence[Head]) -> str:
    """Over weights, tokenizer, the labels of the heads used, window, overlap, decoding (ValueError without weights)."""
    labels = [[head.name, head.labels] for head in heads]
    return _digest(folder, [labels, settings.window, settings.overlap, settings.decoding])


def reader_digest(folder: Path, settings: ReaderSettings) -> str:
    """Over weights, tokenizer, window, overlap, decoding, calibration (ValueError without weights)."""
    decisive = asdict(settings)
    del decisive["name"]
    return _digest(folder, [TASK, decisive])


def _digest(folder: Path, decisive: Any) -> str:
    if not any(folder.glob("*.safetensors")):
        raise ValueError("it has no weights in safetensors, and litmine loads no others; look for a converted copy")
    digest = hashlib.sha256()
    for file in sorted(file for pattern in _DECISIVE for file in folder.glob(pattern)):
        digest.update(file.name.encode() + b"\0")
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    digest.update(json.dumps(decisive).encode())
    return digest.hexdigest()[:12]
