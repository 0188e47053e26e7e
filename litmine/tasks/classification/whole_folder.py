"""Load and save the folders of text classifiers with their own encoder: litmine's own, and those of transformers.

litmine's own folders are those of `BertForSequenceClassification` too, so that transformers loads them.
"""

import json
from pathlib import Path

from tokenizers import Tokenizer

from litmine.nn.hugging_face import auto_text_classifier, save_fast_tokenizer
from litmine.nn.hugging_face_folder import DEFAULT_OVERLAP, describe_plain_bert
from litmine.nn.loading import read_tokenizer, special_ids
from litmine.nn.references import model_folder_errors
from litmine.nn.trunk import LoadedTrunks, Placement, Trunk, WindowSettings, make_runner
from litmine.nn.weights import WEIGHTS_FILE, load_weights, save_weights
from litmine.tasks.classification.settings import SEVERAL
from litmine.tasks.classification.whole_classifier import WholeTextClassifier
from litmine.tasks.classification.whole_settings import WholeSettings, whole_digest
from litmine.tasks.relations.marked.network import ForeignNetwork, MarkedNetwork

_ARCHITECTURE = "BertForSequenceClassification"


def load_whole(
    folder: Path,
    name: str,
    device: str = "auto",
    precision: str = "auto",
    batch_tokens: int | None = None,
    trunks: LoadedTrunks | None = None,  # noqa: ARG001 - it has its own encoder
) -> WholeTextClassifier:
    """Load a text classifier from a folder; `device` and `precision` as in `litmine.tasks.registry.load_task_model`.

    Raises ModelError when the folder holds none, or it cannot run with these options.
    """
    place = Placement.choose(device, precision)
    with model_folder_errors(folder):
        settings = WholeSettings.load(folder, name)
        digest = whole_digest(folder, settings)
        network = _read_network(folder, len(settings.scheme.labels), place)
        tokenizer = read_tokenizer(folder)
        special = special_ids(tokenizer, network.config)
    place.put(network)
    # Pooler and classifier stay in float32: this costs nothing and keeps the scores exact.
    runner, layers = make_runner(network.encoder, 1, place, settings.window, special[2])
    windows = WindowSettings(settings.window, min(DEFAULT_OVERLAP, settings.window // 4))
    trunk = Trunk(runner, network.config, tokenizer, special, windows, place)
    full_name = f"{settings.name}@{digest}"
    return WholeTextClassifier(full_name, trunk, trunk.layers(layers), network.read_first, settings, batch_tokens)


def save_whole(folder: Path, network: MarkedNetwork, tokenizer: Tokenizer, settings: WholeSettings) -> None:
    """Write a model: weights, configuration, tokenizer, settings. The training writes the card."""
    folder.mkdir(parents=True, exist_ok=True)
    # transformers does not read weights in 8 bits.
    save_weights(network.hugging_face_weights(), folder, int8=False)
    config, scheme = network.config, settings.scheme
    config.architectures = [_ARCHITECTURE]
    config.problem_type = "multi_label_classification" if scheme.choice == SEVERAL else "single_label_classification"
    config.id2label = dict(enumerate(scheme.labels))
    config.label2id = {label: i for i, label in config.id2label.items()}
    config.save_pretrained(folder)
    save_fast_tokenizer(tokenizer, folder, settings.window, config.pad_token_id)
    settings.save(folder)


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
