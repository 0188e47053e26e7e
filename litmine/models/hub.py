"""A model of the Hugging Face Hub, fetched once: configuration, tokenizer and safetensors, nothing that runs."""

import shutil
from pathlib import Path

from litmine.errors import ModelError
from litmine.models.home import hub_folder, offline_models

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


def pull(hub_id: str) -> Path:
    """Download a model unless it is there already (ModelError when it cannot be had, naming what can)."""
    folder = hub_folder(hub_id)
    if (folder / "config.json").is_file():
        return folder
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    aside = folder.with_name(f".{folder.name}.tmp")
    try:
        snapshot_download(hub_id, local_dir=aside, allow_patterns=_WANTED, max_workers=2)
        if not any(aside.glob("*.safetensors")):
            raise ModelError(
                f"{hub_id} has no weights in safetensors, and litmine loads no others; look for a converted copy"
            )
        folder.parent.mkdir(parents=True, exist_ok=True)
        aside.rename(folder)
    except (OSError, HfHubHTTPError, HFValidationError) as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:120]}"
        raise ModelError(
            f"{hub_id} is not on this machine and the Hugging Face Hub did not give it ({reason});"
            f" without it these can be loaded: {', '.join(offline_models())}, or a model's folder"
        ) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return folder
