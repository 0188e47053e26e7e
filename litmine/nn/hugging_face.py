"""Calls into transformers, which takes seconds to import, for models that litmine does not load itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokenizers import Tokenizer

# Never download anything, never run code from a model folder.
_SAFE: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}


def auto_config(folder: Path) -> Any:
    """The configuration of a model folder."""
    with _quiet_transformers() as transformers:
        return transformers.AutoConfig.from_pretrained(folder, **_SAFE)


def learns_masked_words(config: Any) -> bool:
    """Whether a configuration is that of an encoder with a masked language model, as in the BERT family."""
    if config.is_encoder_decoder:
        return False
    # The most frequent model type needs no import.
    if config.model_type == "bert":
        return True
    from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES

    return config.model_type in MODEL_FOR_MASKED_LM_MAPPING_NAMES


def auto_tokenizer(folder: Path) -> Any:
    """The tokenizer of a model folder, as a transformers tokenizer."""
    with _quiet_transformers() as transformers:
        return transformers.AutoTokenizer.from_pretrained(folder, use_fast=True, **_SAFE)


def auto_encoder(folder: Path, config: Any) -> Any:
    """The encoder of a model folder."""
    with _quiet_transformers() as transformers:
        return transformers.AutoModel.from_pretrained(folder, config=config, use_safetensors=True, **_SAFE)


def new_encoder(config: Any) -> Any:
    """An encoder with random weights."""
    with _quiet_transformers() as transformers:
        return transformers.AutoModel.from_config(config)


def auto_classifier(folder: Path) -> Any:
    """The token classifier of a model folder."""
    with _quiet_transformers() as transformers:
        return transformers.AutoModelForTokenClassification.from_pretrained(folder, use_safetensors=True, **_SAFE)


def auto_answerer(folder: Path) -> tuple[Any, list[str]]:
    """The question-answering model of a model folder, and the names of weights that the folder lacks."""
    with _quiet_transformers() as transformers:
        model, report = transformers.AutoModelForQuestionAnswering.from_pretrained(
            folder, use_safetensors=True, output_loading_info=True, **_SAFE
        )
    return model, sorted(report["missing_keys"])


def auto_text_classifier(folder: Path) -> tuple[Any, list[str]]:
    """The classifier of whole texts of a model folder, and the names of weights that the folder lacks."""
    with _quiet_transformers() as transformers:
        model, report = transformers.AutoModelForSequenceClassification.from_pretrained(
            folder, use_safetensors=True, output_loading_info=True, **_SAFE
        )
    return model, sorted(report["missing_keys"])


def save_fast_tokenizer(tokenizer: "Tokenizer", folder: Path, window: int, padding: int) -> None:
    """Save a tokenizer so that `AutoTokenizer` gives the same ids. padding: the id of its padding token."""
    with _quiet_transformers() as transformers:
        begin, end = tokenizer.encode("").tokens
        named = {"cls_token": begin, "sep_token": end, "pad_token": tokenizer.id_to_token(padding)}
        fast = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=window, **named)
        fast.save_pretrained(folder)


@contextmanager
def _quiet_transformers() -> Iterator[Any]:
    """The transformers module, with progress bars and loading reports switched off."""
    import transformers
    from transformers.utils import logging

    verbosity, had_bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield transformers
    finally:
        logging.set_verbosity(verbosity)
        if had_bars:
            logging.enable_progress_bar()
