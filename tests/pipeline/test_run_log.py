"""Runs are logged, whether they succeed, fail or are interrupted."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from litmine.errors import LakeError
from litmine.lake.lake import Lake
from litmine.lake.runs import ActiveModel, Gap
from litmine.pipeline.run_log import log_run
from litmine.versions import versions

GAP = Gap("a.xml", "The XML is damaged.")


@pytest.fixture
def empty(place_lake: Callable[[], Path]) -> Lake:
    return Lake(place_lake())


def logged(lake: Lake) -> list[tuple[object, ...]]:
    return lake.rows("select command, outcome from runs order by started")


def test_a_successful_run_is_logged_as_done(empty: Lake) -> None:
    with log_run(empty, "models use", models="a b") as entry:
        entry.models = ["a@1", "b@2"]
        entry.active = [ActiveModel("ner", "a@1"), ActiveModel("ner", "b@2", types=("Gene",))]
        entry.counts = {"texts": 3}
        entry.device, entry.precision = "cpu", "bf16"
    (row,) = empty.sql("select * from runs").to_pylist()
    assert (row["command"], row["outcome"], row["models"]) == ("models use", "done", ["a@1", "b@2"])
    assert (dict(row["parameters"]), dict(row["counts"])) == ({"models": "a b"}, {"texts": 3})
    assert (row["device"], row["precision"], row["gaps"]) == ("cpu", "bf16", [])
    assert dict(row["versions"]) == versions()
    assert row["started"] <= row["finished"]
    assert empty.active_models() == [ActiveModel("ner", "a@1"), ActiveModel("ner", "b@2", types=("Gene",))]


def test_only_new_gaps_change_the_outcome(empty: Lake) -> None:
    for known in (frozenset[Gap](), frozenset({GAP})):
        with log_run(empty, "import") as entry:
            entry.known_gaps = known
            entry.gaps += [GAP, GAP]
        assert entry.new_gaps == ([] if known else [GAP])
    assert logged(empty) == [("import", "gaps"), ("import", "done")]
    assert empty.rows("select len(gaps) from runs") == [(2,), (2,)]


@pytest.mark.parametrize(
    ("error", "outcome"), [(KeyboardInterrupt(), "interrupted"), (LakeError("no"), "failed"), (ValueError(), "failed")]
)
def test_a_failed_or_interrupted_run_is_logged(empty: Lake, error: BaseException, outcome: str) -> None:
    def work() -> None:
        with log_run(empty, "import") as entry:
            entry.written = False
            entry.counts = {"files": 2}
            raise error

    with pytest.raises(type(error)) as raised:
        work()
    assert raised.value is error
    assert logged(empty) == [("import", outcome)]
    assert empty.rows("select counts['files'] from runs") == [(2,)]


def test_a_run_with_nothing_to_do_is_not_logged(empty: Lake) -> None:
    with log_run(empty, "import") as entry:
        entry.written = False
    assert logged(empty) == []


def test_an_error_of_the_run_is_raised_before_one_of_the_log(empty: Lake) -> None:
    shutil.rmtree(empty.path / "runs")
    (empty.path / "runs").touch()
    with pytest.raises(LakeError, match="could not be written"), log_run(empty, "import"):
        pass
    with pytest.raises(KeyboardInterrupt), log_run(empty, "import"):
        raise KeyboardInterrupt
