"""Split a complete model into a trunk and a top, which together compute the same: the stored weights are copied."""

import json
import re
import shutil
from pathlib import Path

from torch import Tensor

from litmine.errors import SettingError
from litmine.nn.config import bert_shape, is_plain_bert
from litmine.nn.loading import ENCODER_PREFIX, TOKENIZER_FILE
from litmine.nn.trunk_folder import TrunkLink, TrunkSettings, read_trunk_link, trunk_digest
from litmine.nn.weights import load_stored_weights, save_stored_weights

_LAYER = re.compile(r"encoder\.layer\.(\d+)\.")


def split_encoder(
    folder: Path, trunk: Path, settings: TrunkSettings, reference: str, layers: int
) -> tuple[dict[str, Tensor], TrunkLink]:
    """Write all but the last `layers` layers of a litmine model, with its tokenizer, to the folder `trunk`.

    Returns the remaining weights as stored, for the top's folder, and the top's link to the trunk under `reference`.
    Raises SettingError for a model that cannot be split.
    """
    shape = bert_shape(folder) if read_trunk_link(folder) is None else None
    if shape is None or not is_plain_bert(shape):
        raise SettingError(f"{folder} cannot be split, because its encoder is not a plain BERT of its own")
    if not 0 <= layers < shape.num_hidden_layers:
        raise SettingError(
            f"{folder} has {shape.num_hidden_layers} layers, and a top must have fewer; give a smaller --layers"
        )
    first = shape.num_hidden_layers - layers
    shared: dict[str, Tensor] = {}
    top: dict[str, Tensor] = {}
    for name, weight in load_stored_weights(folder).items():
        encoder_name = name.removeprefix(ENCODER_PREFIX)
        layer = _LAYER.match(encoder_name)
        if encoder_name != name and (layer is None or int(layer[1]) < first):
            shared[encoder_name] = weight
        else:
            top[name] = weight
    trunk.mkdir(parents=True, exist_ok=True)
    save_stored_weights(shared, trunk)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8")) | {"num_hidden_layers": first}
    (trunk / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    shutil.copyfile(folder / TOKENIZER_FILE, trunk / TOKENIZER_FILE)
    settings.save(trunk)
    return top, TrunkLink(reference, trunk_digest(trunk), layers)
