"""Load and save tagger folders: litmine's own models, and any Hugging Face token classifier."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from litmine.errors import ModelError
from litmine.nn.config import is_plain_bert
from litmine.nn.encoder import BertEncoder, UpperLayers
from litmine.nn.hidden_states import TopLayers
from litmine.nn.hugging_face import auto_classifier
from litmine.nn.hugging_face_folder import describe_plain_bert
from litmine.nn.loading import (
    TOKENIZER_FILE,
    load_matching,
    load_network,
    read_tokenizer,
    special_ids,
)
from litmine.nn.references import is_litmine_model, model_folder_errors
from litmine.nn.trunk import LoadedTrunks, Placement, Trunk, WindowSettings, load_trunk, make_runner
from litmine.nn.trunk_folder import TrunkLink, find_trunk
from litmine.nn.weights import WEIGHTS_FILE, load_weights, save_weights
from litmine.tasks.ner.network import MultiHeadNetwork, PlainNetwork
from litmine.tasks.ner.settings import (
    CRF,
    PER_WORD_FULL_WINDOWS,
    Head,
    TaggerSettings,
    default_heads,
    plain_settings,
    tagger_digest,
    used_heads,
)
from litmine.tasks.ner.tagger import Tagger


def load_folder(
    folder: Path,
    name: str,
    device: str = "auto",
    precision: str = "auto",
    heads: Sequence[str] | None = None,
    batch_tokens: int | None = None,
    trunks: LoadedTrunks | None = None,
    kind: type[Tagger] = Tagger,
) -> Tagger:
    """Load a tagger from a folder, as an object of the class `kind`.

    `heads` names the heads to use instead of the default ones. `precision` is `float32`, `bf16` or `auto`, which means
    bf16 if the processor supports it in hardware. `trunks` caches loaded trunks; a shared trunk that this model loads
    is added to it. Raises ModelError when the folder holds no tagger, or it cannot run with these options.
    """
    place = Placement.choose(device, precision)
    with model_folder_errors(folder):
        litmine_model = is_litmine_model(folder)
        settings = TaggerSettings.load(folder) if litmine_model else plain_settings(folder, name)
        used = used_heads(settings) if heads is None else [_head(settings, head) for head in heads]
        identifying = default_heads(settings) if heads is None else used
        digest = kind.digest_of(tagger_digest(folder, settings, identifying))
        if settings.trunk is None:
            network = read_network(folder, settings, quick=True) if litmine_model else _plain_network(folder, place)
            tokenizer = read_tokenizer(folder)
            trunk, layers = _own_trunk(network, tokenizer, settings, place)
        else:
            trunk = load_trunk(find_trunk(folder, settings.trunk), place, trunks)
            network = _read_top(folder, settings, settings.trunk, trunk)
            place.put(network)
            network.encoder.to(place.dtype)
            layers = trunk.layers(network.encoder.layers, settings.trunk.after)
    # The heads of litmine's own networks stay in float32: this costs nothing and keeps the scores exact.
    chain = network.chain
    transitions = None if chain is None else chain.transitions().cpu().numpy()
    return kind(trunk, layers, network.read_heads, transitions, settings, used, digest, batch_tokens)


def save_folder(
    folder: Path, network: MultiHeadNetwork, tokenizer: Tokenizer, settings: TaggerSettings, int8: bool = False
) -> None:
    """Write a litmine model: weights, configuration, tokenizer, settings. The training writes the card."""
    folder.mkdir(parents=True, exist_ok=True)
    save_weights(network.state_dict(), folder, int8)
    network.config.save_pretrained(folder)
    tokenizer.save(str(folder / TOKENIZER_FILE), pretty=False)
    settings.save(folder)


def save_top(folder: Path, network: MultiHeadNetwork, settings: TaggerSettings, int8: bool = False) -> None:
    """Write a litmine model on a shared trunk: the weights of its layers and heads, and its settings."""
    folder.mkdir(parents=True, exist_ok=True)
    save_weights(network.state_dict(), folder, int8)
    settings.save(folder)


def read_network(folder: Path, settings: TaggerSettings, quick: bool = False) -> MultiHeadNetwork:
    """The network of a litmine model folder, with its weights in float32; `quick` as in `load_network`."""
    return load_network(folder, lambda config, encoder: _network(config, settings, encoder), quick)


def _own_trunk(
    network: MultiHeadNetwork | PlainNetwork, tokenizer: Tokenizer, settings: TaggerSettings, place: Placement
) -> tuple[Trunk, TopLayers]:
    """Split the encoder of a complete model into a trunk and its last layer, on their device in their precision."""
    special = special_ids(tokenizer, network.config)
    place.put(network)
    form, layers = make_runner(network.encoder, 1, place, settings.window, special[2])
    windows = WindowSettings(settings.window, settings.overlap, settings.decoding != PER_WORD_FULL_WINDOWS)
    trunk = Trunk(form, network.config, tokenizer, special, windows, place)
    return trunk, trunk.layers(layers)


def _read_top(folder: Path, settings: TaggerSettings, link: TrunkLink, trunk: Trunk) -> MultiHeadNetwork:
    """The network of a model on a shared trunk; its encoder is the layers that it adds."""
    config = trunk.config
    below = config.num_hidden_layers if link.after is None else link.after
    layers = UpperLayers(config, below, link.layers)
    network = _network(config, settings, layers)
    load_matching(network, load_weights(folder))
    return network


def _network(config: Any, settings: TaggerSettings, encoder: Any) -> MultiHeadNetwork:
    outputs = sum(len(head.labels) for head in settings.heads)
    return MultiHeadNetwork(config, outputs, encoder, settings.decoding == CRF)


def _plain_network(folder: Path, place: Placement) -> MultiHeadNetwork | PlainNetwork:
    """The classifier's network; a plain BERT's weights go into litmine's faster, equivalent encoder."""
    if (network := _plain_bert_network(folder, place)) is not None:
        return network
    classifier = auto_classifier(folder)
    if not is_plain_bert(classifier.config):
        return PlainNetwork(classifier)
    network = MultiHeadNetwork(
        classifier.config, classifier.config.num_labels, BertEncoder.from_transformers(classifier.bert)
    )
    network.heads.load_state_dict(classifier.classifier.state_dict())
    return network


def _plain_bert_network(folder: Path, place: Placement) -> MultiHeadNetwork | None:
    """The network of a plain BERT, without transformers.

    None if only transformers can load it: another model, old names of weights, several files or missing weights.
    """
    plain = describe_plain_bert(folder)
    if plain is None or plain.labels is None or not (folder / WEIGHTS_FILE).is_file():
        return None
    weights = load_weights(folder)
    encoder_weights = {name.removeprefix("bert."): weight for name, weight in weights.items()}
    try:
        encoder = BertEncoder.for_inference(plain.shape, encoder_weights, place.dtype)
        network = MultiHeadNetwork(plain.shape, len(plain.labels), encoder)
        network.heads.load_state_dict({name: weights[f"classifier.{name}"] for name in ("weight", "bias")})
    except (KeyError, RuntimeError):
        return None
    return network


def _head(settings: TaggerSettings, name: str) -> Head:
    for head in settings.heads:
        if head.name == name:
            return head
    raise ModelError(f"{settings.name} has no head {name!r}; it has {', '.join(head.name for head in settings.heads)}")
