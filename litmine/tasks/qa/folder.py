"""Reader folders in the Hugging Face layout: litmine's own, and any plain extractive question answerer."""

from pathlib import Path

from tokenizers import Tokenizer

from litmine.nn.encoder import BertEncoder, is_plain_bert
from litmine.nn.hugging_face import auto_answerer, auto_tokenizer
from litmine.nn.loading import DEFAULT_OVERLAP, TOKENIZER_FILE, hugging_face_window, load_network, read_tokenizer
from litmine.nn.references import is_litmine_model, model_folder_errors
from litmine.nn.trunk import LoadedTrunks, Placement, Trunk, WindowSettings, make_runner
from litmine.nn.weights import save_weights
from litmine.tasks.qa.network import PlainSpanNetwork, SpanNetwork
from litmine.tasks.qa.pairs import layout_of
from litmine.tasks.qa.reader import Reader
from litmine.tasks.qa.settings import ReaderSettings, reader_digest

# Of a plain question answerer, which seldom says on what it was taught: SQuAD's usual 384 tokens.
_WINDOW = 384


def load_folder(
    folder: Path,
    name: str,
    device: str = "auto",
    precision: str = "auto",
    batch_tokens: int | None = None,
    trunks: LoadedTrunks | None = None,  # noqa: ARG001 - a reader's encoder is its own
) -> Reader:
    """Load a reader's folder (ModelError when it is not one, or cannot be run as asked)."""
    place = Placement.choose(device, precision)
    with model_folder_errors(folder):
        own = is_litmine_model(folder)
        settings = ReaderSettings.load(folder) if own else plain_settings(folder, name)
        digest = reader_digest(folder, settings)
        network = read_span_network(folder, settings, quick=True) if own else _plain_network(folder)
        tokenizer = read_tokenizer(folder)
        # A plain answerer was taught with types or without, as its tokenizer gives them.
        typed = own or "token_type_ids" in auto_tokenizer(folder).model_input_names
        layout = layout_of(tokenizer, network.config, typed)
    place.put(network)
    # Of our own networks the heads stay in float32: they cost nothing, and the scores keep their digits.
    form, layers = make_runner(network.encoder, 1, place, settings.window, layout.pad)
    special = layout.before[0], layout.between[0], layout.pad
    windows = WindowSettings(settings.window, settings.overlap)
    trunk = Trunk(form, network.config, tokenizer, special, windows, place)
    outputs = network.span, network.verdict
    return Reader(trunk, trunk.layers(layers), outputs, layout, settings, digest, batch_tokens)


def save_reader(
    folder: Path, network: SpanNetwork, tokenizer: Tokenizer, settings: ReaderSettings, int8: bool = False
) -> None:
    """Write one of our own readers; the card is the trainer's to write."""
    folder.mkdir(parents=True, exist_ok=True)
    save_weights(network.state_dict(), folder, int8)
    network.config.save_pretrained(folder)
    tokenizer.save(str(folder / TOKENIZER_FILE), pretty=False)
    settings.save(folder)


def read_span_network(folder: Path, settings: ReaderSettings, quick: bool = False) -> SpanNetwork:
    """The network of one of our own reader folders, weights loaded, in float32; `quick` as in `load_network`."""
    return load_network(folder, lambda config, encoder: SpanNetwork(config, settings.yes_no, encoder), quick)


def plain_settings(folder: Path, name: str) -> ReaderSettings:
    """How a plain question answerer reads."""
    window = min(_WINDOW, hugging_face_window(folder))
    return ReaderSettings(name, window, min(DEFAULT_OVERLAP, window // 4))


def _plain_network(folder: Path) -> SpanNetwork | PlainSpanNetwork:
    """The answerer, with its weights in our own encoder where that computes the same."""
    answerer, missing = auto_answerer(folder)
    if missing:
        raise ValueError(f"it lacks the weights {', '.join(missing[:3])}")
    if not is_plain_bert(answerer.config):
        return PlainSpanNetwork(answerer)
    network = SpanNetwork(answerer.config, yes_no=False, encoder=BertEncoder.from_transformers(answerer.bert))
    network.span.load_state_dict(answerer.qa_outputs.state_dict())
    return network
