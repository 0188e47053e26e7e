"""The queries of docs/relations.md give what they say."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

from litmine import Lake
from litmine.errors import DONE
from litmine.pipeline.import_files import import_files
from litmine.tasks.relations.cooccurrence import CooccurrenceSettings, save_cooccurrence
from litmine.tasks.relations.model import identify
from tests.tasks.relations.conftest import RelatedLake

Run = Callable[..., CompletedProcess[str]]
GEFITINIB = "Gefitinib inhibits EGFR in breast and ovarian cancer."


def test_the_queries_of_the_page(
    run: Run, copy_related: Callable[[], RelatedLake], checkout: Path, tmp_path: Path
) -> None:
    page = (checkout / "docs" / "relations.md").read_text(encoding="utf-8")
    inhibitors, unrelated, retracted = re.findall(r"^```sql\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    made = copy_related()
    more = [
        {"pmid": 5, "title": "Gefitinib inhibits EGFR.", "year": 2004},
        {"pmid": 6, "title": "APAP inhibits EGFR. APAP and p53.", "year": 2005, "retracted": True},
    ]
    (tmp_path / "more.jsonl").write_text("\n".join(map(json.dumps, more)))
    import_files(made.lake, [tmp_path / "more.jsonl"])
    assert run("annotate", "--lake", made.lake, "--model", made.model).returncode == DONE
    lake = Lake(made.lake)
    ((name, papers, year, example),) = lake.rows(inhibitors)
    assert (str(name).lower(), papers, year) == ("gefitinib", 2, 2004)
    assert example in (GEFITINIB, "Gefitinib inhibits EGFR.")
    assert lake.rows(unrelated) == []
    assert lake.rows(retracted) == [
        (6, "inhibits", "APAP", "EGFR", "APAP inhibits EGFR.", 0),
        (6, "inhibits", "APAP", "p53", "APAP and p53.", 0),
    ]
    # A model without this pair of types leaves the pairs unrelated.
    harms = tmp_path / "harms"
    save_cooccurrence(harms, CooccurrenceSettings({("Chemical", "Disease"): "induces"}))
    assert run("annotate", "--lake", made.lake, "--model", harms).returncode == DONE
    assert [row[:3] for row in lake.rows(unrelated)] == [
        (2, "Gefitinib", "EGFR"),
        (5, "Gefitinib", "EGFR"),
        (6, "APAP", "EGFR"),
        (6, "APAP", "p53"),
    ]


def test_the_baseline_of_the_page_loads(checkout: Path, tmp_path: Path) -> None:
    page = (checkout / "docs" / "relations.md").read_text(encoding="utf-8")
    ((content),) = re.findall(r"^```json\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    (tmp_path / "litmine.json").write_text(content)
    assert identify(tmp_path, "together").startswith("together@")
