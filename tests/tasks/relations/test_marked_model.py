"""Classifiers of marked texts: training, folders, the same scores as transformers, and those from elsewhere."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer

from litmine.corpora.document_checks import CorpusReport
from litmine.corpora.documents import AnnotatedDocument, AnnotatedEntity, AnnotatedRelation
from litmine.corpora.relation_corpus import RelationCorpus
from litmine.corpora.relation_declarations import DECLARATIONS
from litmine.errors import CorpusError, LitmineError, ModelError
from litmine.nn.failure_isolation import FailedItem
from litmine.nn.loading import read_tokenizer
from litmine.tasks.relations.marked.examples import (
    MarkedExample,
    make_marked_examples,
    plan_marked_epoch,
    sampled_share,
)
from litmine.tasks.relations.marked.folder import load_folder
from litmine.tasks.relations.marked.input import PairReader, judged_pairs
from litmine.tasks.relations.marked.layers import MarkedTraining, train_layers
from litmine.tasks.relations.marked.scorer import MarkedScorer, TextPairs, best_relations, softmax
from litmine.tasks.relations.marked.settings import MarkedOptions, MarkedSettings, identify
from litmine.tasks.relations.marked.text import MASKS
from litmine.tasks.relations.marked.train import choose_threshold, make_marked, related_keys
from litmine.tasks.relations.metrics import MICRO, gold_keys, relation_scores
from litmine.tasks.relations.pairs import candidate_pairs, default_rule, sentence_spans
from litmine.tasks.relations.thresholds import THRESHOLDS

DRUGS, GENES = ("penicillin", "lithium", "aspirin"), ("insulin", "albumin", "kinase")


def document(number: int) -> AnnotatedDocument:
    """Two sentences, of which the first says that a drug inhibits a gene and the second that it does nothing to it."""
    drug, gene = DRUGS[number % 3], GENES[number // 3 % 3]
    text = f"In patients {drug} inhibits {gene} strongly. No effect of {drug} on {gene} was seen."
    spans = [(text.index(drug), "Chemical", drug), (text.index(gene), "Gene", gene)]
    second = text.index("No effect")
    spans += [(text.index(drug, second), "Chemical", drug), (text.index(gene, second), "Gene", gene)]
    entities = tuple(
        AnnotatedEntity(start, start + len(word), kind, (word,), f"T{i}")
        for i, (start, kind, word) in enumerate(spans, 1)
    )
    return AnnotatedDocument(str(number), text, entities, (AnnotatedRelation("inhibits", "T1", "T2"),))


def corpus(numbers: Sequence[int], name: str = "ChemProt") -> RelationCorpus:
    documents = tuple(document(number) for number in numbers)
    return RelationCorpus(name, Path(f"{name}.jsonl"), documents, DECLARATIONS.get(name), CorpusReport())


def training(base: Path, marking: Any = "masks", **options: Any) -> MarkedTraining:
    settings = MarkedOptions(marking=marking, window=32, base_learning_rate=3e-3, base_batch_tokens=200, **options)
    return MarkedTraining("tiny-relations", str(base), settings, epochs=40, dropout=0.0)


@pytest.fixture(scope="module", params=["masks", "markers"])
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, tiny_base: Path) -> Path:
    folder: Path = tmp_path_factory.mktemp("marked") / request.param
    scores = make_marked(
        training(tiny_base, request.param), [corpus(range(6))], [corpus(range(6, 9))], folder, lambda _: None
    )
    assert scores["ChemProt"].by_type[MICRO]["support"] == 3
    assert scores["ChemProt"].baseline == pytest.approx(200 * 3 / 9)
    return folder


def judged(numbers: Sequence[int]) -> list[TextPairs]:
    rule = default_rule(DECLARATIONS["ChemProt"])
    texts = []
    for one in map(document, numbers):
        sentences = sentence_spans(one)
        texts.append(TextPairs(one.text, candidate_pairs(one.entities, sentences, rule), sentences))
    return texts


def logits_of(model: MarkedScorer, texts: Sequence[TextPairs]) -> np.ndarray:
    return np.concatenate(model.label(model.read(texts)))


def transformers_logits(folder: Path, strings: Sequence[str], window: int) -> tuple[np.ndarray, list[list[int]]]:
    """Logits and token ids as transformers gives them, from the strings alone."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    network = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    ids = [tokenizer(one, truncation=True, max_length=window)["input_ids"] for one in strings]
    with torch.inference_mode():
        logits = [network(torch.tensor([one])).logits.numpy() for one in ids]
    return np.concatenate(logits), ids


def test_it_learns_and_transformers_gives_the_same_logits(trained: Path) -> None:
    model = load_folder(trained, "x", precision="float32")
    assert model.name == identify(trained, "x")
    assert model.name.startswith("tiny-relations@")
    found = related_keys(model, corpus(range(6)))
    assert {(one.document, one.arg1, one.arg2) for one in found} == {(str(i), "T1", "T2") for i in range(6)}
    texts = judged(range(9))
    read = [pair for one in model.read(texts) for pair in one]
    wanted, ids = transformers_logits(trained, [one.text for one in read], 32)
    assert ids == [one.ids.tolist() for one in read]
    np.testing.assert_allclose(logits_of(model, texts), wanted, atol=1e-4)
    config = json.loads((trained / "config.json").read_text())
    assert list(config["id2label"].values())[:3] == ["none", "activates", "inhibits"]
    assert "inhibits" in (trained / "README.md").read_text()
    assert not [*trained.glob("*.checkpoint")]


def test_scores_depend_neither_on_order_nor_on_batches(trained: Path) -> None:
    texts = judged(range(9))
    model = load_folder(trained, "x", precision="float32")
    probabilities = model.probabilities([*texts, TextPairs("No pairs.", (), [(0, 9)])])
    assert [len(one) for one in probabilities if not isinstance(one, FailedItem)] == [2] * 9 + [0]
    small = load_folder(trained, "x", precision="float32", batch_tokens=16).probabilities(texts[::-1])
    for one, other in zip(probabilities, small[::-1], strict=False):
        assert not isinstance(one, FailedItem)
        assert not isinstance(other, FailedItem)
        np.testing.assert_allclose(one, other, atol=1e-4)
        np.testing.assert_allclose(one.sum(1), 1, atol=1e-5)


def test_the_threshold_is_the_best_of_the_held_out_documents(trained: Path) -> None:
    model = load_folder(trained, "x", precision="float32")
    held_out = corpus(range(6))
    least = choose_threshold(model, [held_out])
    gold = gold_keys(held_out.documents, ())
    reached = {one: relation_scores(gold, related_keys(model, held_out, one))[MICRO]["f1"] for one in THRESHOLDS}
    assert reached[least] == max(reached.values()) == 100
    assert choose_threshold(model, [replace(held_out, documents=())]) == model.settings.least == 0.5


def test_labels_without_a_relation_never_win() -> None:
    scores = np.array([[0.8, 0.1, 0.1, 0.0], [0.1, 0.2, 0.3, 0.4]], dtype=np.float32)
    found = best_relations(scores, ("", "activates", "inhibits", ""))
    assert [(round(score, 2), name) for score, name in found] == [(0.1, "activates"), (0.3, "inhibits")]
    assert best_relations(scores[:0], ("", "activates", "inhibits", "")) == []


def test_bf16_gives_nearly_the_same(trained: Path) -> None:
    texts = judged(range(9))
    exact, rough = (load_folder(trained, "x", precision=one) for one in ("float32", "bf16"))
    assert rough.precision == "bf16"
    difference = softmax(logits_of(exact, texts)) - softmax(logits_of(rough, texts))
    assert np.abs(difference).max() < 0.1


def test_a_text_that_fails_costs_only_itself(trained: Path) -> None:
    texts = judged(range(3))
    model = load_folder(trained, "x", precision="float32")
    read = model.read(texts)
    read[1] = [replace(read[1][0], ids=np.array([10**6]))]
    first, second, third = model.label(read)
    assert isinstance(second, FailedItem)
    assert "not in the model's vocabulary" in second.why
    np.testing.assert_allclose(np.concatenate([first, third]), logits_of(model, [texts[0], texts[2]]), atol=1e-4)


def test_a_long_sentence_is_cut_to_the_window_as_transformers_reads_it(trained: Path) -> None:
    text = "and then " * 30 + "penicillin inhibits insulin " + "and then " * 30
    entities = [
        AnnotatedEntity(text.index(word), text.index(word) + len(word), kind)
        for word, kind in (("penicillin", "Chemical"), ("insulin", "Gene"))
    ]
    sentences = [(0, len(text))]
    pairs = candidate_pairs(entities, sentences, default_rule(DECLARATIONS["ChemProt"]))
    model = load_folder(trained, "x", precision="float32")
    (read,) = model.read([TextPairs(text, pairs, sentences)])
    assert 24 <= len(read[0].ids) <= 32
    wanted, ids = transformers_logits(trained, [read[0].text], 32)
    assert ids == [read[0].ids.tolist()]
    assert " inhibits " in read[0].text
    np.testing.assert_allclose(logits_of(model, [TextPairs(text, pairs, sentences)]), wanted, atol=1e-4)


def foreign(trained: Path, folder: Path) -> Path:
    """The same classifier as if litmine had not trained it."""
    shutil.copytree(trained, folder)
    (folder / "litmine.json").unlink()
    return folder


def declared(trained: Path, **changes: Any) -> str:
    settings = MarkedSettings.load(trained, "x").as_json() | changes
    return json.dumps({key: value for key, value in settings.items() if value != "left out"})


def test_a_classifier_from_elsewhere_needs_a_declaration(trained: Path, tmp_path: Path) -> None:
    folder = foreign(trained, tmp_path / "foreign")
    for read in (identify, load_folder):
        with pytest.raises(ModelError, match=r"to find relations with it, add relations\.json") as error:
            read(folder, "foreign")
        assert "\n" not in str(error.value)
    (folder / "relations.json").write_text(declared(trained))
    model = load_folder(folder, "foreign", precision="float32")
    assert model.name == identify(folder, "foreign")
    assert model.name.startswith("foreign@")
    own = load_folder(trained, "x", precision="float32")
    np.testing.assert_array_equal(logits_of(model, judged(range(3))), logits_of(own, judged(range(3))))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"labels": {"none": "", "inhibits": "inhibits"}}, "declare these, in this order"),
        ({"labels": {"yes": "inhibits"}}, 'at least one of them ""'),
        ({"labels": ["none"]}, "is not valid"),
        ({"pairs": []}, "must name the entity types"),
        ({"pairs": [["Chemical"]]}, "is not valid"),
        ({"subject": "left out"}, "it lacks 'subject'"),
        ({"subject": "{mention}", "object": "{mention}"}, "marks no mention"),
        ({"window": 4}, "window must be 16 or more"),
        ({"window": "wide"}, "window must be a number"),
        ({"unheard": 1}, "'unheard' is not a setting"),
    ],
)
def test_invalid_declarations_are_refused(
    trained: Path, tmp_path: Path, changes: dict[str, Any], sentence: str
) -> None:
    folder = foreign(trained, tmp_path / "foreign")
    (folder / "relations.json").write_text(declared(trained, **changes))
    with pytest.raises(ModelError, match=sentence) as error:
        load_folder(folder, "foreign")
    assert "\n" not in str(error.value)


def test_the_digest_covers_what_decides_the_relations(trained: Path, tmp_path: Path) -> None:
    settings = MarkedSettings.load(trained, "x")
    copy = Path(shutil.copytree(trained, tmp_path / "copy"))
    names = {identify(trained, "x")}
    for change in (
        {"name": "tiny-relations"},
        {"least": 0.4},
        {"nearest": 7},
        {"max_characters": 90},
        {"marking": MASKS},
    ):
        replace(settings, **change).save(copy)
        names.add(identify(copy, "x"))
    unchanged = 2 if settings.marking == MASKS else 1
    assert len(names) == 6 - unchanged


def test_another_architecture_gives_the_logits_of_transformers(tmp_path: Path, byte_level: Tokenizer) -> None:
    from transformers import PreTrainedTokenizerFast, RobertaConfig, RobertaForSequenceClassification

    from tests.fixtures.models import SMALL, label_config

    torch.manual_seed(2)
    config = RobertaConfig(
        vocab_size=byte_level.get_vocab_size(), max_position_embeddings=66, pad_token_id=1, **SMALL,
        **label_config(["0", "1"]),
    )  # fmt: skip
    RobertaForSequenceClassification(config).save_pretrained(tmp_path)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=byte_level, model_max_length=64, pad_token="<pad>", cls_token="<s>", sep_token="</s>"
    )
    fast.save_pretrained(tmp_path)
    declaration = {
        "labels": {"0": "", "1": "inhibits"}, "pairs": [["Chemical", "Gene"]],
        "subject": "@{type}$", "object": "@{type}$",
    }  # fmt: skip
    (tmp_path / "relations.json").write_text(json.dumps(declaration))
    model = load_folder(tmp_path, "roberta", precision="float32")
    texts = judged(range(3))
    read = [pair for one in model.read(texts) for pair in one]
    wanted, ids = transformers_logits(tmp_path, [one.text for one in read], 64)
    assert ids == [one.ids.tolist() for one in read]
    np.testing.assert_allclose(logits_of(model, texts), wanted, atol=1e-4)


def test_an_interrupted_training_ends_with_the_same_weights(tiny_base: Path, tmp_path: Path) -> None:
    class StopError(Exception):
        pass

    def stop(message: str) -> None:
        if message.startswith("epoch 2 "):
            raise StopError

    short = replace(training(tiny_base), epochs=3, dropout=0.1)
    whole = train_layers(short, [corpus(range(6))], tmp_path / "whole", lambda _: None)
    with pytest.raises(StopError):
        train_layers(short, [corpus(range(6))], tmp_path / "killed", stop)
    resumed = train_layers(short, [corpus(range(6))], tmp_path / "killed", lambda _: None)
    assert resumed.steps == whole.steps
    for one, other in zip(whole.network.parameters(), resumed.network.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


@pytest.mark.parametrize("problem", ["no relation", "no declaration", "no BERT"])
def test_trainings_that_cannot_work_are_refused(
    tiny_base: Path, roberta_classifier: Path, tmp_path: Path, problem: str
) -> None:
    data, base, sentence = corpus(range(3)), tiny_base, "no pair of the corpora is related"
    if problem == "no declaration":
        data, sentence = corpus(range(3), "mine"), "does not know what mine.jsonl annotates"
    elif problem == "no BERT":
        base, sentence = roberta_classifier, "relations need a BERT to train all layers"
    else:
        data = replace(data, documents=tuple(replace(one, relations=()) for one in data.documents))
    with pytest.raises((CorpusError, ModelError), match=sentence) as error:
        train_layers(training(base), [data], tmp_path / "out", lambda _: None)
    assert isinstance(error.value, LitmineError)


def test_pairs_of_identifiers_are_judged_by_their_nearest_mentions(tiny_base: Path) -> None:
    one = document(0)
    one = replace(
        one, entities=tuple(replace(e, entity_type=e.entity_type.replace("Gene", "Disease")) for e in one.entities)
    )
    one = replace(one, relations=(AnnotatedRelation("induces", "penicillin", "insulin", True),))
    declaration = DECLARATIONS["BC5CDR"]
    pairs = candidate_pairs(one.entities, sentence_spans(one), default_rule(declaration))
    assert len(pairs) == 4
    assert [(p.subject.entity_id, p.object.entity_id) for p in judged_pairs(pairs, 2)] == [("T1", "T2"), ("T3", "T4")]
    assert judged_pairs(pairs, 0) == pairs
    reader = PairReader(read_tokenizer(tiny_base), MASKS, 64)
    cdr = RelationCorpus("BC5CDR", Path("x"), (one,), declaration, CorpusReport())
    (example,) = make_marked_examples(cdr, ["none", "induces"], 3, reader)
    assert (len(example.ids), example.label) == (3, 1)


def test_an_epoch_reads_all_related_pairs_and_a_share_of_the_others() -> None:
    examples = [MarkedExample((np.arange(10 + i % 7),), int(i % 10 == 0)) for i in range(400)]
    assert sampled_share(examples, 2) == pytest.approx(2 * 40 / 360)
    assert sampled_share(examples, 0) == sampled_share(examples, 100) == 1
    first, second = (plan_marked_epoch(examples, 0.25, 200, 1, epoch) for epoch in (0, 1))
    read = [i for batch in first for i in batch]
    assert len(read) == len(set(read))
    assert {i for i in read if examples[i].label} == {i for i, one in enumerate(examples) if one.label}
    assert 40 + 50 < len(read) < 40 + 130
    assert sorted(read) != sorted(i for batch in second for i in batch)
    assert first == plan_marked_epoch(examples, 0.25, 200, 1, 0)
