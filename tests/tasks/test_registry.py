"""Loading and identifying models by reference; invalid ones are refused in one sentence."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from litmine.corpora.corpus import read_corpus
from litmine.errors import LitmineError, ModelError, SettingError
from litmine.nn.loading import read_tokenizer
from litmine.nn.references import folder_digest, hub_folder, locate, offline_models
from litmine.tasks.ner.settings import MENTION_RULES, NO_RULES, TaggerSettings
from litmine.tasks.registry import identify, load_model


@pytest.fixture
def copy(bert_classifier: Path, tmp_path: Path) -> Path:
    """A copy of a Hugging Face token classifier, to be damaged."""
    return Path(shutil.copytree(bert_classifier, tmp_path / "damaged"))


def refusal(ref: str | Path) -> str:
    """The error of a reference, the same when loading and when identifying it."""
    with pytest.raises(ModelError) as loading:
        load_model(str(ref))
    with pytest.raises(ModelError) as identifying:
        identify(str(ref))
    sentence = str(loading.value)
    assert sentence == str(identifying.value)
    assert "\n" not in sentence
    return sentence


def test_a_litmine_model_folder(tiny_model: Path) -> None:
    tagger = load_model(str(tiny_model))
    assert tagger.name == identify(str(tiny_model))
    assert tagger.name.startswith("tiny@")
    assert tagger.entity_types == ["Chemical", "Disease"]


def test_a_hugging_face_classifier_is_named_after_its_folder(bert_classifier: Path, roberta_classifier: Path) -> None:
    tagger = load_model(str(bert_classifier))
    assert tagger.name == identify(str(bert_classifier))
    assert tagger.name.startswith("bert-classifier@")
    assert (tagger.settings.window, tagger.settings.overlap) == (64, 16)
    assert tagger.entity_types == ["Chemical", "Disease"]
    assert load_model(str(roberta_classifier)).entity_types == ["Entity"]
    assert load_model(str(roberta_classifier)).settings.window == 64


@pytest.mark.parametrize("ref", ["nonsense", "", "./nowhere", "/nowhere/at/all", "a/b/c"])
def test_an_unknown_model_is_refused(ref: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LITMINE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models" / "org--name").mkdir(parents=True)
    (tmp_path / "models" / "org--name" / "config.json").touch()
    known = (
        "builtin, builtin-variants, builtin-adverse-effects, builtin-linker, builtin-relations, builtin-classifier,"
        " builtin-trials, builtin-reader, org/name"
    )
    assert f"no model {ref!r} here; give {known}, a model folder, or the id" in refusal(ref)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path).startswith(f"{tmp_path} does not hold a model that litmine can load: ")


def test_weights_that_are_pickles(copy: Path) -> None:
    (copy / "model.safetensors").unlink()
    torch.save({}, copy / "pytorch_model.bin")
    assert "it has no weights in safetensors, the only format litmine loads" in refusal(copy)


def test_numbered_labels_are_refused(copy: Path) -> None:
    config = json.loads((copy / "config.json").read_text())
    config |= {"id2label": {i: f"LABEL_{i}" for i in range(5)}, "label2id": {f"LABEL_{i}": i for i in range(5)}}
    (copy / "config.json").write_text(json.dumps(config))
    assert "its labels have numbers instead of names" in refusal(copy)


@pytest.mark.parametrize("file", ["config.json", "tokenizer.json", "model.safetensors"])
@pytest.mark.parametrize("content", [b"", b"{", b'{"a": [1]}', b"\xff\xfe\x00"])
def test_damaged_files(copy: Path, file: str, content: bytes) -> None:
    (copy / file).write_bytes(content)
    with pytest.raises(ModelError, match=r"does not hold a model that litmine can load: .") as error:
        load_model(str(copy))
    assert "\n" not in str(error.value)


def test_the_rules_for_mentions_are_part_of_the_identity(
    tiny_model: Path, bert_classifier: Path, tmp_path: Path
) -> None:
    trained = TaggerSettings.load(tiny_model)
    assert trained.rules == MENTION_RULES
    assert load_model(str(bert_classifier)).settings.rules == NO_RULES
    older = Path(shutil.copytree(tiny_model, tmp_path / "tiny"))
    replace(trained, rules=NO_RULES).save(older)
    # As written before the rules: without the setting, and with the digest of its parts then.
    assert "rules" not in json.loads((older / "litmine.json").read_text())
    labels = [[head.name, head.labels] for head in trained.heads]
    digest = folder_digest(older, [labels, trained.window, trained.overlap, trained.decoding])
    assert load_model(str(older)).name == identify(str(older)) == f"tiny@{digest}" != identify(str(tiny_model))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"window": None}, "is not a valid settings file"),
        ({"heads": [{"name": "Disease"}]}, "is not a valid settings file"),
        ({"heads": []}, "it has no default head"),
        ({"decoding": 99}, "needs decoding version 99"),
        ({"rules": 99}, "needs version 99 of the rules for mentions"),
        (
            {"decoding": 2, "heads": [{"name": "any", "labels": ["O", "X"], "corpora": []}]},
            "sets CRF decoding for heads without",
        ),
        ({"decoding": 1}, "does not hold a model"),
        ({"decoding": 3}, "does not hold a model"),
        ({"unheard": "of"}, "is not a valid settings file"),
    ],
)
def test_invalid_settings_are_refused(
    tiny_model: Path, tmp_path: Path, change: dict[str, object], sentence: str
) -> None:
    folder = Path(shutil.copytree(tiny_model, tmp_path / "damaged"))
    settings = json.loads((folder / "litmine.json").read_text()) | change
    (folder / "litmine.json").write_text(
        json.dumps({key: value for key, value in settings.items() if value is not None})
    )
    with pytest.raises(ModelError, match=sentence):
        load_model(str(folder))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"vocab_size": 3_000_000}, "sets vocab_size to 3,000,000, but its weights file is too small"),
        ({"max_position_embeddings": 10**8}, "sets max_position_embeddings to 100,000,000, but its weights"),
        ({"num_hidden_layers": 10**9}, "sets num_hidden_layers to 1,000,000,000, but its weights"),
        ({"_attn_implementation": "kernels-community/flash-attn"}, "asks for code from the Hugging Face Hub"),
    ],
)
def test_a_configuration_that_asks_for_more_than_its_weights(
    copy: Path, change: dict[str, object], sentence: str
) -> None:
    config = json.loads((copy / "config.json").read_text()) | change
    (copy / "config.json").write_text(json.dumps(config))
    assert sentence in refusal(copy)


def test_code_that_comes_with_a_model_is_not_run(copy: Path, tmp_path: Path) -> None:
    witness = tmp_path / "ran"
    (copy / "evil.py").write_text(f"open({str(witness)!r}, 'w')\nclass Config: pass\nclass Model: pass\n")
    config = json.loads((copy / "config.json").read_text())
    auto = {"AutoConfig": "evil.Config", "AutoModelForTokenClassification": "evil.Model"}
    (copy / "config.json").write_text(json.dumps(config | {"auto_map": auto, "model_type": "evil"}))
    refusal(copy)
    assert not witness.exists()


def test_truncation_and_padding_of_a_tokenizer_file_are_ignored(copy: Path, bert_classifier: Path) -> None:
    tokenizer = read_tokenizer(copy)
    tokenizer.enable_truncation(4)
    tokenizer.enable_padding(length=8)
    tokenizer.save(str(copy / "tokenizer.json"))
    text = "An allergy to penicillin can cause an anaphylactic reaction. " * 9
    assert load_model(str(copy)).annotate([text]) == load_model(str(bert_classifier)).annotate([text])


def test_a_tokenizer_with_two_tokens_before_a_text_is_refused(copy: Path) -> None:
    state = json.loads((copy / "tokenizer.json").read_text())
    state["post_processor"]["single"].insert(0, state["post_processor"]["single"][0])
    (copy / "tokenizer.json").write_text(json.dumps(state))
    with pytest.raises(ModelError, match="one token before and one after"):
        load_model(str(copy))


def test_invalid_options_are_refused(tiny_model: Path) -> None:
    def refused(**options: str) -> str:
        with pytest.raises(LitmineError) as error:
            load_model(str(tiny_model), **options)  # type: ignore[call-overload]
        return str(error.value)

    assert refused(heads=["Gene"]) == "tiny has no head 'Gene'; it has Disease, Chemical"  # type: ignore[arg-type]
    assert refused(precision="fp8") == "the precision must be auto, float32 or bf16, not 'fp8'"
    assert refused(device="tpu") == "the device must be auto, cpu or cuda, not 'tpu'"
    if not torch.cuda.is_available():
        assert "no GPU is available" in refused(device="cuda")


def test_an_invalid_precision_is_a_setting_error(tiny_model: Path) -> None:
    with pytest.raises(SettingError):
        load_model(str(tiny_model), precision="float16")


def test_other_heads_give_another_digest(tiny_model: Path, sample_data: Path) -> None:
    corpus = read_corpus(sample_data / "ner" / "BC5CDR" / "train.tsv", "BC5CDR")
    texts = [passage.text for passage in corpus.passages]
    both = load_model(str(tiny_model), precision="float32")
    one = load_model(str(tiny_model), precision="float32", heads=["Chemical"])
    assert one.entity_types == ["Chemical"]
    assert one.name != both.name
    chemicals = [[entity for entity in found if entity.entity_type == "Chemical"] for found in both.annotate(texts)]
    assert one.annotate(texts) == chemicals
    assert any(chemicals)


def test_downloaded_models_are_loaded_from_litmine_home(
    bert_classifier: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LITMINE_HOME", str(tmp_path))
    assert hub_folder("org/a--name") == tmp_path / "models" / "org--a--name"
    shutil.copytree(bert_classifier, hub_folder("org/a--name"))
    # An unfinished download does not count.
    shutil.copytree(bert_classifier, hub_folder("org/other").with_name(".org--other.tmp"))
    builtins = ["builtin", "builtin-variants", "builtin-adverse-effects", "builtin-linker", "builtin-relations"]
    assert offline_models() == [*builtins, "builtin-classifier", "builtin-trials", "builtin-reader", "org/a--name"]
    assert locate("org/a--name") == (hub_folder("org/a--name"), "a--name")
    assert load_model("org/a--name").name.startswith("a--name@")
    assert load_model("org/a--name").digest == load_model(str(bert_classifier)).digest


def test_nothing_is_printed(copy: Path, tiny_model: Path, capfd: pytest.CaptureFixture[str]) -> None:
    load_model(str(copy))
    load_model(str(tiny_model))
    assert capfd.readouterr() == ("", "")
