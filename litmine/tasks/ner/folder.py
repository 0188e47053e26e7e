"""Folders of taggers: litmine's own, and any plain Hugging Face token classifier."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from litmine.errors import ModelError
from litmine.nn.config import read_config
from litmine.nn.encoder import BertEncoder, UpperLayers, is_plain_bert
from litmine.nn.hidden_states import Layers
from litmine.nn.hugging_face import auto_classifier
from litmine.nn.loading import OVERLAP, TOKENIZER_FILE, filled, loading, plain_window, read_tokenizer, special_ids
from litmine.nn.references import is_own
from litmine.nn.trunk import Placement, Trunk, Trunks, Windows, form_of, load_trunk
from litmine.nn.trunk_folder import TrunkLink, find_trunk
from litmine.nn.weights import load_weights, save_weights
from litmine.tasks.ner.network import MultiHeadNetwork, PlainNetwork
from litmine.tasks.ner.settings import CHAINED, FIRST, Head, Settings, default_heads, tagger_digest
from litmine.tasks.ner.tagger import Tagger


def load_folder(
    folder: Path,
    name: str,
    device: str = "auto",
    precision: str = "auto",
    heads: Sequence[str] | None = None,
    batch_tokens: int | None = None,
    trunks: Trunks | None = None,
) -> Tagger:
    """Load a model folder (ModelError when it is not one, or cannot be run as asked).

    `heads` names the heads to use instead of the default ones. `precision` is `float32`, `bf16` or `auto`: bf16 where
    the processor multiplies it in hardware. `trunks` are those that are loaded already; the model's own is among them
    afterwards, if others may go on from it.
    """
    place = Placement.choose(device, precision)
    with loading(folder):
        own = is_own(folder)
        settings = Settings.load(folder) if own else plain_settings(folder, name)
        used = default_heads(settings) if heads is None else [_head(settings, head) for head in heads]
        digest = tagger_digest(folder, settings, used)
        if settings.trunk is None:
            network = read_network(folder, settings, quick=True) if own else _plain_network(folder)
            tokenizer = read_tokenizer(folder)
            trunk, layers = _own_trunk(network, tokenizer, settings, place)
        else:
            trunk = load_trunk(find_trunk(folder, settings.trunk), place, trunks)
            network = _read_top(folder, settings, settings.trunk, trunk)
            place.put(network)
            network.encoder.to(place.dtype)
            layers = trunk.layers(network.encoder.layers, settings.trunk.after)
    # Of our own networks the heads stay in float32: they cost nothing, and the scores keep their digits.
    chain = network.chain
    transitions = None if chain is None else chain.transitions().cpu().numpy()
    return Tagger(trunk, layers, network.read_heads, transitions, settings, used, digest, batch_tokens)


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
    return filled(folder, lambda config, encoder: _network(config, settings, encoder), quick)


def plain_settings(folder: Path, name: str) -> Settings:
    """How a plain token classifier reads. Raises ValueError when its labels have no names."""
    config = read_config(folder)
    labels = tuple(config.id2label[i] for i in range(len(config.id2label)))
    if all(label.startswith("LABEL_") for label in labels):
        raise ValueError(
            "its labels are only numbered, so nobody can say what they mean; name them in id2label of its config.json"
        )
    window = plain_window(folder)
    return Settings(name, (Head("labels", labels),), window, min(OVERLAP, window // 4))


def _own_trunk(
    network: MultiHeadNetwork | PlainNetwork, tokenizer: Tokenizer, settings: Settings, place: Placement
) -> tuple[Trunk, Layers]:
    """The trunk of a model with an encoder of its own, and its last layer, all on their place."""
    special = special_ids(tokenizer, network.config)
    place.put(network)
    form, layers = form_of(network.encoder, 1, place, settings.window, special[2])
    windows = Windows(settings.window, settings.overlap, settings.decoding != FIRST)
    trunk = Trunk(form, network.config, tokenizer, special, windows, place)
    return trunk, trunk.layers(layers)


def _read_top(folder: Path, settings: Settings, link: TrunkLink, trunk: Trunk) -> MultiHeadNetwork:
    """The network of a model that goes on from a trunk: as its encoder it has the layers that it adds."""
    config = trunk.config
    below = config.num_hidden_layers if link.after is None else link.after
    layers = UpperLayers(config, below, link.layers)
    network = _network(config, settings, layers)
    network.load_state_dict(load_weights(folder))
    return network


def _network(config: Any, settings: Settings, encoder: Any) -> MultiHeadNetwork:
    outputs = sum(len(head.labels) for head in settings.heads)
    return MultiHeadNetwork(config, outputs, encoder, settings.decoding == CHAINED)


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
