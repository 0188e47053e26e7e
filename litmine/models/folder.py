"""Model folders in the Hugging Face layout: litmine's own, and any plain token classifier.

Weights are safetensors and nothing else; no code that comes with a model is run.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import torch
from tokenizers import Tokenizer

from litmine.errors import LitmineError, ModelError, SettingError
from litmine.models.bert import BertEncoder, is_plain_bert
from litmine.models.config import bert_shape, positions, read_config
from litmine.models.digest import tagger_digest
from litmine.models.engine import kernels_for
from litmine.models.heads import CHAINED, SETTINGS_FILE, Head, Settings, default_heads
from litmine.models.hugging_face import auto_classifier, auto_tokenizer
from litmine.models.memory import keep_memory
from litmine.models.network import MultiHeadNetwork, PlainNetwork, bfloat16_is_fast
from litmine.models.tagger import Tagger
from litmine.models.task import is_reader
from litmine.models.weights import load_weights, save_weights
from litmine.models.word_reader import WordReader

TOKENIZER_FILE = "tokenizer.json"
OVERLAP = 128
Network = TypeVar("Network", bound=torch.nn.Module)


def load_folder(
    folder: Path,
    name: str,
    device: str = "auto",
    precision: str = "auto",
    heads: Sequence[str] | None = None,
    batch_tokens: int | None = None,
) -> Tagger:
    """Load a model folder (ModelError when it is not one, or cannot be run as asked).

    `heads` names the heads to use instead of the default ones. `precision` is `float32`, `bf16` or `auto`: bf16 where
    the processor multiplies it in hardware.
    """
    where = choose_device(device)
    chosen = choose_precision(precision, where)
    with loading(folder):
        if is_reader(folder):
            raise ModelError(f"{folder} holds a reader, which answers questions and tags nothing; give a tagger")
        own = (folder / SETTINGS_FILE).is_file()
        settings = Settings.load(folder) if own else _plain_settings(folder, name)
        used = default_heads(settings) if heads is None else [_head(settings, head) for head in heads]
        digest = tagger_digest(folder, settings, used)
        network = read_network(folder, settings, quick=True) if own else _plain_network(folder)
        tokenizer = read_tokenizer(folder)
        special = special_ids(tokenizer, network.config)
    network.eval().requires_grad_(False).to(where)
    if where.type == "cpu":
        keep_memory()
    if chosen == "bf16":
        # The heads stay in float32: they cost nothing, and the scores keep their digits.
        (network.encoder if isinstance(network, MultiHeadNetwork) else network).to(torch.bfloat16)
    kernels = kernels_for(network, where, torch.bfloat16 if chosen == "bf16" else torch.float32)
    return Tagger(network, WordReader(tokenizer), settings, used, digest, special, where, chosen, batch_tokens, kernels)


def identify_plain(folder: Path, name: str) -> str:
    """`name@digest` of a plain token classifier, its weights hashed but not loaded (ModelError when it is not one)."""
    with loading(folder):
        settings = _plain_settings(folder, name)
        return f"{settings.name}@{tagger_digest(folder, settings, default_heads(settings))}"


def save_folder(
    folder: Path, network: MultiHeadNetwork, tokenizer: Tokenizer, settings: Settings, int8: bool = False
) -> None:
    """Write one of our own models; the card is the trainer's to write."""
    folder.mkdir(parents=True, exist_ok=True)
    save_weights(network.state_dict(), folder, int8)
    network.config.save_pretrained(folder)
    tokenizer.save(str(folder / TOKENIZER_FILE), pretty=False)
    settings.save(folder)


def read_network(folder: Path, settings: Settings, quick: bool = False) -> MultiHeadNetwork:
    """The network of one of our own model folders, weights loaded, in float32; `quick` as in `filled`."""
    outputs = sum(len(head.labels) for head in settings.heads)
    chained = settings.decoding == CHAINED
    return filled(folder, lambda config, encoder: MultiHeadNetwork(config, outputs, encoder, chained), quick)


def filled(folder: Path, make: Callable[[Any, Any], Network], quick: bool) -> Network:
    """A network with the weights of a folder, made from its configuration and an encoder: None for transformers' own.

    `quick`: an encoder that reads and does not learn, where litmine has one.
    """
    shape = bert_shape(folder) if quick else None
    network = make(shape, BertEncoder(shape)) if shape and is_plain_bert(shape) else make(read_config(folder), None)
    network.load_state_dict(load_weights(folder))
    return network


def read_tokenizer(folder: Path) -> Tokenizer:
    """The fast tokenizer of a model folder, built from its vocabulary if it has no `tokenizer.json`.

    It neither truncates nor pads, whatever its file says.
    """
    file = folder / TOKENIZER_FILE
    tokenizer = Tokenizer.from_file(str(file)) if file.is_file() else auto_tokenizer(folder).backend_tokenizer
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def special_ids(tokenizer: Tokenizer, config: Any) -> tuple[int, int, int]:
    """Ids of the tokens that begin, end and pad a window."""
    around, word = tokenizer.encode("").ids, tokenizer.encode("a").ids
    if len(around) != 2 or [word[0], word[-1]] != around:
        raise ValueError("its tokenizer does not put one token before and one after a text, as the BERT family does")
    return around[0], around[1], getattr(config, "pad_token_id", None) or 0


@contextmanager
def loading(folder: Path) -> Iterator[None]:
    """What goes wrong inside becomes a ModelError."""
    try:
        yield
    except LitmineError:
        raise
    except Exception as error:  # a damaged tokenizer raises a bare Exception, a strange config anything
        reason = " ".join(str(error).split())[:300]
        raise ModelError(f"{folder} does not hold a model that litmine can load: {reason}") from error


def plain_window(folder: Path) -> int:
    """How many tokens a plain Hugging Face model reads at a time, special ones included."""
    config = read_config(folder)
    return min(int(auto_tokenizer(folder).model_max_length), positions(config))


def _plain_settings(folder: Path, name: str) -> Settings:
    config = read_config(folder)
    labels = tuple(config.id2label[i] for i in range(len(config.id2label)))
    if all(label.startswith("LABEL_") for label in labels):
        raise ValueError(
            "its labels are only numbered, so nobody can say what they mean; name them in id2label of its config.json"
        )
    window = plain_window(folder)
    return Settings(name, (Head("labels", labels),), window, min(OVERLAP, window // 4))


def _plain_network(folder: Path) -> MultiHeadNetwork | PlainNetwork:
    """The classifier, with its weights in our own encoder where that computes the same."""
    classifier = auto_classifier(folder)
    if not is_plain_bert(classifier.config):
        return PlainNetwork(classifier)
    network = MultiHeadNetwork(classifier.config, classifier.config.num_labels, BertEncoder.of(classifier.bert))
    network.heads.load_state_dict(classifier.classifier.state_dict())
    return network


def _head(settings: Settings, name: str) -> Head:
    for head in settings.heads:
        if head.name == name:
            return head
    raise ModelError(f"{settings.name} has no head {name!r}; it has {', '.join(head.name for head in settings.heads)}")


def choose_device(device: str) -> torch.device:
    """`auto`, `cpu` or `cuda` as torch has it (ModelError where there is no GPU)."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise ModelError("no GPU can be used here; leave --gpus out, or check the driver with nvidia-smi")
    if device.partition(":")[0] not in {"cpu", "cuda"}:
        raise SettingError(f"a model runs on auto, cpu or cuda, and not on {device!r}")
    return torch.device(device)


def choose_precision(precision: str, device: torch.device) -> str:
    """`float32` or `bf16`: on `auto`, bf16 where the processor multiplies it in hardware."""
    if precision not in {"auto", "float32", "bf16"}:
        raise SettingError(f"the precision is auto, float32 or bf16, and not {precision!r}")
    if precision == "auto":
        return "bf16" if bfloat16_is_fast(device) else "float32"
    return precision
