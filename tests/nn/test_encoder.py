"""`BertEncoder` computes what transformers' encoder computes, and needs no import of transformers."""

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch

from litmine.nn.config import is_plain_bert
from litmine.nn.encoder import BertEncoder
from litmine.nn.references import builtin_folder
from litmine.specs import BUILTIN
from litmine.tasks.ner.folder import read_network
from litmine.tasks.ner.settings import TaggerSettings

if TYPE_CHECKING:
    from transformers import BertConfig

SHAPE: dict[str, Any] = {
    "vocab_size": 50,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 40,
}


@pytest.fixture(scope="module")
def config() -> "BertConfig":
    from transformers import BertConfig

    return BertConfig(**SHAPE, max_position_embeddings=40)


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    """Padded rows of different lengths."""
    torch.manual_seed(1)
    lengths = torch.tensor([40, 7, 1, 23])
    return torch.randint(50, (4, 40)), torch.arange(40) < lengths[:, None]


@torch.inference_mode()
@pytest.mark.parametrize("typed", [True, False])
@pytest.mark.parametrize("masked", [True, False])
def test_same_outputs_as_transformers(config: "BertConfig", typed: bool, masked: bool) -> None:
    from transformers import AutoModel

    torch.manual_seed(0)
    theirs = AutoModel.from_config(config).eval()
    theirs.pooler = None
    ours = BertEncoder.from_transformers(theirs).eval()
    ids, mask = batch()
    given = {
        "input_ids": ids,
        "attention_mask": mask if masked else None,
        "token_type_ids": torch.randint(2, ids.shape) if typed else None,
    }
    found, expected = ours(**given).last_hidden_state, theirs(**given).last_hidden_state
    seen = mask if masked else torch.ones_like(mask)
    torch.testing.assert_close(found[seen], expected[seen], atol=1e-5, rtol=1e-5)


def test_same_gradients_as_transformers() -> None:
    """Dropout hits the same positions, and every weight has the same gradient."""
    from transformers import AutoModel, BertConfig

    config = BertConfig(**SHAPE, max_position_embeddings=40, hidden_dropout_prob=0.3, attention_probs_dropout_prob=0)
    torch.manual_seed(0)
    theirs = AutoModel.from_config(config).train()
    theirs.pooler = None
    ours = BertEncoder.from_transformers(theirs).train()
    ids, mask = batch()
    for encoder in (ours, theirs):
        torch.manual_seed(2)
        encoder(input_ids=ids, attention_mask=mask).last_hidden_state[mask].square().mean().backward()
    expected = dict(theirs.named_parameters())
    for name, weight in ours.named_parameters():
        torch.testing.assert_close(weight.grad, expected[name].grad, atol=1e-5, rtol=1e-4)


@torch.inference_mode()
def test_the_built_in_model() -> None:
    folder = builtin_folder(BUILTIN)
    settings = TaggerSettings.load(folder)
    ours, theirs = (read_network(folder, settings, quick=quick).eval() for quick in (True, False))
    assert isinstance(ours.encoder, BertEncoder)
    assert not isinstance(theirs.encoder, BertEncoder)
    ids, mask = batch()
    torch.testing.assert_close(ours(ids, mask)[mask], theirs(ids, mask)[mask], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    "change",
    [{"hidden_act": "relu"}, {"is_decoder": True}, {"position_embedding_type": "relative_key"}, {"hidden_size": 18}],
)
def test_unsupported_configurations(change: dict[str, object]) -> None:
    from transformers import BertConfig

    assert is_plain_bert(BertConfig(**SHAPE))
    assert not is_plain_bert(BertConfig(**(SHAPE | change)))


def test_a_built_in_model_loads_without_transformers(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom litmine import load_model\nload_model('builtin').annotate(['An allergy to penicillin.'])\n"
        "print([name for name in ('transformers', 'torch._dynamo', 'sympy', 'scipy') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, cwd=tmp_path)
    assert ran.stdout == "[]\n"
