"""The queries of docs/adverse-events.md, over a lake of a few articles with a vocabulary."""

import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from litmine import Lake
from litmine.lake.vocabularies import save_vocabulary
from litmine.schema import arrow_schema
from litmine.types import Article
from tests.fixtures.written_relations import LINKER, Paper, Said, activate_models, add_papers

PAGE = Path(__file__).parents[2] / "docs" / "adverse-events.md"
MOXIFLOXACIN, OFLOXACIN, ASPIRIN = "MESH:D000077266", "MESH:D015242", "MESH:D001241"
LONG_QT, BLEEDING = "MESH:D008133", "MESH:D006470"
CONCEPTS = [
    (MOXIFLOXACIN, "Moxifloxacin", "Chemical", ["D03.633.100.810.835.322.327"]),
    (OFLOXACIN, "Ofloxacin", "Chemical", ["D03.633.100.810.835.322.500"]),
    (ASPIRIN, "Aspirin", "Chemical", ["D02.455.426.559.389.657.410.595.176"]),
    (LONG_QT, "Long QT Syndrome", "Disease", ["C14.280.067.565"]),
    (BLEEDING, "Hemorrhage", "Disease", ["C23.550.414"]),
]
WORDS: dict[str, tuple[str, str | None]] = {
    "moxifloxacin": ("Chemical", MOXIFLOXACIN),
    "ofloxacin": ("Chemical", OFLOXACIN),
    "quinolones": ("Chemical", f"{MOXIFLOXACIN}|{OFLOXACIN}"),
    "aspirin": ("Chemical", ASPIRIN),
    "LQTS": ("AdverseEffect", LONG_QT),
    "bleeding": ("Disease", BLEEDING),
}


def paper(pmid: int, title: str, *said: Said, **more: Any) -> Paper:
    return Paper(Article(pmid, title, **more), {word: WORDS[word] for word in title.split() if word in WORDS}, said)


def causes(drug: str, event: str, **more: Any) -> Said:
    return Said("adverse_effect", drug, event, **more)


@pytest.fixture
def answers(lake: Lake) -> list[list[dict[str, Any]]]:
    """The rows of each query of the page, in its order."""
    add_papers(
        lake,
        [
            paper(1, "LQTS by moxifloxacin", causes("moxifloxacin", "LQTS", score=0.7), year=2001),
            paper(2, "severe LQTS by moxifloxacin", causes("moxifloxacin", "LQTS", score=0.8), year=2001),
            paper(3, "LQTS by quinolones", causes("quinolones", "LQTS"), year=2005),
            paper(4, "no LQTS by moxifloxacin", causes("moxifloxacin", "LQTS", negated=True), year=2006),
            paper(5, "LQTS by ofloxacin", causes("ofloxacin", "LQTS"), year=2007, retracted=True),
            paper(6, "bleeding by aspirin", causes("aspirin", "bleeding"), year=2008),
            paper(7, "bleeding by moxifloxacin", causes("moxifloxacin", "bleeding", speculated=True), year=2009),
        ],
    )
    activate_models(lake)

    def concepts() -> list[pa.Table]:
        rows = [
            {"linker": LINKER, "identifier": identifier, "name": name, "entity_type": kind, "vocabulary": "MeSH"}
            | {"synonyms": [], "tree_numbers": tree_numbers}
            for identifier, name, kind, tree_numbers in CONCEPTS
        ]
        return [pa.Table.from_pylist(rows, schema=arrow_schema("vocabularies"))]

    save_vocabulary(lake.location, LINKER, "vocabulary@0123456789ab", concepts)
    queries = re.findall(r"^```sql\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [lake.sql(query).to_pylist() for query in queries]


def test_the_queries_of_the_page(answers: list[list[dict[str, Any]]]) -> None:
    diseases, published, long_qt, quinolones, moxifloxacin, retracted = answers
    assert [tuple(row.values()) for row in diseases] == [("aspirin", "bleeding", 6, "bleeding by aspirin")]
    assert published[0]["prr"] == 586
    assert [tuple(row.values()) for row in long_qt] == [
        ("Moxifloxacin", 2001, 2, "severe LQTS by moxifloxacin"),
        ("Moxifloxacin", 2005, 1, "LQTS by quinolones"),
        ("Ofloxacin", 2005, 1, "LQTS by quinolones"),
    ]
    assert [tuple(row.values())[:6] for row in quinolones] == [
        ("Moxifloxacin", "Long QT Syndrome", 3, 2, 0, 1),
        ("Ofloxacin", "Long QT Syndrome", 1, 0, 2, 3),
    ]
    assert [(row["event"], row["pmid"], row["negated"], row["speculated"]) for row in moxifloxacin] == [
        ("bleeding", 7, False, True),
        ("LQTS", 1, False, False),
        ("LQTS", 2, False, False),
        ("LQTS", 3, False, False),
        ("LQTS", 4, True, False),
    ]
    assert [(row["pmid"], row["sentence"]) for row in retracted] == [(5, "LQTS by ofloxacin")]
