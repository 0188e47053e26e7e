"""Twelve hex digits over all that decides what a model finds: the same digest is the same model, wherever it lies."""

import hashlib
import json
from pathlib import Path
from typing import Any

_DECISIVE = ("*.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json", "vocab.*", "merges.txt")


def folder_digest(folder: Path, decisive: Any) -> str:
    """Over a folder's weights, tokenizer and shape, and `decisive` settings (ValueError without weights)."""
    if not any(folder.glob("*.safetensors")):
        raise ValueError("it has no weights in safetensors, and litmine loads no others; look for a converted copy")
    digest = hashlib.sha256()
    for file in sorted(file for pattern in _DECISIVE for file in folder.glob(pattern)):
        digest.update(file.name.encode() + b"\0")
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    digest.update(json.dumps(decisive).encode())
    return digest.hexdigest()[:12]
