"""A model of the Hugging Face Hub, fetched once: configuration, tokenizer and safetensors, nothing that runs."""

import shutil
from pathlib import Path

from litmine.errors import LitmineError, ModelError
from litmine.nn.references import holds_model, hub_folder, offline_models

_WANTED = [
    "config.json",
    "litmine.json",
    "tokenizer*",
    "vocab.*",
    "merges.txt",
    "special_tokens_map.json",
    "*.safetensors",
    "README.md",
]


# How long the Hub may take to answer at all.
_SECONDS = 10.0


def pull(hub_id: str) -> Path:
    """Download a model unless it is there already (ModelError when it cannot be had, naming what can)."""
    folder = hub_folder(hub_id)
    if holds_model(folder):
        return folder
    from huggingface_hub import HfApi, snapshot_download

    aside = folder.with_name(f".{folder.name}.tmp")
    try:
        # The download's own first question has no limit of time, and waits forever behind some firewalls.
        commit = HfApi().model_info(hub_id, timeout=_SECONDS).sha
        snapshot_download(hub_id, revision=commit, local_dir=aside, allow_patterns=_WANTED, max_workers=2)
        if not any(aside.glob("*.safetensors")):
            raise ModelError(
                f"{hub_id} has no weights in safetensors, and litmine loads no others; look for a converted copy"
            )
        folder.parent.mkdir(parents=True, exist_ok=True)
        aside.rename(folder)
    except LitmineError:
        raise
    except Exception as error:  # the Hub's client lets those of its HTTP library through, whose names change
        raise ModelError(
            f"{hub_id} is not on this machine and the Hugging Face Hub did not give it ({_reason(error)});"
            f" without it these can be loaded: {', '.join(offline_models())}, or a model's folder"
        ) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return folder


def _reason(error: Exception) -> str:
    from huggingface_hub.errors import GatedRepoError, HFValidationError, RepositoryNotFoundError

    if isinstance(error, GatedRepoError):
        return "its owner asks for consent on the Hub's page first, and for the token of who gave it"
    if isinstance(error, RepositoryNotFoundError):
        return "it knows no such model, or shows it to others only"
    if isinstance(error, HFValidationError):
        return "that is not an id of the Hub"
    return f"{type(error).__name__}: {' '.join(str(error).split())[:120]}"
