"""Load and save the folders of classifiers of marked texts: litmine's own, and those of transformers.

litmine's own folders are those of `BertForSequenceClassification` too, so that transformers loads them.
"""

import json
from pathlib import Path

from tokenizers import Tokenizer

from litmine.errors import ModelError
from litmine.nn.hugging_face import auto_text_classifier, save_fast_tokenizer
from litmine.nn.hugging_face_folder import describe_plain_bert
from litmine.nn.loading import hugging_face_labels, hugging_face_window, read_tokenizer, special_ids
from litmine.nn.references import is_litmine_model, model_folder_errors
from litmine.nn.trunk import LoadedTrunks, Placement, Trunk, WindowSettings, make_runner
from litmine.nn.weights import WEIGHTS_FILE, load_weights, save_weights
from litmine.tasks.relations.marked.input import PairReader
from litmine.tasks.relations.marked.network import ForeignNetwork, MarkedNetwork
from litmine.tasks.relations.marked.scorer import MarkedScorer
from litmine.tasks.relations.marked.settings import DECLARATION_FILE, MarkedSettings, marked_digest

_ARCHITECTURE = "BertForSequenceClassification"


def load_folder(
    folder: Path,
    name: str,
    device: str = "auto",
    precision: str = "auto",
    batch_tokens: int | None = None,
    trunks: LoadedTrunks | None = None,  # noqa: ARG001 - it has its own encoder
) -> MarkedScorer:
    """Load a classifier from a folder; `device` and `precision` as in `litmine.tasks.registry.load_task_model`.

    Raises ModelError when the folder holds none or does not declare its markers and labels, or when it cannot run with
    these options.
    """
    place = Placement.choose(device, precision)
    with model_folder_errors(folder):
        settings = MarkedSettings.load(folder, name)
        digest = marked_digest(folder, settings)
        _check_labels(folder, settings)
        network = _read_network(folder, len(settings.labels), place)
        tokenizer = read_tokenizer(folder)
        special = special_ids(tokenizer, network.config)
        window = min(settings.window, hugging_face_window(folder))
    place.put(network)
    # Pooler and classifier stay in float32: this costs nothing and keeps the scores exact.
    runner, layers = make_runner(network.encoder, 1, place, window, special[2])
    # The trunk's tokenizer reads markers as text, so pairs have one of their own.
    reader = PairReader(read_tokenizer(folder), settings.marking, window)
    trunk = Trunk(runner, network.config, tokenizer, special, WindowSettings(window, 0), place)
    full_name = f"{settings.name}@{digest}"
    return MarkedScorer(full_name, trunk, trunk.layers(layers), network.read_first, reader, settings, batch_tokens)


def save_folder(folder: Path, network: MarkedNetwork, tokenizer: Tokenizer, settings: MarkedSettings) -> None:
    """Write a model: weights, configuration, tokenizer, settings. The training writes the card."""
    folder.mkdir(parents=True, exist_ok=True)
    # transformers does not read weights in 8 bits.
    save_weights(network.hugging_face_weights(), folder, int8=False)
    config = network.config
    config.architectures = [_ARCHITECTURE]
    config.id2label = {i: label for i, (label, _) in enumerate(settings.labels)}
    config.label2id = {label: i for i, label in config.id2label.items()}
    config.save_pretrained(folder)
    save_fast_tokenizer(tokenizer, folder, settings.window, config.pad_token_id)
    settings.save(folder)


def _check_labels(folder: Path, settings: MarkedSettings) -> None:
    """Raise ModelError unless the declared labels are those of the configuration, in the same order."""
    plain = describe_plain_bert(folder)
    outputs = plain.labels if plain is not None and plain.labels is not None else hugging_face_labels(folder)
    declared = tuple(label for label, _ in settings.labels)
    if outputs != declared:
        file = "litmine.json" if is_litmine_model(folder) else DECLARATION_FILE
        raise ModelError(
            f"{folder / file} declares the labels {', '.join(declared)}, and config.json has {', '.join(outputs)};"
            " declare these, in this order"
        )


def _read_network(folder: Path, labels: int, place: Placement) -> MarkedNetwork | ForeignNetwork:
    """The classifier's network; a plain BERT's weights go into litmine's faster, equivalent encoder."""
    plain = describe_plain_bert(folder)
    architectures = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("architectures")
    if plain is not None and architectures == [_ARCHITECTURE] and (folder / WEIGHTS_FILE).is_file():
        try:
            return MarkedNetwork.from_hugging_face(plain.shape, labels, load_weights(folder), place.dtype)
        except (KeyError, RuntimeError):
            # Old names of weights: transformers knows how to load them.
            pass
    classifier, missing = auto_text_classifier(folder)
    if missing:
        raise ValueError(f"its weights file lacks {', '.join(missing[:3])}")
    return ForeignNetwork(classifier)
