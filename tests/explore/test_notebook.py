"""Notebooks: the one in the documentation runs, and results become data frames where pandas or polars is installed."""

import json
from pathlib import Path
from typing import Any

import pytest

from litmine.errors import LakeError, SettingError
from litmine.lake.lake import Lake


def test_the_notebook_of_the_documentation_runs(
    checkout: Path, explored_lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(explored_lake.parent)
    names: dict[str, Any] = {}
    shown = []
    for cell in json.loads((checkout / "docs" / "notebook.ipynb").read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            *statements, last = "".join(cell["source"]).rsplit("\n", 1)
            exec("\n".join(statements), names)
            shown.append(eval(last, names))
    articles, top, article, text = shown
    assert articles.to_pylist() == [{"articles": 6}]
    assert top[0]["mention"] == "asthma"
    assert 'title="Disease · MESH:D001249 · 0.90"' in article._repr_html_()
    assert ">penicillin</mark>" in text._repr_html_()


def test_an_article_is_shown_with_overlapping_mentions_and_hostile_text(explored_lake: Path) -> None:
    lake = Lake(explored_lake)
    assert str(lake.show(3)).splitlines()[0] == "PMID 3"
    assert "border-bottom" in lake.show(3)._repr_html_()
    assert "<script>" not in lake.show(4)._repr_html_()
    with pytest.raises(LakeError, match="no article with PMID 99"):
        lake.show(99)


@pytest.mark.parametrize(("module", "method"), [("pandas", "df"), ("polars", "pl")])
def test_a_result_becomes_a_data_frame_or_says_what_to_install(explored_lake: Path, module: str, method: str) -> None:
    make = getattr(Lake(explored_lake), method)
    try:
        __import__(module)
    except ImportError:
        with pytest.raises(SettingError, match=f"{module} is not installed; run `pip install {module}`"):
            make("select 1")
        return
    frame = make("select pmid, title from articles order by pmid")
    assert list(frame.columns) == ["pmid", "title"]
    assert frame.shape == (6, 2)
