"""`features`: which names become candidates of a mention."""

from collections.abc import Iterable

import pytest

from litmine.tasks.linking.features import FEATURES, NameQuery, find_candidates
from litmine.tasks.linking.learned_names import LearnedMention, LearnedNames
from litmine.tasks.linking.name_table import NameTable, TableName

DISEASES = ("breast cancer", "breast cancer, male", "familial breast cancer", "asthma")
CHEMICALS = ("chloroform", "chloroformate", "deuterochloroform", "ethanol")
CELL_LINES = ("HeLa", "HeLa S3", "HeLa Kyoto", "MCF-7")
TABLE = NameTable(
    TableName(f"{kind}:{number}", name, kind, preferred=True)
    for kind, names in (("Disease", DISEASES), ("Chemical", CHEMICALS), ("CellLine", CELL_LINES))
    for number, name in enumerate(names)
)


def candidates(name: str, entity_type: str, learned: Iterable[LearnedMention] = ()) -> set[str]:
    found = find_candidates(NameQuery(name, entity_type), TABLE, LearnedNames.of(learned), {})
    assert found.features.shape == (len(found.identifiers), len(FEATURES))
    return set(found.identifiers)


@pytest.mark.parametrize(
    ("name", "entity_type"), [("Chloroform", "Chemical"), ("hela", "CellLine"), ("He-La", "CellLine")]
)
def test_a_name_of_the_vocabulary_is_its_only_candidate(name: str, entity_type: str) -> None:
    assert candidates(name, entity_type) == {f"{entity_type}:0"}


def test_forms_of_a_disease_are_candidates_beside_it() -> None:
    assert candidates("breast cancers", "Disease") >= {"Disease:0", "Disease:1", "Disease:2"}


def test_other_names_have_near_ones_as_candidates() -> None:
    assert candidates("chloroforms x", "Chemical") == {"Chemical:0", "Chemical:1", "Chemical:2"}


def test_what_documents_taught_is_a_candidate_of_a_certain_name() -> None:
    taught = LearnedMention("1", "Chemical", "chloroform", "Chemical:3")
    assert candidates("chloroform", "Chemical", [taught]) == {"Chemical:0", "Chemical:3"}
