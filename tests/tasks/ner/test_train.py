"""Training: a head learns only from corpora that annotate its type, and a killed run resumes to the same weights."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer, pre_tokenizers, processors
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer

from litmine.corpora.corpus import Corpus, read_corpus
from litmine.errors import ModelError, SettingError
from litmine.nn.loading import read_tokenizer
from litmine.nn.tokenizer import WordTokenizer
from litmine.tasks.ner.examples import TaggerExample, collate, make_examples, make_heads
from litmine.tasks.ner.network import MultiHeadNetwork
from litmine.tasks.ner.recipe import TaggerRecipe
from litmine.tasks.ner.split_tagger import split_tagger
from litmine.tasks.ner.train import _batch_loss, plan_epoch, train
from litmine.tasks.registry import load_model
from litmine.training.trainer import TrainingDevice, learning_rate_factor

if TYPE_CHECKING:
    from transformers import PreTrainedModel

MakeCorpus = Callable[..., Corpus]
DRUG = "an [allergy](Disease) to [penicillin](Chemical)"
SPECIES = "many [patients](Species) were ill"


class KilledError(Exception):
    """Raised to simulate a kill."""


def killed_after(epoch: int) -> Callable[[str], None]:
    def say(line: str) -> None:
        if line.startswith(f"epoch {epoch} "):
            raise KilledError

    return say


@pytest.fixture(scope="module")
def corpus(sample_data: Path) -> Corpus:
    return read_corpus(sample_data / "ner" / "BC5CDR" / "train.tsv", "BC5CDR")


@pytest.fixture(scope="module")
def recipe(tiny_base: Path) -> TaggerRecipe:
    return TaggerRecipe(
        "tiny", str(tiny_base), ("BC5CDR",), epochs=3, learning_rate=1e-3, batch_tokens=1000, dropout=0.2, ema_decay=0.9
    )


@pytest.fixture(scope="module")
def uninterrupted(recipe: TaggerRecipe, corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("uninterrupted")
    train(recipe, [corpus], folder, lambda _: None)
    return folder


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def equal(left: Path, right: Path) -> bool:
    ours, theirs = weights(left), weights(right)
    same_curve = (left / "loss.tsv").read_bytes() == (right / "loss.tsv").read_bytes()
    return same_curve and ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_a_killed_run_resumes_to_the_same_weights(
    recipe: TaggerRecipe, corpus: Corpus, uninterrupted: Path, tmp_path: Path
) -> None:
    for epoch in (1, 2):
        with pytest.raises(KilledError):
            train(recipe, [corpus], tmp_path, killed_after(epoch))
        assert {file.name for file in tmp_path.iterdir()} == {"training.checkpoint"}
    messages: list[str] = []
    trained = train(recipe, [corpus], tmp_path, messages.append)
    assert re.fullmatch(rf"resuming after step \d+ of {trained.steps}", messages[0])
    assert equal(tmp_path, uninterrupted)
    assert trained.steps > 3


def test_a_kill_after_the_last_epoch_resumes(
    recipe: TaggerRecipe, corpus: Corpus, uninterrupted: Path, tmp_path: Path
) -> None:
    with pytest.raises(KilledError):
        train(recipe, [corpus], tmp_path, killed_after(3))
    train(recipe, [corpus], tmp_path, lambda _: None)
    assert equal(tmp_path, uninterrupted)


def test_a_checkpoint_of_another_recipe_is_ignored(
    recipe: TaggerRecipe, corpus: Corpus, uninterrupted: Path, tmp_path: Path
) -> None:
    with pytest.raises(KilledError):
        train(replace(recipe, learning_rate=2e-3), [corpus], tmp_path, killed_after(1))
    messages: list[str] = []
    train(recipe, [corpus], tmp_path, messages.append)
    assert messages[0].startswith("epoch 1 of 3 is done: loss ")
    assert equal(tmp_path, uninterrupted)


def test_seed_and_dropout_change_the_weights(
    recipe: TaggerRecipe, corpus: Corpus, uninterrupted: Path, tmp_path: Path
) -> None:
    train(replace(recipe, seed=2), [corpus], tmp_path / "seed", lambda _: None)
    train(replace(recipe, dropout=0.0), [corpus], tmp_path / "dropout", lambda _: None)
    train(replace(recipe, ema_decay=0.0), [corpus], tmp_path / "smooth", lambda _: None)
    assert not equal(tmp_path / "seed", uninterrupted)
    assert not equal(tmp_path / "dropout", uninterrupted)
    assert (tmp_path / "smooth" / "loss.tsv").read_bytes() == (uninterrupted / "loss.tsv").read_bytes()
    assert not equal(tmp_path / "smooth", uninterrupted)


def test_corpus_weights_set_how_often_an_epoch_reads_a_corpus(
    recipe: TaggerRecipe, corpus: Corpus, tiny_base: Path
) -> None:
    """Twice, and about half of it; the passages differ each time."""
    reader = WordTokenizer(read_tokenizer(tiny_base))
    examples = make_examples(corpus, make_heads([corpus], ()), (), reader, 510)

    def read(times: float, epoch: int = 0) -> Counter[int]:
        often = replace(recipe, corpus_weights=((corpus.name, times),))
        batches = plan_epoch(often, [corpus], [examples], epoch)
        return Counter(i for batch in batches for passage in batch for i in passage)

    assert read(1.0) == dict.fromkeys(range(len(examples)), 1)
    assert read(2.0) == dict.fromkeys(range(len(examples)), 2)
    assert set(read(0.5).values()) == {1}
    assert 0.45 < sum(len(read(0.5, epoch)) for epoch in range(50)) / len(examples) / 50 < 0.55
    assert set(read(1.5).values()) == {1, 2}


def test_a_head_gets_no_gradient_from_a_corpus_that_does_not_annotate_it(
    make_corpus: MakeCorpus, tiny_base: Path
) -> None:
    from transformers import RobertaConfig

    corpora = [make_corpus("drug", DRUG), make_corpus("species", SPECIES)]
    heads = make_heads(corpora, ())
    reader = WordTokenizer(read_tokenizer(tiny_base))
    recipe = TaggerRecipe("m", str(tiny_base), ("drug", "species"))
    config = RobertaConfig(
        vocab_size=2000, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8
    )
    network = MultiHeadNetwork(config, 3 * len(heads), chained=True)
    bias = network.heads.bias
    for corpus, learns in zip(corpora, ([True, True, False], [False, False, True]), strict=True):
        examples = make_examples(corpus, heads, (), reader, 510)
        batch = collate(examples, (2, 3, 0))
        network.zero_grad()
        _batch_loss(recipe, network, batch, len(heads), TrainingDevice(torch.device("cpu"), bf16=False)).backward()
        assert bias.grad is not None
        assert bias.grad.view(3, 3).any(dim=1).tolist() == learns


def test_the_learning_rate_rises_and_falls_to_0() -> None:
    rates = [learning_rate_factor(step, 100, 0.1) for step in range(100)]
    assert max(rates) == 1
    assert rates[:10] == sorted(rates[:10])
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert 0 < rates[-1] < 0.02


def small(folder: Path, encoder: "PreTrainedModel", tokenizer: Tokenizer) -> Path:
    from transformers.utils import logging

    logging.disable_progress_bar()
    encoder.save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def byte_level(corpus: Corpus) -> Tokenizer:
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = BpeTrainer(
        vocab_size=500, special_tokens=["<s>", "<pad>", "</s>"], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator([passage.text for passage in corpus.passages], trainer)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    return tokenizer


@pytest.mark.parametrize("family", ["roberta", "distilbert", "electra"])
def test_bases_of_the_bert_family(tiny_base: Path, corpus: Corpus, tmp_path: Path, family: str) -> None:
    from transformers import DistilBertConfig, DistilBertModel, ElectraConfig, ElectraModel, RobertaConfig, RobertaModel

    torch.manual_seed(0)
    tokenizer = byte_level(corpus) if family == "roberta" else read_tokenizer(tiny_base)
    size = tokenizer.get_vocab_size()
    encoder: PreTrainedModel
    if family == "roberta":
        encoder = RobertaModel(
            RobertaConfig(
                vocab_size=size, hidden_size=16, num_hidden_layers=1, num_attention_heads=1, intermediate_size=16,
                max_position_embeddings=514, pad_token_id=1,
            )
        )  # fmt: skip
    elif family == "distilbert":
        encoder = DistilBertModel(DistilBertConfig(vocab_size=size, dim=16, n_layers=1, n_heads=1, hidden_dim=16))
    else:
        encoder = ElectraModel(
            ElectraConfig(
                vocab_size=size, embedding_size=8, hidden_size=16, num_hidden_layers=1, num_attention_heads=1,
                intermediate_size=16,
            )
        )  # fmt: skip
    base = small(tmp_path / "base", encoder, tokenizer)
    few = replace(corpus, passages=corpus.passages[:20])
    recipe = TaggerRecipe("mine", str(base), ("few",), epochs=40, learning_rate=2e-2, batch_tokens=2000, dropout=0.1)
    train(recipe, [few], tmp_path / "mine", lambda _: None)
    assert not any("pooler" in name for name in weights(tmp_path / "mine"))
    tagger = load_model(str(tmp_path / "mine"), precision="float32")
    found = tagger.annotate([passage.text for passage in few.passages])
    gold = {(i, span) for i, passage in enumerate(few.passages) for span in passage.spans}
    right = {(i, e.start_char, e.end_char, e.entity_type) for i, entities in enumerate(found) for e in entities}
    assert len({(i, s.start_char, s.end_char, s.entity_type) for i, s in gold} & right) > len(gold) / 2


def test_a_litmine_model_as_a_base(tiny_model: Path, make_corpus: MakeCorpus, tmp_path: Path) -> None:
    corpus = make_corpus("species", *[SPECIES] * 4)
    recipe = TaggerRecipe("species", str(tiny_model), ("species",), epochs=1, learning_rate=1e-4)
    train(recipe, [corpus], tmp_path, lambda _: None)
    assert load_model(str(tmp_path)).entity_types == ["Species"]
    name = "encoder.embeddings.word_embeddings.weight"
    assert (weights(tmp_path)[name] - weights(tiny_model)[name]).abs().max() < 1e-2


def test_heads_of_the_base_are_copied(tiny_model: Path, sample_data: Path, tmp_path: Path) -> None:
    """With a learning rate of almost 0 the model finds the same entities as the base, in any order of its heads."""
    corpus = read_corpus(sample_data / "ner" / "BC5CDR" / "train.tsv", "BC5CDR")
    turned = [replace(corpus, entity_types=("Chemical",)), replace(corpus, name="other", entity_types=("Disease",))]
    recipe = TaggerRecipe(
        "again", str(tiny_model), ("BC5CDR", "other"), epochs=1, learning_rate=1e-12, weight_decay=0.0
    )
    train(recipe, turned, tmp_path, lambda _: None)
    texts = [passage.text for passage in corpus.passages]
    found, expected = load_model(str(tmp_path)).annotate(texts), load_model(str(tiny_model)).annotate(texts)
    assert [[entity.mention for entity in one] for one in found] == [
        [entity.mention for entity in one] for one in expected
    ]
    assert sum(map(len, expected)) > 20


def test_the_weights_are_interpolated_with_the_base(tiny_model: Path, sample_data: Path, tmp_path: Path) -> None:
    corpora = [read_corpus(sample_data / "ner" / name / "train.tsv", name) for name in ("NCBI-disease", "BC5CDR")]
    recipe = TaggerRecipe("more", str(tiny_model), ("NCBI-disease", "BC5CDR"), epochs=1, learning_rate=1e-3, dropout=0)
    for keep in (0.0, 0.25):
        train(replace(recipe, base_weight_share=keep), corpora, tmp_path / str(keep), lambda _: None)
    start, end, between = (weights(folder) for folder in (tiny_model, tmp_path / "0.0", tmp_path / "0.25"))
    for name, value in between.items():
        torch.testing.assert_close(value, 0.25 * start[name] + 0.75 * end[name], atol=1e-6, rtol=1e-5)
    assert any(not torch.equal(start[name], end[name]) for name in start)
    with pytest.raises(
        SettingError, match="--base-weight-share needs a base with all heads, and this base has no Species"
    ):
        train(
            replace(recipe, base_weight_share=0.5),
            [replace(corpora[0], entity_types=("Species",))],
            tmp_path / "no",
            print,
        )


def test_a_model_on_a_trunk_as_a_base(tiny_model: Path, sample_data: Path, tmp_path: Path) -> None:
    """Training from a trunk and its top gives the same bits as training from the whole model."""
    corpora = [read_corpus(sample_data / "ner" / "BC5CDR" / "train.tsv", "BC5CDR")]
    trunk, top = split_tagger(tiny_model, tmp_path / "parts")
    for name, base in (("whole", tiny_model), ("parted", top), ("trunk", trunk)):
        keep = 0.0 if base == trunk else 0.25
        recipe = TaggerRecipe("more", str(base), ("BC5CDR",), epochs=1, learning_rate=1e-3, base_weight_share=keep)
        train(recipe, corpora, tmp_path / name, lambda _: None)
    whole, parted, begun = (weights(tmp_path / name) for name in ("whole", "parted", "trunk"))
    assert whole.keys() == parted.keys()
    assert all(torch.equal(value, parted[name]) for name, value in whole.items())
    assert not [name for name in begun if ".layer.1." in name]
    texts = [passage.text for passage in corpora[0].passages]
    assert load_model(str(tmp_path / "parted")).annotate(texts) == load_model(str(tmp_path / "whole")).annotate(texts)


@pytest.mark.parametrize("what", ["nothing", "empty", "pickle", "damaged", "unknown"])
def test_an_invalid_base_is_refused_in_one_sentence(tiny_base: Path, corpus: Corpus, tmp_path: Path, what: str) -> None:
    base = tmp_path / "base"
    if what != "nothing":
        base.mkdir()
    if what in {"pickle", "damaged"}:
        for file in tiny_base.iterdir():
            (base / file.name).write_bytes(file.read_bytes())
    if what == "pickle":
        (base / "model.safetensors").unlink()
        torch.save({}, base / "pytorch_model.bin")
    if what == "damaged":
        (base / "tokenizer.json").write_text("{")
    ref = "unheard-of" if what == "unknown" else str(base)
    with pytest.raises(ModelError) as error:
        train(TaggerRecipe("mine", ref, ("few",)), [corpus], tmp_path / "mine", lambda _: None)
    assert "\n" not in str(error.value)
    assert ref in str(error.value)


def test_a_base_with_a_shorter_input_is_refused(tiny_base: Path, corpus: Corpus, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="reads at most 512 tokens at a time and the recipe needs 600"):
        train(
            TaggerRecipe("mine", str(tiny_base), ("few",), window=600, overlap=10), [corpus], tmp_path, lambda _: None
        )


def test_nothing_is_printed(
    recipe: TaggerRecipe, make_corpus: MakeCorpus, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    train(replace(recipe, epochs=1), [make_corpus("drug", DRUG)], tmp_path, lambda _: None)
    assert capfd.readouterr() == ("", "")


def test_epochs_differ_and_read_every_example_once(recipe: TaggerRecipe, corpus: Corpus) -> None:
    examples = [
        TaggerExample(np.zeros(length, dtype=np.int64), np.arange(length), np.zeros((length, 2), dtype=np.int64))
        for length in range(1, 60)
    ]
    whole = replace(corpus, continuous=False)
    plan = plan_epoch(recipe, [corpus, whole], [examples, examples], 0)
    assert sorted(i for batch in plan for passage in batch for i in passage) == list(range(118))
    assert all(len(passage) == 1 for batch in plan for passage in batch if passage[0] >= 59)
    assert any(len(passage) > 1 for batch in plan for passage in batch)
    assert plan == plan_epoch(recipe, [corpus, whole], [examples, examples], 0)
    assert plan != plan_epoch(recipe, [corpus, whole], [examples, examples], 1)


def test_kills_at_any_step_do_not_change_the_weights(
    recipe: TaggerRecipe, corpus: Corpus, uninterrupted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a checkpoint per step, and a kill in every fourth step."""
    clip, calls, kills = torch.nn.utils.clip_grad_norm_, [0], 0

    def killing(*arguments: Any) -> Any:
        calls[0] += 1
        if calls[0] % 4 == 0:
            raise KilledError
        return clip(*arguments)

    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", killing)
    while True:
        try:
            train(recipe, [corpus], tmp_path, lambda _: None, checkpoint_seconds=0)
            break
        except KilledError:
            kills += 1
    assert kills > 2
    assert equal(tmp_path, uninterrupted)


def test_a_loss_that_is_not_finite_stops_and_keeps_the_checkpoint(
    recipe: TaggerRecipe, corpus: Corpus, tmp_path: Path
) -> None:
    wild = replace(recipe, learning_rate=1e30, warmup=1, epochs=2)
    with pytest.raises(ModelError, match=r"is not finite at step .*; try a learning rate below 1e\+30") as error:
        train(wild, [corpus], tmp_path, lambda _: None, checkpoint_seconds=0)
    found = re.search(r"at step (\d+) .*the checkpoint of step (\d+) stays", str(error.value))
    assert found
    assert int(found[1]) == int(found[2]) + 1
    stored = load_file(tmp_path / "training.checkpoint")
    assert all(value.isfinite().all() for name, value in stored.items() if name.startswith("weight/"))
    assert len(stored["standing/losses"]) == int(found[2])


def test_a_damaged_checkpoint_is_refused(recipe: TaggerRecipe, corpus: Corpus, tmp_path: Path) -> None:
    (tmp_path / "training.checkpoint").write_bytes(b"no safetensors")
    with pytest.raises(ModelError, match=r"is damaged .* start again with --no-resume"):
        train(recipe, [corpus], tmp_path, lambda _: None)


def test_a_full_disk_keeps_the_last_checkpoint(
    small_disk: Any, recipe: TaggerRecipe, corpus: Corpus, uninterrupted: Path
) -> None:
    folder = small_disk.folder / "mine"
    with pytest.raises(KilledError):
        train(recipe, [corpus], folder, killed_after(1))
    good = (folder / "training.checkpoint").read_bytes()
    if not small_disk._mounted:
        pytest.skip("no small disk can be mounted here")
    small_disk.leave(100)
    with pytest.raises(
        ModelError, match=r"could not be written .* free some space and run the command again: finished"
    ):
        train(recipe, [corpus], folder, lambda _: None)
    assert {file.name for file in folder.iterdir()} == {"training.checkpoint"}
    assert (folder / "training.checkpoint").read_bytes() == good
    small_disk.grow()
    train(recipe, [corpus], folder, lambda _: None)
    assert equal(folder, uninterrupted)
