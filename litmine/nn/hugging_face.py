"""What is asked of transformers, which takes seconds to import: models and tokenizers that are not our own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_SAFE: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}


def auto_config(folder: Path) -> Any:
    """The configuration of a model folder."""
    with _transformers() as library:
        return library.AutoConfig.from_pretrained(folder, **_SAFE)


def reads_masked_words(config: Any) -> bool:
    """Whether a configuration is of an encoder that learns by masked words, as those of the BERT family do."""
    if config.is_encoder_decoder:
        return False
    # What most ask of it needs no import.
    if config.model_type == "bert":
        return True
    from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES

    return config.model_type in MODEL_FOR_MASKED_LM_MAPPING_NAMES


def auto_tokenizer(folder: Path) -> Any:
    """The tokenizer of a model folder as transformers sees it."""
    with _transformers() as library:
        return library.AutoTokenizer.from_pretrained(folder, use_fast=True, **_SAFE)


def auto_encoder(folder: Path, config: Any) -> Any:
    """The encoder of a model folder."""
    with _transformers() as library:
        return library.AutoModel.from_pretrained(folder, config=config, use_safetensors=True, **_SAFE)


def new_encoder(config: Any) -> Any:
    """An encoder with random weights."""
    with _transformers() as library:
        return library.AutoModel.from_config(config)


def auto_classifier(folder: Path) -> Any:
    """The token classifier of a model folder."""
    with _transformers() as library:
        return library.AutoModelForTokenClassification.from_pretrained(folder, use_safetensors=True, **_SAFE)


def auto_answerer(folder: Path) -> tuple[Any, list[str]]:
    """The question answerer of a model folder, and the weights that it lacks there."""
    with _transformers() as library:
        answerer, loaded = library.AutoModelForQuestionAnswering.from_pretrained(
            folder, use_safetensors=True, output_loading_info=True, **_SAFE
        )
    return answerer, sorted(loaded["missing_keys"])


@contextmanager
def _transformers() -> Iterator[Any]:
    """The library, which draws no bars and prints no reports meanwhile."""
    import transformers
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield transformers
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
