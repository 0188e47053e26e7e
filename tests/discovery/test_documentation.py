"""docs/discovery.md: its columns, its query and its cases are those of the code."""

import re
from pathlib import Path

import pytest

from litmine import Lake
from litmine.discovery.case_files import read_cases
from litmine.discovery.discover import SCHEMA
from litmine.discovery.rules import DiscoveryRules

PAGE = (Path(__file__).parents[2] / "docs" / "discovery.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


def test_every_column_is_documented() -> None:
    section = PAGE.partition("\n## Columns\n")[2].partition("\n## ")[0]
    cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    assert sorted(re.findall(r"`(\w+)`", "".join(cells))) == sorted(SCHEMA.names)


def test_the_query_ranks_what_is_not_together(twenty: Lake) -> None:
    """a is with b, e, g, f and c; d, which no article has with a, is with b, e, g and c in 2, 1, 1 and 1 articles."""
    ((name, terms, weight),) = twenty.rows(block("sql").replace("MESH:D006973", "MESH:D0001"))
    assert (name, terms) == ("Delta salt", 4)
    assert weight == pytest.approx((2 + 1 + 1 + 1) / 4)


def test_the_cases_are_read(tmp_path: Path) -> None:
    file = tmp_path / "cases.jsonl"
    file.write_text(block("json"), encoding="utf-8")
    opened, closed = read_cases(file, DiscoveryRules())
    assert (opened.request.to, opened.expected) == (("Chemical",), (("simvastatin",),))
    assert (closed.name, closed.request.until, len(closed.expected)) == ("what links them", 2015, 2)
