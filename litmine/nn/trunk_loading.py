"""Trunks from their folders, each loaded once for all models on it."""

from pathlib import Path

from litmine.nn.bert import BertEncoder, is_plain_bert
from litmine.nn.config import bert_shape
from litmine.nn.loading import read_tokenizer, special_ids
from litmine.nn.trunk import Placement, Trunk, Windows, form_of
from litmine.nn.trunk_folder import TrunkSettings, trunk_digest
from litmine.nn.weights import load_weights

# By digest, device and precision.
Trunks = dict[tuple[str, str, str], Trunk]


def load_trunk(folder: Path, place: Placement, trunks: Trunks | None = None) -> Trunk:
    """The trunk of a folder, out of `trunks` if it is among them; it is afterwards.

    Raises ModelError or what a damaged folder brings about.
    """
    digest = trunk_digest(folder)
    trunks = {} if trunks is None else trunks
    key = digest, str(place.device), place.precision
    if key not in trunks:
        settings, shape = TrunkSettings.load(folder), bert_shape(folder)
        if shape is None or not is_plain_bert(shape):
            raise ValueError("a trunk is a plain BERT, and its config.json says something else")
        tokenizer = read_tokenizer(folder)
        special = special_ids(tokenizer, shape)
        encoder = BertEncoder.holding(shape, load_weights(folder))
        place.put(encoder)
        form, _ = form_of(encoder, 0, place, settings.window, special[2])
        windows = Windows(settings.window, settings.overlap)
        trunks[key] = Trunk(form, shape, tokenizer, special, windows, place, digest)
    return trunks[key]
