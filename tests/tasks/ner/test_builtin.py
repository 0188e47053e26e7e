"""The built-in tagger finds the expected entities, in float32 and bf16, in texts of any length."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from litmine.corpora.corpus import read_corpus
from litmine.errors import ModelError
from litmine.nn.references import BUILTIN_TRUNK, builtin_folder, offline_models
from litmine.specs import BUILTIN
from litmine.tasks.ner.mention_rules import apply_rules
from litmine.tasks.ner.settings import TYPE_RULES
from litmine.tasks.ner.tagger import Tagger
from litmine.tasks.registry import identify, load_model, trunk_digest_of
from litmine.training.base import read_base
from litmine.types import Entity

SENTENCE = "An allergy to penicillin can cause an anaphylactic reaction."

# Minimum agreement in percent. The requirement for bf16 is 99.5 on thousands of entities; these are a few hundred. In a
# long text a mention has other neighbours than in its part, so the agreement is not exact. Positions without
# training (a window of 512 after passages of 256) cost 8 points here.
BF16_AGREES = 98.5
JOINED_AGREES = 80.0


@pytest.fixture(scope="module")
def builtin() -> Tagger:
    return load_model(BUILTIN, precision="float32")


@pytest.fixture(scope="module")
def abstracts(sample_data: Path) -> list[str]:
    return [
        passage.text
        for split in ("train", "dev")
        for passage in read_corpus(
            sample_data / "documents" / f"NCBI-disease_{split}.pubtator", "NCBI-disease"
        ).passages
    ]


@pytest.fixture(scope="module")
def found(builtin: Tagger, abstracts: list[str]) -> list[list[Entity]]:
    """The entities of each abstract, tagged separately."""
    return builtin.annotate(abstracts)


def agreement(left: Sequence[Sequence[Entity]], right: Sequence[Sequence[Entity]]) -> float:
    """F1 of one result against the other, in percent."""
    both = sum(len(set(a) & set(b)) for a, b in zip(left, right, strict=True))
    return 200 * both / (sum(map(len, left)) + sum(map(len, right)))


def shifted(entities: Sequence[Entity], by: int) -> list[Entity]:
    return [
        Entity(entity.mention, entity.entity_type, entity.start_char + by, entity.end_char + by, entity.score)
        for entity in entities
    ]


def test_allergy_penicillin_and_reaction(builtin: Tagger) -> None:
    (entities,) = builtin.annotate([SENTENCE])
    found = [(entity.mention, entity.entity_type) for entity in entities]
    assert found[:2] == [("allergy", "Disease"), ("penicillin", "Chemical")]
    assert found[2:] in ([("anaphylactic", "Disease")], [("anaphylactic reaction", "Disease")])
    assert all(entity.score > 0.5 for entity in entities)
    with pytest.raises(TypeError, match="annotate takes a list of texts, and got a single text"):
        builtin.annotate(SENTENCE)


def test_the_rules_correct_its_mentions(builtin: Tagger) -> None:
    assert builtin.settings.rules == TYPE_RULES
    text = "We gave N-(4-hydroxyphenyl)retinamide (4-HPR); its K(d) was 89 nM."
    (entities,) = builtin.annotate([text])
    chemicals = {one.mention for one in entities if one.entity_type == "Chemical"}
    assert chemicals == {"N-(4-hydroxyphenyl)retinamide", "4-HPR"}
    assert entities == apply_rules(text, entities)


def test_every_sample_abstract_has_entities(found: list[list[Entity]]) -> None:
    assert all(len(entities) > 2 for entities in found)


def test_bf16_agrees_with_float32(builtin: Tagger, abstracts: list[str], found: list[list[Entity]]) -> None:
    rounded = load_model(BUILTIN, precision="bf16")
    assert rounded.name == builtin.name
    # A processor without bf16 arithmetic takes seconds per abstract.
    assert agreement(rounded.annotate(abstracts[:6]), found[:6]) >= BF16_AGREES


def test_a_text_of_thousands_of_tokens_has_the_entities_of_its_parts(
    builtin: Tagger, abstracts: list[str], found: list[list[Entity]]
) -> None:
    joined, pieces = " ".join(abstracts), list[Entity]()
    at = 0
    for text, entities in zip(abstracts, found, strict=True):
        pieces += shifted(entities, at)
        at += len(text) + 1
    (words,) = builtin.read([joined])
    assert len(words.ids) > 3_000
    assert len(pieces) > 50
    assert agreement([pieces], builtin.annotate([joined])) >= JOINED_AGREES


def test_the_model_is_small_and_describes_itself(builtin: Tagger) -> None:
    folders = builtin_folder(BUILTIN), builtin_folder(BUILTIN_TRUNK)
    own, both = sum(sizes(folders[0])), sum(sum(sizes(folder)) for folder in folders)
    assert own < 6_000_000
    assert both < 20_000_000
    assert builtin.name == identify(BUILTIN)
    assert builtin.trunk.digest == trunk_digest_of(BUILTIN)
    assert {"Disease", "Chemical", "Gene", "Species"} <= set(builtin.entity_types)
    types = [head.labels[1].removeprefix("B-") for head in builtin.settings.heads if head.default]
    assert {"Gene", "CellLine", "Anatomy"} < set(types)
    assert len(types) == len(set(types)), "two default heads of one type"


def sizes(folder: Path) -> list[int]:
    return [file.stat().st_size for file in folder.iterdir()]


def test_the_card_of_the_trunk_matches_its_weights(builtin: Tagger) -> None:
    card = (builtin_folder(BUILTIN_TRUNK) / "README.md").read_text(encoding="utf-8")
    assert f"`{BUILTIN_TRUNK}@{builtin.trunk.digest}`" in card
    own = (builtin_folder(BUILTIN) / "README.md").read_text(encoding="utf-8")
    start = "## Data and its terms"
    # The tagger's own layers learnt from the trunk's data, and from more.
    rows = [line for line in card[card.index(start) :].splitlines() if line.startswith("|")]
    assert len(rows) > 9
    assert {*rows} < {*own[own.index(start) : own.index("## Scores")].splitlines()}


def test_the_trunk_is_a_base_but_not_a_model() -> None:
    with pytest.raises(ModelError, match=r"holds a trunk \(the layers that several models share\), not a model"):
        load_model(BUILTIN_TRUNK)
    assert BUILTIN_TRUNK not in offline_models()
    whole, lower = (read_base(ref, 256).encoder.state_dict() for ref in (BUILTIN, BUILTIN_TRUNK))
    assert len(lower) < len(whole)
    assert all(torch.equal(value, whole[name]) for name, value in lower.items())


def test_the_card_matches_the_weights(builtin: Tagger) -> None:
    folder = builtin_folder(BUILTIN)
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert builtin.name in card
    scores = json.loads((folder / "scores.json").read_text(encoding="utf-8"))
    assert all(f"| {corpus} |" in card for corpus in scores)
    assert "/" not in (folder / "recipe.json").read_text(encoding="utf-8"), "the recipe has local paths"
