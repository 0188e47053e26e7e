"""Load and save reader folders: litmine's own readers, and any Hugging Face extractive question answerer."""

from pathlib import Path

from tokenizers import Tokenizer

from litmine.nn.config import is_plain_bert
from litmine.nn.encoder import BertEncoder
from litmine.nn.hugging_face import auto_answerer, auto_tokenizer
from litmine.nn.hugging_face_folder import DEFAULT_OVERLAP
from litmine.nn.loading import TOKENIZER_FILE, hugging_face_window, load_network, read_tokenizer
from litmine.nn.references import is_litmine_model, model_folder_errors
from litmine.nn.trunk import LoadedTrunks, Placement, Trunk, WindowSettings, make_runner
from litmine.nn.weights import save_weights
from litmine.tasks.qa.network import PlainSpanNetwork, SpanNetwork
from litmine.tasks.qa.pairs import make_layout
from litmine.tasks.qa.reader import Reader
from litmine.tasks.qa.settings import ReaderSettings, reader_digest

# The window of a Hugging Face question answerer: the usual one for SQuAD, since the folder does not name it.
_HUGGING_FACE_WINDOW = 384


def load_folder(
    folder: Path,
    name: str,
    device: str = "auto",
    precision: str = "auto",
    batch_tokens: int | None = None,
    trunks: LoadedTrunks | None = None,  # noqa: ARG001 - a reader has its own encoder
) -> Reader:
    """Load a reader from a folder; `device` and `precision` as in `litmine.tasks.registry.load_task_model`.

    Raises ModelError when the folder holds no reader, or it cannot run with these options.
    """
    place = Placement.choose(device, precision)
    with model_folder_errors(folder):
        litmine_model = is_litmine_model(folder)
        settings = ReaderSettings.load(folder) if litmine_model else plain_settings(folder, name)
        digest = reader_digest(folder, settings)
        network = read_network(folder, settings, quick=True) if litmine_model else _plain_network(folder)
        tokenizer = read_tokenizer(folder)
        # The tokenizer of a Hugging Face answerer tells whether it was trained with token types.
        typed = litmine_model or "token_type_ids" in auto_tokenizer(folder).model_input_names
        layout = make_layout(tokenizer, network.config, typed)
    place.put(network)
    # The outputs of litmine's own networks stay in float32: this costs nothing and keeps the scores exact.
    form, layers = make_runner(network.encoder, 1, place, settings.window, layout.pad)
    special = layout.before[0], layout.between[0], layout.pad
    windows = WindowSettings(settings.window, settings.overlap)
    trunk = Trunk(form, network.config, tokenizer, special, windows, place)
    outputs = network.span, network.verdict
    return Reader(trunk, trunk.layers(layers), outputs, layout, settings, digest, batch_tokens)


def save_reader(
    folder: Path, network: SpanNetwork, tokenizer: Tokenizer, settings: ReaderSettings, int8: bool = False
) -> None:
    """Write a litmine reader: weights, configuration, tokenizer, settings. The training writes the card."""
    folder.mkdir(parents=True, exist_ok=True)
    save_weights(network.state_dict(), folder, int8)
    network.config.save_pretrained(folder)
    tokenizer.save(str(folder / TOKENIZER_FILE), pretty=False)
    settings.save(folder)


def read_network(folder: Path, settings: ReaderSettings, quick: bool = False) -> SpanNetwork:
    """The network of a litmine reader folder, with its weights in float32; `quick` as in `load_network`."""
    return load_network(folder, lambda config, encoder: SpanNetwork(config, settings.yes_no, encoder), quick)


def plain_settings(folder: Path, name: str) -> ReaderSettings:
    """The settings of a Hugging Face question answerer."""
    window = min(_HUGGING_FACE_WINDOW, hugging_face_window(folder))
    return ReaderSettings(name, window, min(DEFAULT_OVERLAP, window // 4))


def _plain_network(folder: Path) -> SpanNetwork | PlainSpanNetwork:
    """The answerer's network; a plain BERT's weights go into litmine's faster, equivalent encoder."""
    answerer, missing = auto_answerer(folder)
    if missing:
        raise ValueError(f"its weights file lacks {', '.join(missing[:3])}")
    if not is_plain_bert(answerer.config):
        return PlainSpanNetwork(answerer)
    network = SpanNetwork(answerer.config, yes_no=False, encoder=BertEncoder.from_transformers(answerer.bert))
    network.span.load_state_dict(answerer.qa_outputs.state_dict())
    return network
