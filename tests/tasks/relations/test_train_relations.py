"""Training a relation model: what is learnt and what is not, what is written, and what is refused."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from litmine.corpora.documents import AnnotatedDocument, AnnotatedEntity
from litmine.corpora.held_out import held_out
from litmine.corpora.relation_corpus import read_relation_corpus
from litmine.errors import DONE, FAILED, CorpusError, ModelError, SettingError
from litmine.specs import spec_by_name
from litmine.tasks.registry import identify
from litmine.tasks.relations.found_mentions import extend_document
from litmine.tasks.relations.heads import make_heads
from litmine.tasks.relations.make import make_top
from litmine.tasks.relations.prepare import chooses_threshold, read_corpora
from litmine.tasks.relations.recipe import RelationData, RelationRecipe
from litmine.tasks.relations.settings import RelationSettings
from litmine.training.recipe import make_recipe, read_recipe
from litmine.types import Entity

Run = Callable[..., CompletedProcess[str]]


def quiet(_message: str) -> None:
    pass


def test_the_folder_has_model_scores_recipe_and_card(tiny_relations: Path) -> None:
    settings = RelationSettings.load(tiny_relations)
    assert [one.name for one in settings.heads] == ["train"]
    assert settings.heads[0].relations[0].pairs == (("Chemical", "Disease"),)
    scores = json.loads((tiny_relations / "scores.json").read_text(encoding="utf-8"))
    micro = scores["dev"]["micro"]
    assert micro["support"] > 0
    assert micro["interval"][0] <= micro["f1"] <= micro["interval"][1]
    card = (tiny_relations / "README.md").read_text(encoding="utf-8")
    assert identify(str(tiny_relations)) in card
    assert "| train |" in card
    assert not list(tiny_relations.glob("training.*"))
    recipe = json.loads((tiny_relations / "recipe.json").read_text(encoding="utf-8"))
    assert recipe["corpora"][0]["data"] == ["train.jsonl"]


def test_dev_and_the_tenth_that_chooses_thresholds_are_not_learnt(tiny_recipe: RelationRecipe) -> None:
    corpora = read_corpora(tiny_recipe, quiet)
    (divided,) = corpora.train
    learnt = {one.identifier for one in divided.train}
    assert not any(map(chooses_threshold, learnt))
    assert all(chooses_threshold(one.identifier) for one in divided.thresholds)
    whole = replace(tiny_recipe, corpora=(RelationData(tiny_recipe.dev),))
    with pytest.raises(CorpusError, match="every document"):
        read_corpora(whole, quiet)


def test_a_held_out_tenth_is_scored_and_not_learnt(tiny_recipe: RelationRecipe) -> None:
    data = RelationData(tiny_recipe.corpora[0].data, held_out=True)
    corpora = read_corpora(replace(tiny_recipe, corpora=(data,), dev=()), quiet)
    assert all(held_out(one.identifier) for one in corpora.dev[0].documents)
    assert not any(held_out(one.identifier) for one in (*corpora.train[0].train, *corpora.train[0].thresholds))


def test_the_tenth_that_is_held_out_is_fixed() -> None:
    assert [number for number in range(60) if held_out(str(number))] == [1, 44, 47, 55, 57]


def test_the_builtin_recipe_is_valid() -> None:
    spec = spec_by_name("relations")
    recipe = make_recipe(spec, read_recipe(spec, "builtin"))
    assert {one.partition("=")[0] for data in recipe.corpora for one in data.data} >= {"ChemProt", "BC5CDR", "ADE"}
    assert not any("DDI" in one for data in recipe.corpora for one in data.data)


def test_corpora_of_one_guideline_share_a_head(made_documents: tuple[Path, Path]) -> None:
    corpus = read_relation_corpus(made_documents[0])
    heads = make_heads([replace(corpus, name=name) for name in ("PHEE", "GAD", "ADE", "mine")])
    assert [(one.name, one.corpora, one.default) for one in heads] == [
        ("gene-disease", ("GAD",), False),
        ("adverse-effects", ("PHEE", "ADE"), True),
        ("mine", ("mine",), True),
    ]
    (alone,) = make_heads([replace(corpus, name="GAD")])
    assert alone.default


def entity(start: int, end: int, kind: str) -> AnnotatedEntity:
    return AnnotatedEntity(start, end, kind, (), f"{kind}{start}")


def test_found_mentions_make_pairs_where_a_corpus_marks_only_events() -> None:
    text = "Aspirin for fever caused a rash in BRCA1 carriers."
    found = [Entity("Aspirin", "Chemical", 0, 7, 0.9), Entity("fever", "Disease", 12, 17, 0.9),
             Entity("BRCA1", "Gene", 35, 40, 0.9)]  # fmt: skip
    own = (entity(0, 7, "Chemical"), entity(27, 31, "AdverseEffect"))
    document = AnnotatedDocument("1", text, own)
    events = extend_document(document, found, {"Chemical", "AdverseEffect", "Dose"})
    assert [(one.start, one.entity_type) for one in events.document.entities] == [
        (0, "Chemical"), (12, "AdverseEffect"), (27, "AdverseEffect"),
    ]  # fmt: skip
    assert [one.entity_type for one in events.further] == ["Gene"]
    both = extend_document(document, found, {"Chemical", "AdverseEffect", "Disease"})
    assert {(one.start, one.entity_type) for one in both.document.entities} == {
        (0, "Chemical"), (27, "AdverseEffect"), (27, "Disease"),
    }  # fmt: skip
    other = extend_document(replace(document, entities=own[:1]), found, {"Chemical"})
    assert other.document.entities == own[:1]
    assert [one.entity_type for one in other.further] == ["Disease", "Gene"]


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"corpora": (RelationData(("missing.jsonl",)),)}, CorpusError, "does not exist"),
        ({"after": 4}, ModelError, "no trunk with 4 layers"),
        ({"layers": 3}, ModelError, "no 3 layers after"),
    ],
)
def test_recipes_that_do_not_fit_are_refused(
    tiny_recipe: RelationRecipe, tmp_path: Path, change: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        make_top(replace(tiny_recipe, **change), tmp_path, quiet)


def test_settings_out_of_range_are_refused(tiny_recipe: RelationRecipe) -> None:
    with pytest.raises(SettingError, match="multiple of 6"):
        replace(tiny_recipe, inner=13)
    with pytest.raises(SettingError, match="--data"):
        replace(tiny_recipe, corpora=(RelationData(()),))


@pytest.fixture
def evaluate(run: Run, tiny_relations: Path) -> Run:
    def run_evaluate(*more: object) -> CompletedProcess[str]:
        return run("evaluate", "relations", "--model", tiny_relations, "--precision", "float32", *more)

    return run_evaluate


def scores_of(ran: CompletedProcess[str]) -> Any:
    assert ran.returncode == DONE, ran.stderr
    return json.loads(ran.stdout)


def test_evaluation_equals_the_scores_of_the_training(
    evaluate: Run, tiny_relations: Path, made_documents: tuple[Path, Path]
) -> None:
    record = scores_of(evaluate("--data", made_documents[1], "--format", "json", "--intervals"))
    scored = json.loads((tiny_relations / "scores.json").read_text(encoding="utf-8"))["dev"]
    assert record["micro"]["f1"] == pytest.approx(scored["micro"]["f1"])
    assert record["micro"]["support"] == scored["micro"]["support"]
    assert record["induces"].keys() == {"precision", "recall", "f1", "support", "interval", "baseline"}
    table = evaluate("--data", made_documents[1]).stdout
    assert "baseline" in table
    assert "micro" in table


def test_evaluation_of_identifiers_joins_the_mentions(
    evaluate: Run, made_documents: tuple[Path, Path], tmp_path: Path
) -> None:
    file = tmp_path / "identifiers.jsonl"
    lines = []
    for line in made_documents[1].read_text(encoding="utf-8").splitlines():
        document = json.loads(line)
        names = {one["id"]: one["identifier"] for one in document["entities"]}
        for one in document["relations"]:
            one |= {"arg1": names[one["arg1"]], "arg2": names[one["arg2"]]}
        lines.append(json.dumps(document) + "\n")
    file.write_text("".join(lines), encoding="utf-8")
    by_identifier = scores_of(evaluate("--data", file, "--format", "json"))["micro"]
    by_mention = scores_of(evaluate("--data", made_documents[1], "--format", "json"))["micro"]
    assert by_identifier["support"] == by_mention["support"]
    assert by_identifier["recall"] >= by_mention["recall"]


def test_evaluation_from_raw_text_needs_exact_mentions(
    evaluate: Run, tiny_model: Path, made_documents: tuple[Path, Path]
) -> None:
    gold = scores_of(evaluate("--data", made_documents[1], "--format", "json"))["micro"]
    found = ["--data", made_documents[1], "--end-to-end", "--tagger", tiny_model, "--format", "json"]
    record = scores_of(evaluate(*found))["micro"]
    assert record["support"] == gold["support"]
    assert record["recall"] <= gold["recall"]


def test_files_with_names_of_a_known_corpus_are_recognized(
    evaluate: Run, made_documents: tuple[Path, Path], tmp_path: Path
) -> None:
    file = tmp_path / "cid.jsonl"
    file.write_text(made_documents[1].read_text(encoding="utf-8").replace('"induces"', '"CID"'), encoding="utf-8")
    assert scores_of(evaluate("--data", file, "--format", "json")).keys() == {"induces", "micro"}


def test_a_file_without_relations_cannot_be_judged(evaluate: Run, tmp_path: Path) -> None:
    file = tmp_path / "none.jsonl"
    file.write_text('{"id": "1", "text": "Nothing.", "entities": []}\n', encoding="utf-8")
    ran = evaluate("--data", file)
    assert ran.returncode == FAILED
    assert "no relations to judge" in ran.stderr


def test_the_command_trains_a_model_that_is_evaluated(
    run: Run, made_documents: tuple[Path, Path], tiny_model: Path, tiny_trunk: Path, tmp_path: Path
) -> None:
    train, dev = made_documents
    out = tmp_path / "mine"
    ran = run(
        "train", "relations", "--data", train, "--dev", dev, "--trunk", tiny_trunk, "--after", 1, "--first-layers",
        tiny_model, "--tagger", tiny_model, "--inner", 12, "--epochs", 1, "--batch-tokens", 200, "-o", out,
    )  # fmt: skip
    assert (ran.returncode, ran.stdout) == (DONE, ""), ran.stderr
    assert scores_of(run("evaluate", "relations", "--model", out, "--data", dev, "--format", "json"))["micro"]
