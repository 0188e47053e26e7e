"""Load and save the folders of relation models on a shared trunk."""

from collections.abc import Sequence
from pathlib import Path

from litmine.errors import ModelError
from litmine.nn.loading import load_matching
from litmine.nn.references import model_folder_errors
from litmine.nn.trunk import LoadedTrunks, Placement, load_trunk
from litmine.nn.trunk_folder import find_trunk
from litmine.nn.weights import load_weights, save_weights
from litmine.tasks.relations.network import RelationNetwork
from litmine.tasks.relations.pair_head import HeadShape
from litmine.tasks.relations.relation_model import RelationModel
from litmine.tasks.relations.settings import RelationHead, RelationSettings, relation_digest
from litmine.tasks.relations.top import RelationTop


def load_top(
    folder: Path,
    device: str = "auto",
    precision: str = "auto",
    batch_tokens: int | None = None,
    trunks: LoadedTrunks | None = None,
    heads: Sequence[str] | None = None,
) -> RelationModel:
    """Load a relation model from a folder.

    heads: names of the heads to use instead of the default ones. trunks: as in `load_trunk`. Raises ModelError when the
    folder holds none, or it cannot run with these options.
    """
    place = Placement.choose(device, precision)
    with model_folder_errors(folder):
        settings = RelationSettings.load(folder)
        used = settings.default_heads if heads is None else [_find_head(settings, one) for one in heads]
        digest = relation_digest(folder, settings, used)
        trunk = load_trunk(find_trunk(folder, settings.trunk), place, trunks)
        after = settings.after(trunk.config.num_hidden_layers)
        network = make_network(trunk.config, settings, after)
        load_matching(network, load_weights(folder))
        place.put(network)
        # The head stays in float32: this costs little and keeps the scores exact.
        network.encoder.to(place.dtype)
        layers = trunk.layers(network.encoder.layers, after)
    name = f"{settings.name}@{digest}"
    return RelationModel(name, trunk, RelationTop(name, layers, after, network), settings, used, batch_tokens)


def make_network(config: object, settings: RelationSettings, after: int, dropout: float = 0.0) -> RelationNetwork:
    """A network of the settings' shape with random weights, over the encoder's configuration."""
    width: int = config.hidden_size  # type: ignore[attr-defined]
    shape = HeadShape(width, len(settings.entity_types), settings.inner)
    return RelationNetwork(config, after, settings.trunk.layers, shape, settings.outputs, dropout)


def save_top(folder: Path, network: RelationNetwork, settings: RelationSettings, int8: bool = True) -> None:
    """Write weights and settings. The training writes the card."""
    folder.mkdir(parents=True, exist_ok=True)
    save_weights(network.state_dict(), folder, int8)
    settings.save(folder)


def _find_head(settings: RelationSettings, name: str) -> RelationHead:
    for head in settings.heads:
        if head.name == name:
            return head
    raise ModelError(f"{settings.name} has no head {name!r}; it has {', '.join(one.name for one in settings.heads)}")
