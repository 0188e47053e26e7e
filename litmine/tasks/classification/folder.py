"""Load and save the folders of classifiers on a shared trunk."""

from collections.abc import Mapping
from pathlib import Path

from litmine.nn.loading import load_matching
from litmine.nn.references import model_folder_errors
from litmine.nn.trunk import LoadedTrunks, Placement, load_trunk
from litmine.nn.trunk_folder import find_trunk
from litmine.nn.weights import load_weights, save_weights
from litmine.tasks.classification.classifier import Classifier
from litmine.tasks.classification.network import ClassifierNetwork
from litmine.tasks.classification.settings import ClassifierSettings, classifier_digest
from litmine.tasks.classification.word_votes import WordVotes, load_words, save_words


def load_top(
    folder: Path,
    device: str = "auto",
    precision: str = "auto",
    batch_tokens: int | None = None,
    trunks: LoadedTrunks | None = None,
) -> Classifier:
    """Load a classifier from a folder. trunks: as in `load_trunk`.

    Raises ModelError when the folder holds none, or it cannot run with these options.
    """
    place = Placement.choose(device, precision)
    with model_folder_errors(folder):
        settings = ClassifierSettings.load(folder)
        digest = classifier_digest(folder, settings, settings.schemes)
        trunk = load_trunk(find_trunk(folder, settings.trunk), place, trunks)
        link = settings.trunk
        after = trunk.config.num_hidden_layers if link.after is None else link.after
        network = ClassifierNetwork(trunk.config, after, link.layers, settings.schemes)
        load_matching(network, load_weights(folder))
        place.put(network)
        # The votes stay in float32: this costs little and keeps the scores exact.
        network.encoder.to(place.dtype)
        layers = trunk.layers(network.encoder.layers, link.after)
        words = load_words(folder, [one.name for one in settings.schemes])
    return Classifier(f"{settings.name}@{digest}", trunk, layers, network, settings, words, batch_tokens)


def save_top(
    folder: Path,
    network: ClassifierNetwork,
    settings: ClassifierSettings,
    int8: bool,
    words: Mapping[str, WordVotes] | None = None,
) -> None:
    """Write the weights and the settings of a classifier. words: by scheme. The training writes the card."""
    folder.mkdir(parents=True, exist_ok=True)
    save_weights(network.state_dict(), folder, int8)
    save_words(folder, words or {})
    settings.save(folder)
