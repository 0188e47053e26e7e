"""A top on a frozen trunk: trained with one command, saved without the trunk, and the same when loaded."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from litmine.corpora.corpus import read_corpus
from litmine.errors import SettingError
from litmine.tasks.ner.examples import TaggerExample
from litmine.tasks.ner.folder import load_folder
from litmine.tasks.ner.make import make_model
from litmine.tasks.ner.recipe import TaggerRecipe
from litmine.tasks.ner.split_tagger import split_tagger
from litmine.tasks.ner.train import plan_epoch
from litmine.training.base import read_base
from litmine.training.trunk_top import TrunkTop, find_base_trunk


def recipe_for(base: Path, corpus: Path, **changes: object) -> TaggerRecipe:
    recipe = TaggerRecipe(
        "top", str(base), (str(corpus),), epochs=12, learning_rate=1e-2, dropout=0, top_layers=1, top_after=1
    )
    return replace(recipe, **changes)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def trunk(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The tiny tagger split into a trunk of one layer and a top of one layer."""
    return split_tagger(tiny_model, tmp_path_factory.mktemp("split"))


def test_a_top_learns_and_leaves_the_trunk_alone(trunk: tuple[Path, Path], sample_data: Path) -> None:
    before = (trunk[0] / "model.safetensors").read_bytes()
    out = trunk[0].parent / "top"
    make_model(recipe_for(trunk[0], sample_data / "ner" / "BC5CDR"), out, lambda _: None)
    assert (trunk[0] / "model.safetensors").read_bytes() == before
    losses = [float(line.split("\t")[1]) for line in (out / "loss.tsv").read_text().splitlines()[1:]]
    assert losses[-1] < losses[0] / 3
    settings = json.loads((out / "litmine.json").read_text())
    assert settings["trunk"]["reference"] == "../trunk"
    # All layers of this trunk: the link says so by naming none.
    assert (settings["trunk"]["layers"], settings["trunk"]["after"]) == (1, None)
    names = set(load_file(out / "model.safetensors"))
    assert {name.split(".")[0] for name in names} == {"encoder", "heads", "chain"}
    assert {name.split(".")[3] for name in names if name.startswith("encoder")} == {"1"}
    assert not (out / "tokenizer.json").exists()
    assert "This folder has 1 layer after its last layer, and the heads." in (out / "README.md").read_text()
    text = "Aspirin caused an allergic reaction and asthma."
    (found,) = load_folder(out, "top", precision="float32").annotate([text])
    assert all(text[one.start_char : one.end_char] == one.mention for one in found)


def test_a_top_computes_in_training_what_the_loaded_model_computes(trunk: tuple[Path, Path]) -> None:
    base = read_base(str(trunk[1]), 64)
    top = TrunkTop(base.config, base.encoder, 1, 1).eval()
    ids, mask = torch.arange(5, 25).view(2, 10), torch.ones(2, 10, dtype=torch.bool)
    mask[1, 6:] = False
    whole = base.encoder.eval()(input_ids=ids, attention_mask=mask).last_hidden_state
    ours = top(input_ids=ids, attention_mask=mask).last_hidden_state
    torch.testing.assert_close(ours[mask], whole[mask])
    ours.sum().backward()
    assert all(one.grad is not None for one in top.parameters())
    assert all(one.grad is None for one in base.encoder.embeddings.parameters())
    # Layers that the base lacks are new.
    assert len(TrunkTop(base.config, base.encoder, 1, 3).layers) == 3


def test_a_base_without_a_trunk_is_refused(tiny_model: Path, trunk: tuple[Path, Path]) -> None:
    with pytest.raises(SettingError, match="--top-layers needs a base that is a trunk or stands on one"):
        find_base_trunk(str(tiny_model))
    for base in trunk:
        found = find_base_trunk(str(base))
        assert (found.folder.resolve(), found.depth, found.is_builtin) == (trunk[0].resolve(), 1, False)
    with pytest.raises(SettingError, match="--top-after must be at most 1, the layers of the trunk, not 2"):
        find_base_trunk(str(trunk[0])).link(trunk[0].parent / "x", 1, 2)
    assert find_base_trunk("builtin").link(trunk[0], 2, 2).reference == "builtin-trunk"


@pytest.mark.parametrize("used", [{"vocabulary": 500}, {"teachers": 1}, {"base_weight_share": 0.5}, {"then": "finish"}])
def test_what_does_not_fit_a_frozen_trunk_is_refused(used: dict[str, object]) -> None:
    with pytest.raises(SettingError, match=f"top_layers trains on a frozen trunk, which excludes {next(iter(used))}"):
        recipe_for(Path("x"), Path("y"), **used)


def test_an_epoch_reads_all_marked_passages_and_a_share_of_the_others(tmp_path: Path) -> None:
    file = tmp_path / "train.tsv"
    file.write_text("aspirin\tB-Chemical\n\n" * 20 + "nothing\tO\n\n" * 400)
    corpus = read_corpus(file, "x")
    examples = [
        TaggerExample(np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64), np.full((1, 1), int(bool(one.spans))))
        for one in corpus.passages
    ]
    read = []
    for epoch in range(2):
        batches = plan_epoch(recipe_for(tmp_path, file, unmarked_share=0.25), [corpus], [examples], epoch)
        read.append({i for batch in batches for passage in batch for i in passage})
        assert set(range(20)) <= read[-1]
        assert 50 < len(read[-1]) - 20 < 150
    assert read[0] != read[1]
    whole = plan_epoch(recipe_for(tmp_path, file), [corpus], [examples], 0)
    assert sorted(i for batch in whole for passage in batch for i in passage) == list(range(420))
