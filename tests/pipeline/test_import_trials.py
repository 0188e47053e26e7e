"""Importing registrations of trials: what it counts, and what it does with values that cannot be stored."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from litmine.errors import DONE, NEW_GAPS
from litmine.lake.lake import Lake

Run = Callable[..., CompletedProcess[str]]
Import = Callable[..., CompletedProcess[str]]


def study(number: int, updated: str | None = None, count: Any = 12) -> dict[str, Any]:
    protocol = {
        "identificationModule": {"nctId": f"NCT{number:08}"},
        "statusModule": {"lastUpdatePostDateStruct": {"date": updated}},
        "designModule": {"enrollmentInfo": {"count": count}},
    }
    return {"protocolSection": protocol}


@pytest.fixture
def import_studies(run: Run, tmp_path: Path) -> Import:
    """`import_studies("a.json", study(1), study(2))`: import a file of studies into a lake."""

    def write_and_import(name: str, *studies: dict[str, Any], text: str = "") -> CompletedProcess[str]:
        (tmp_path / name).write_text(text or json.dumps(studies))
        return run("import", tmp_path / name, "--lake", tmp_path / "lake")

    return write_and_import


def shown(tmp_path: Path) -> list[tuple[Any, ...]]:
    return Lake(tmp_path / "lake").rows("select registry_id, updated, enrolled from registered_trials order by all")


def test_a_number_that_no_column_holds_is_a_gap_and_the_rest_is_imported(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "studies"
    folder.mkdir()
    (folder / "a.json").write_text(json.dumps([study(1, count=2**63), study(2)]))
    (folder / "b.csv").write_text("NCT Number,Enrollment\nNCT00000003,99999999999999999999\nNCT00000004,7\n")
    done = run("import", folder, "--lake", tmp_path / "lake")
    assert done.returncode == NEW_GAPS
    assert (
        f"could not be read: {folder / 'a.json'}, record 1: The study NCT00000001 was written without values of a wrong"
        " form (enrollmentInfo.count is 9223372036854775808); correct them, or download it again." in done.stderr
    )
    assert f"could not be read: {folder / 'b.csv'}, record 1: The study NCT00000003" in done.stderr
    assert "4 new (4 registrations of ClinicalTrials.gov)" in done.stderr
    numbers = [("NCT00000001", None), ("NCT00000002", 12), ("NCT00000003", None), ("NCT00000004", 7)]
    assert [(row[0], row[2]) for row in shown(tmp_path)] == numbers
    again = run("import", folder, "--lake", tmp_path / "lake")
    assert again.returncode == DONE
    assert again.stderr.count("could not be read (reported before)") == 2
    # A corrected file settles its gap.
    (folder / "a.json").write_text(json.dumps([study(1), study(2)]))
    assert "1 revised, 3 already present" in run("import", folder, "--lake", tmp_path / "lake").stderr
    assert [gap.where for gap in Lake(tmp_path / "lake").source_gaps("import")] == [f"{folder / 'b.csv'}, record 1"]


def test_an_older_version_is_not_new(import_studies: Import, tmp_path: Path) -> None:
    newest = study(1, "2020-05-06")
    assert "1 new (1 registration of ClinicalTrials.gov)" in import_studies("a.json", newest).stderr
    older = import_studies("b.json", study(1, "2010-01-01", count=5)).stderr
    assert "1 not shown (1 registration of ClinicalTrials.gov)" in older
    assert "1 registration kept but not shown: the lake has a later or fuller version of the same study" in older
    undated = import_studies("c.csv", text="NCT Number,Enrollment\nNCT00000001,7\n").stderr
    assert "1 not shown (1 registration of ClinicalTrials.gov)" in undated
    assert shown(tmp_path) == [("NCT00000001", "2020-05-06", 12)]
    newer = import_studies("d.json", study(1, "2021-05-06", count=9), study(2)).stderr
    assert "1 new, 1 revised (2 registrations of ClinicalTrials.gov)" in newer
    same = import_studies("e.json", study(2), study(1, "2021-05-06", count=9), study(3)).stderr
    assert "1 new, 2 already present (3 registrations of ClinicalTrials.gov)" in same
    assert shown(tmp_path)[0] == ("NCT00000001", "2021-05-06", 9)


def test_two_versions_in_one_file_are_one_study(import_studies: Import, tmp_path: Path) -> None:
    done = import_studies("a.json", study(1, "2010-01-01"), study(1, "2020-05-06", count=7))
    assert "1 new, 1 superseded within their file (2 registrations of ClinicalTrials.gov)" in done.stderr
    assert shown(tmp_path) == [("NCT00000001", "2020-05-06", 7)]


def test_incomplete_json_has_one_remedy(import_studies: Import) -> None:
    done = import_studies("a.json", text='{"studies": [{"protocolSection": ')
    assert done.returncode == NEW_GAPS
    assert done.stderr.rstrip().endswith(
        "The file is no complete JSON of studies (Expecting value, line 1); no record was read: import a fresh copy of"
        " the file."
    )


def test_of_many_bad_studies_a_thousand_are_named(import_studies: Import) -> None:
    done = import_studies("a.json", *[study(0)] * 1_002, study(1))
    assert done.stderr.count("The study has 'NCT00000000' instead of an NCT number") == 1_000
    assert "a.json, and more: 2 more records could not be read" in done.stderr
    assert "1 new (1 registration of ClinicalTrials.gov)" in done.stderr
