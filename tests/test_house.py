"""The checkout and the wheel: what they hold, how big they are, and what they must not hold."""

import re
import subprocess
import zipfile
from pathlib import Path

import pytest

MEGABYTE = 1_000_000
TRACKED_LIMIT = 60 * 2**20
BUILTIN_LIMIT = 25 * MEGABYTE
VOCABULARY_LIMIT = 9.8 * MEGABYTE
HOME_FOLDERS = re.compile(rb"(?<![\w.])/(home|Users|root|work)/\w+")


@pytest.fixture(scope="module")
def tracked(checkout: Path) -> list[Path]:
    """Files that git tracks, or would track."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=checkout,
        capture_output=True,
        check=False,
    )
    if listing.returncode:
        pytest.skip("not a git checkout")
    names = {name for name in listing.stdout.decode().split("\0") if name}
    return [checkout / name for name in sorted(names) if (checkout / name).is_file()]


def test_wheel_holds_code_schemas_jobs_and_the_builtin_model(checkout: Path, wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        shipped = set(archive.namelist())
    expected = {
        "litmine/constraints.txt",
        *(f"litmine/schemas/{path.name}" for path in (checkout / "schemas").iterdir()),
        *(f"litmine/jobs/{path.name}" for path in (checkout / "jobs").iterdir()),
        *(f"litmine/{path.relative_to(checkout).as_posix()}" for path in (checkout / "sample_data").rglob("*.*ml*")),
        *(path.relative_to(checkout).as_posix() for path in (checkout / "litmine").rglob("*.py")),
        *(path.relative_to(checkout).as_posix() for path in (checkout / "litmine").rglob("*.safetensors")),
        *(path.relative_to(checkout).as_posix() for path in (checkout / "litmine").rglob("litmine.json")),
        *(path.relative_to(checkout).as_posix() for path in (checkout / "litmine").rglob("*.toml")),
        *(path.relative_to(checkout).as_posix() for path in (checkout / "litmine").rglob("*.html")),
        *(
            path.relative_to(checkout).as_posix()
            for path in (checkout / "litmine" / "explore" / "static").rglob("*")
            if path.is_file()
        ),
        *(
            path.relative_to(checkout).as_posix()
            for path in (checkout / "litmine" / "vocabulary" / "builtin").iterdir()
        ),
    }
    assert {"litmine/schemas/articles.json", "litmine/jobs/nightly.toml", "litmine/cli/main.py"} <= expected
    assert {"litmine/corpora/registry.toml", "litmine/tasks/ner/recipes/builtin.toml"} <= expected
    assert "litmine/models/builtin/trunk/litmine.json" in expected
    assert "litmine/vocabulary/builtin/vocabulary.json" in expected
    assert expected - shipped == set()
    assert not [name for name in shipped if name.startswith(("tests/", "sample_data/", "benchmarks/"))]


def test_tracked_files_stay_small(tracked: list[Path]) -> None:
    assert sum(path.stat().st_size for path in tracked) < TRACKED_LIMIT


def test_the_builtin_models_stay_small(checkout: Path) -> None:
    folders = [path.parent for path in (checkout / "litmine" / "models" / "builtin").rglob("*.safetensors")]
    assert folders, "no model ships with litmine"
    for folder in folders:
        assert sum(path.stat().st_size for path in folder.iterdir()) <= BUILTIN_LIMIT, folder


def test_the_builtin_vocabulary_stays_small(checkout: Path) -> None:
    folder = checkout / "litmine" / "vocabulary" / "builtin"
    assert sum(path.stat().st_size for path in folder.iterdir()) <= VOCABULARY_LIMIT


def test_no_tracked_file_names_a_personal_folder(tracked: list[Path]) -> None:
    paths_found = {}
    for path in tracked:
        content = path.read_bytes()
        if b"\0" not in content[:8192] and (match := HOME_FOLDERS.search(content)):
            paths_found[path.name] = match.group().decode()
    assert paths_found == {}


def test_constraints_pin_every_dependency(checkout: Path) -> None:
    lines = (checkout / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    project = (checkout / "pyproject.toml").read_text(encoding="utf-8")
    required = set(re.findall(r'^    "([a-z-]+)>=', project, re.MULTILINE))
    assert len(required) > 15
    assert required <= {name.lower() for name in pins}
    assert pins["torch"] == "2.13.0"
