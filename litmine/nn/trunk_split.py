"""A whole model into a trunk and its top: weights are copied as they are kept, so that both together are the same."""

import json
import re
import shutil
from pathlib import Path

from torch import Tensor

from litmine.errors import SettingError
from litmine.nn.config import bert_shape
from litmine.nn.encoder import is_plain_bert
from litmine.nn.loading import ENCODER, TOKENIZER_FILE
from litmine.nn.trunk_folder import TrunkLink, TrunkSettings, link_of, trunk_digest
from litmine.nn.weights import load_stored, save_stored

_LAYER = re.compile(r"encoder\.layer\.(\d+)\.")


def split_encoder(
    folder: Path, trunk: Path, settings: TrunkSettings, reference: str, layers: int
) -> tuple[dict[str, Tensor], TrunkLink]:
    """Write all layers but the last `layers` of a model of ours, with its tokenizer, to the folder `trunk`.

    Returns the other weights as they are kept, for the top's folder, and what the top is to say of its trunk under this
    reference. Raises SettingError for a model that cannot be split so.
    """
    shape = bert_shape(folder) if link_of(folder) is None else None
    if shape is None or not is_plain_bert(shape):
        raise SettingError(f"{folder} has no encoder of its own that is a plain BERT, so it cannot be split")
    if not 0 <= layers < shape.num_hidden_layers:
        raise SettingError(
            f"{folder} has {shape.num_hidden_layers} layers, and a top has fewer than all; give --layers a number below"
        )
    first = shape.num_hidden_layers - layers
    shared: dict[str, Tensor] = {}
    own: dict[str, Tensor] = {}
    for name, weight in load_stored(folder).items():
        bare = name.removeprefix(ENCODER)
        layer = _LAYER.match(bare)
        if bare != name and (layer is None or int(layer[1]) < first):
            shared[bare] = weight
        else:
            own[name] = weight
    trunk.mkdir(parents=True, exist_ok=True)
    save_stored(shared, trunk)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8")) | {"num_hidden_layers": first}
    (trunk / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    shutil.copyfile(folder / TOKENIZER_FILE, trunk / TOKENIZER_FILE)
    settings.save(trunk)
    return own, TrunkLink(reference, trunk_digest(trunk), layers)
