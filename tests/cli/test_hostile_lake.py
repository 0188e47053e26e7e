"""A lake into which somebody else put links, pipes and foreign files: nothing outside it changes, and nothing hangs."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from subprocess import CompletedProcess

import click
import pyarrow as pa
import pytest

from litmine.cli.main import cli
from litmine.cli.options import OutputPath
from litmine.errors import DONE, FAILED, SettingError
from litmine.lake import folders
from litmine.lake.lake import Lake
from litmine.lake.parquet import encode_parquet
from litmine.schema import arrow_schema

Run = Callable[..., CompletedProcess[str]]


def contents(folder: Path) -> dict[str, str]:
    """The digest of every file below a folder."""
    return {str(path): sha256(path.read_bytes()).hexdigest() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture
def lake(run: Run, tmp_path: Path, sample_data: Path) -> Path:
    assert run("import", sample_data / "pubmed" / "odd", "--lake", tmp_path / "lake").returncode != FAILED
    return tmp_path / "lake"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder with files that look like litmine's."""
    folder = tmp_path / "outside"
    for name in ("import", "search", "compact", "old.json", "old.xml", "bm25-1/meta.json", "spill-1/x", "a.parquet"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("precious")
        os.utime(folder / name, (0, 0))
    return folder


def one_more(tmp_path: Path) -> Path:
    file = tmp_path / "more.jsonl"
    file.write_text('{"pmid": 5, "title": "One more."}\n')
    return file


@pytest.mark.parametrize("place", [".locks/import", ".locks", "articles", "runs", "files"])
def test_links_in_the_way_of_an_import_are_refused(
    run: Run, lake: Path, outside: Path, tmp_path: Path, place: str
) -> None:
    before = contents(outside)
    moved = (lake / place).rename(tmp_path / "moved")
    (lake / place).symlink_to(outside / "import" if moved.is_file() else outside)
    ran = run("import", one_more(tmp_path), "--lake", lake)
    assert ran.returncode == FAILED
    assert f"{lake / place} is a link" in ran.stderr
    assert contents(outside) == before


def test_a_dangling_link_creates_no_file(run: Run, lake: Path, tmp_path: Path) -> None:
    (lake / ".locks" / "import").unlink()
    (lake / ".locks" / "import").symlink_to(tmp_path / "new")
    assert run("import", one_more(tmp_path), "--lake", lake).returncode == FAILED
    assert not (tmp_path / "new").exists()


def test_a_second_name_of_a_file_is_not_a_lock(run: Run, lake: Path, outside: Path, tmp_path: Path) -> None:
    (lake / ".locks" / "import").unlink()
    os.link(outside / "import", lake / ".locks" / "import")
    ran = run("import", one_more(tmp_path), "--lake", lake)
    assert ran.returncode == FAILED
    assert "is not a file of litmine alone" in ran.stderr
    assert (outside / "import").read_text() == "precious"


@pytest.mark.parametrize("place", [".spool", ".spool/0123456789abcdef", ".locks", ".locks/fetch-0123456789abcdef"])
def test_links_in_the_way_of_a_fetch_are_not_followed(run: Run, lake: Path, outside: Path, place: str) -> None:
    before = contents(outside)
    journal = lake / ".spool" / "0123456789abcdef"
    journal.mkdir(parents=True)
    (journal / "20260101T000000.000000Z-aa.xml").write_text("<PubmedArticleSet></PubmedArticleSet>")
    (lake / ".locks" / "fetch-0123456789abcdef").touch()
    (lake / place).rename(lake / f"{place}-moved")
    (lake / place).symlink_to(outside / "import" if "fetch-" in place else outside)
    ran = run("rehearse", "--", "fetch", "--query", "cells", "--lake", lake)
    assert ran.returncode in (DONE, FAILED)
    assert f"{lake / place} is a link" in ran.stderr
    assert contents(outside) == before


@pytest.mark.parametrize("place", ["search", "search/bm25", "search/file"])
def test_links_in_the_way_of_the_search_index_are_not_followed(
    run: Run, lake: Path, outside: Path, tmp_path: Path, place: str
) -> None:
    assert run("ask", "Which cells grow?", "--lake", lake).returncode == DONE
    before = contents(outside)
    (folder,) = (lake / "search").glob("bm25-*")
    at = {"search": lake / "search", "search/bm25": folder, "search/file": folder / "meta.json"}[place]
    is_file = at.is_file()
    at.rename(tmp_path / "moved")
    at.symlink_to(outside / "import" if is_file else outside)
    run("import", one_more(tmp_path), "--lake", lake)
    ran = run("ask", "Which cells grow?", "--lake", lake)
    assert ran.returncode == (FAILED if place == "search" else DONE)
    assert contents(outside) == before


def test_a_note_that_names_another_place_deletes_nothing(run: Run, lake: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    for name in ("victim", "keep"):
        (outside / f"{name}.parquet").write_bytes(Lake(lake).part(Lake(lake).parts()[0]).read_bytes())
    names = [
        ("../outside/victim", "../outside/keep"),
        (f"{outside}/victim", f"{outside}/keep"),
        ("articles/../../outside/victim", "articles/../../outside/keep"),
        ("entities/model=x/../../../outside/victim", "entities/model=x/../../../outside/keep"),
    ]
    rows = pa.table(list(zip(*names, strict=True)), schema=arrow_schema("replaced"))
    (lake / "replaced" / "00.parquet").write_bytes(encode_parquet("replaced", rows))
    os.utime(lake / "replaced" / "00.parquet", (0, 0))
    ran = run("doctor", "--lake", lake)
    assert ran.returncode == FAILED
    assert "names '../outside/victim', which is no file of a table" in ran.stdout
    before = contents(outside)
    assert run("compact", "--lake", lake, "--grace", "0").returncode == DONE
    assert contents(outside) == before


FOREIGN = [
    "articles/x.parquet",
    "runs/x.parquet",
    "replaced/x.parquet",
    ".spool/x/x.xml",
    "terms/x.parquet",
    "search/x",
    "entities/model=x@0/y.parquet",
    "articles/.x.tmp",
]


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")], ids=["pipe", "link"])
def test_pipes_and_links_are_named_and_not_opened(run: Run, lake: Path, make: Callable[[Path], None]) -> None:
    count = run("sql", "select count(*) from articles", "--format", "csv", "--lake", lake).stdout
    for place in FOREIGN:
        (lake / place).parent.mkdir(parents=True, exist_ok=True)
        make(lake / place)
    ran = run("sql", "select count(*) from articles", "--format", "csv", "--lake", lake)
    assert (ran.returncode, ran.stdout) == (DONE, count)
    assert f"note: {lake / 'articles/x.parquet'} is " in ran.stderr
    for command in (("status",), ("compact",), ("rehearse", "--", "fetch", "--query", "cells")):
        assert run(*command, "--lake", lake).returncode == DONE
    ran = run("doctor", "--lake", lake)
    assert ran.returncode == FAILED
    for place in FOREIGN:
        assert f"wrong  {place}: is " in ran.stdout


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")], ids=["pipe", "link"])
@pytest.mark.parametrize("place", ["lake.json", "lake.duckdb", "articles/_schema.parquet"])
def test_a_lake_whose_own_files_are_pipes_or_links_does_not_hang(
    run: Run, lake: Path, place: str, make: Callable[[Path], None]
) -> None:
    (lake / place).unlink()
    make(lake / place)
    for command in (("sql", "select 1"), ("doctor",)):
        assert run(*command, "--lake", lake).returncode in (DONE, FAILED)


def test_foreign_files_among_downloads_are_named_and_left_alone(run: Run, lake: Path) -> None:
    (lake / ".spool" / "x").mkdir(parents=True)
    for name in ("x/foo.xml", "x/note.txt", "stray.xml"):
        (lake / ".spool" / name).touch()
    for _ in range(2):
        ran = run("rehearse", "--", "fetch", "--query", "cells", "--lake", lake)
        assert ran.returncode == DONE
    doctor = run("doctor", "--lake", lake).stdout
    assert ".spool/x/foo.xml: is not a file of litmine" in doctor
    assert (lake / ".spool" / "x" / "foo.xml").exists()


def path_parameters() -> dict[tuple[str, ...], bool]:
    """Every parameter that is a path, as command and flag or name of the argument; whether litmine writes it."""

    def below(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], bool]]:
        if isinstance(command, click.Group):
            context = click.Context(command)
            for name in command.list_commands(context):
                inner = command.get_command(context, name)
                assert inner is not None
                yield from below(inner, (*path, name))
        for option in command.params:
            if isinstance(option.type, click.Path):
                yield (*path, option.opts[-1]), isinstance(option.type, OutputPath)

    return dict(below(cli, ()))


WRITTEN = [
    ("corpora", "check", "-o"),
    ("discover", "--output"),
    ("discover", "--network"),
    ("evaluate", "ner", "--errors-to"),
    ("evaluate", "qa", "--answers-to"),
    ("export", "--output"),
    ("fetch", "--gaps"),
    ("report", "--output"),
    ("run", "--log"),
    ("sample", "folder"),
    ("sql", "--output"),
    *(("train", task, "--output") for task in ("classification", "linking", "mlm", "ner", "qa", "relations", "trials")),
    ("vocabulary", "build", "--output"),
    ("vocabulary", "terms", "--output"),
]
# Paths that litmine only reads.
READ = {
    ("annotate", "--terms"),
    ("annotate", "--questions"),
    ("corpora", "check", "path"),
    ("discover", "--rules"),
    *(("evaluate", task, "--data") for task in ("classification", "linking", "qa", "relations")),
    ("evaluate", "discovery", "--cases"),
    ("evaluate", "discovery", "--rules"),
    ("fetch", "--pmids"),
    ("import", "paths"),
    ("rehearse", "--records"),
    ("train", "mlm", "--text"),
    *(
        ("vocabulary", "build", f"--{name}")
        for name in ("mesh", "gene", "taxonomy", "hgnc", "mondo", "cellosaurus", "tables")
    ),
}


def test_every_path_is_read_or_refuses_lakes() -> None:
    found = path_parameters()
    assert sorted(name for name, writes in found.items() if writes) == sorted(WRITTEN)
    assert {name for name, writes in found.items() if not writes} == READ


@pytest.fixture(scope="module")
def ways_into_a_lake(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Paths of a file in a lake: as it is, through links to a folder and to the file, with `..`, and a new folder."""
    folder = tmp_path_factory.mktemp("ways")
    lake = folder / "lake"
    (lake / "articles").mkdir(parents=True)
    (lake / "lake.json").touch()
    (lake / "articles" / "a.parquet").touch()
    (folder / "other").mkdir()
    (folder / "link").symlink_to(lake / "articles")
    (folder / "link.parquet").symlink_to(lake / "articles" / "a.parquet")
    (folder / "dangling").symlink_to(lake / "new")
    return [
        lake / "articles" / "a.parquet",
        folder / "link" / "new",
        folder / "link.parquet",
        folder / "dangling",
        folder / "other" / ".." / "lake" / "new",
        lake / "new" / "folder" / "out",
    ]


@pytest.mark.parametrize("output", WRITTEN, ids=" ".join)
def test_every_output_refuses_a_lake(ways_into_a_lake: list[Path], output: tuple[str, ...]) -> None:
    *command, name = output
    for path in ways_into_a_lake:
        # The path comes first, so that it is found before an argument that is missing.
        words = [*command, *([name] if name.startswith("-") else []), str(path)]
        with pytest.raises(SettingError, match="cannot be inside the lake"):
            cli.main(words, prog_name="litmine", standalone_mode=False)


@pytest.mark.parametrize(
    "command",
    [
        ("run", "sample", "--log", "lake.json"),
        ("rehearse", "--", "fetch", "--query", "cells", "--gaps", "articles/gaps.parquet"),
        ("sql", "select 1", "-o", "articles/a.parquet"),
        ("export", "--format", "jsonl", "-o", "x.jsonl"),
    ],
)
def test_outputs_inside_the_lake_are_refused(run: Run, lake: Path, command: tuple[str, ...]) -> None:
    before = contents(lake)
    *others, output = command
    ran = run(*others, lake / output, "--lake", lake)
    assert ran.returncode == FAILED
    assert "cannot be inside the lake" in ran.stderr
    assert contents(lake) == before


SQLITE = b"SQLite format 3\0" + bytes(84)


@pytest.mark.parametrize("content", [SQLITE, b"", b"\0" * 8 + b"DUCK" + b"\0" * 5000])
def test_a_catalogue_of_another_kind_is_replaced_and_loads_nothing(run: Run, lake: Path, content: bytes) -> None:
    (lake / "lake.duckdb").write_bytes(content)
    for command in (("doctor",), ("compact",)):
        ran = run(*command, "--lake", lake)
        assert ran.returncode == DONE
        assert "xtension" not in ran.stderr + ran.stdout
    assert (lake / "lake.duckdb").read_bytes()[8:12] == b"DUCK"


def test_ctrl_c_ends_a_starting_command_with_one_sentence(tmp_path: Path) -> None:
    # An audit hook interrupts the process when it imports the first module of the command line.
    (tmp_path / "sitecustomize.py").write_text(
        "import os, signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "def hook(event, arguments):\n"
        "    if event == 'import' and arguments[0] == os.environ['AT']:\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.addaudithook(hook)\n"
    )
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    for module in ("typing", "litmine.versions", "litmine.cli.main", "click", "litmine.cli.query_output"):
        ran = subprocess.run(
            [sys.executable, "-m", "litmine", "sql", "select 1"],
            env={**environment, "AT": module},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (ran.returncode, ran.stdout) == (130, ""), module
        assert ran.stderr.count("\n") == 1, ran.stderr
        assert ran.stderr.startswith("litmine: interrupted")


def test_ctrl_c_in_code_from_a_string_ends_with_the_exit_code(tmp_path: Path) -> None:
    # As in the making of a dataclass. CPython would end by SIGINT, although the interrupt was handled.
    (tmp_path / "sitecustomize.py").write_text(
        "import os, signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "def hook(event, arguments):\n"
        "    if event == 'import' and arguments[0] == 'litmine.cli.query_output':\n"
        "        exec('os.kill(os.getpid(), signal.SIGINT)')\n"
        "sys.addaudithook(hook)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-m", "litmine", "sql", "select 1"],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (130, "")
    assert ran.stderr.startswith("litmine: interrupted")
    assert ran.stderr.count("\n") == 1


def test_a_query_reads_only_links_that_stay_in_the_lake(run: Run, lake: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.csv").write_text("a\n1\n")
    (lake / "inside.csv").write_text("a\n2\n")
    (lake / "out.csv").symlink_to(tmp_path / "outside.csv")
    (lake / "in.csv").symlink_to(lake / "inside.csv")
    ran = run("sql", f"select * from read_csv('{lake}/in.csv')", "--format", "csv", "--lake", lake)
    assert (ran.returncode, ran.stdout) == (DONE, "a\n2\n")
    ran = run("sql", f"select * from read_csv('{lake}/out.csv')", "--lake", lake)
    assert ran.returncode == FAILED
    assert "a query can read only the views and the lake's own files" in ran.stderr


@pytest.mark.parametrize("mask", [0o077, 0o022])
def test_a_lake_and_outputs_have_the_permissions_of_the_umask(tmp_path: Path, mask: int) -> None:
    for command in (("import", one_more(tmp_path)), ("sql", "select 1", "-o", tmp_path / "out.csv")):
        words = [sys.executable, "-m", "litmine", *map(str, command), "--lake", str(tmp_path / "lake")]
        subprocess.run(words, umask=mask, check=True, capture_output=True)
    made = [tmp_path / "out.csv", tmp_path / "lake", *(tmp_path / "lake").rglob("*")]
    assert len(made) > 30
    assert [path for path in made if path.stat().st_mode & mask] == []


def test_a_file_for_a_folder_and_a_folder_for_a_file_are_told(run: Run, lake: Path) -> None:
    """Else a table would be empty, or a part of it missing, without a word."""
    count = ("sql", "select count(*) from articles", "--lake", lake)
    assert run(*count).returncode == DONE
    part = next((lake / "articles").glob("[!_]*.parquet"))
    part.unlink()
    part.mkdir()
    assert f"{part} is a folder, but has the name of a file of a table" in run(*count).stderr
    folders.passed_over.clear()
    (lake / "articles").rename(lake.with_name("elsewhere"))
    (lake / "articles").touch()
    ran = run(*count)
    assert (ran.returncode, ran.stderr) == (
        FAILED,
        f"litmine: {lake / 'articles'} is a file, but a lake has a folder there; move the file away\n",
    )
