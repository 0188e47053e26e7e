"""Bad input: one clear sentence, the stated exit code, and nothing changed."""

import gzip
import json
import os
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from subprocess import CompletedProcess, Popen
from typing import Any

import pytest

from litmine.errors import DONE, FAILED, NEW_GAPS, WRONG_USAGE
from litmine.lake.lake import Lake

Run = Callable[..., CompletedProcess[str]]
Start = Callable[..., Popen[Any]]
USAGE = 2


def contents(folder: Path) -> dict[str, str]:
    """The digest of every file below a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest() for path in files}


def sentence(ran: CompletedProcess[str]) -> str:
    """The single error message on stderr; nothing is on stdout."""
    assert ran.stdout == ""
    (line,) = ran.stderr.splitlines()
    assert line.startswith("litmine: ")
    return line


def make_other_folder(folder: Path) -> None:
    """Put another kind of file into the folder."""
    (folder / "notes.txt").write_text("not a lake")


@pytest.mark.parametrize("command", [("sql", "select 1"), ("status",), ("annotate",), ("models", "use", "builtin")])
@pytest.mark.parametrize("make", [make_other_folder, Path.touch, Path.rmdir], ids=["other files", "empty", "absent"])
def test_a_folder_that_is_not_a_lake_is_refused(
    run: Run, tmp_path: Path, command: tuple[str, ...], make: Callable[[Path], None]
) -> None:
    lake = tmp_path / "lake"
    lake.mkdir()
    make(lake)
    before = contents(tmp_path)
    ran = run(*command, "--lake", lake)
    assert ran.returncode == FAILED
    problem = f"{lake} is not a litmine lake" if lake.exists() else f"there is no lake at {lake}"
    assert sentence(ran) == f"litmine: {problem}; `litmine import PATH` makes one"
    assert contents(tmp_path) == before


def test_an_empty_lake_has_nothing_to_annotate(run: Run, tmp_path: Path) -> None:
    Lake.create(tmp_path / "lake")
    ran = run("annotate", "--lake", tmp_path / "lake")
    assert ran.returncode == FAILED
    assert "has no articles yet; run `litmine import PATH` first" in sentence(ran)
    assert run("sql", "from articles", "--lake", tmp_path / "lake").returncode == DONE
    assert "0 current" in run("status", "--lake", tmp_path / "lake").stdout


def test_import_into_a_folder_that_is_not_a_lake_is_refused(run: Run, tmp_path: Path, sample_data: Path) -> None:
    make_other_folder(tmp_path)
    ran = run("import", sample_data / "pubmed" / "odd", "--lake", tmp_path)
    assert ran.returncode == FAILED
    assert "is not empty and not a litmine lake" in sentence(ran)
    assert list(contents(tmp_path)) == ["notes.txt"]


def test_import_of_a_missing_path_is_refused(run: Run, tmp_path: Path) -> None:
    ran = run("import", tmp_path / "nowhere.xml", "--lake", tmp_path / "lake")
    assert ran.returncode == FAILED
    assert "nowhere.xml" in sentence(ran)
    assert not (tmp_path / "lake").exists()


def test_import_of_folders_without_a_file_is_refused(run: Run, tmp_path: Path) -> None:
    """Hidden files and checksums are no files of records, and a folder within a folder may be as empty."""
    empty, hidden = tmp_path / "empty", tmp_path / "hidden"
    empty.mkdir()
    (hidden / "deeper").mkdir(parents=True)
    (hidden / ".DS_Store").write_text("x")
    (hidden / "deeper" / "a.xml.gz.md5").write_text("x")
    for paths, named in [((empty,), f"{empty} ("), ((empty, hidden), f"{empty} and {hidden} (")]:
        ran = run("import", *paths, "--lake", tmp_path / "lake")
        assert ran.returncode == FAILED
        assert f"no file to import in {named}" in sentence(ran)
        assert not (tmp_path / "lake").exists()
    (tmp_path / "one.jsonl").write_text('{"pmid": 1, "title": "One."}')
    ran = run("import", empty, tmp_path / "one.jsonl", "--lake", tmp_path / "lake")
    assert (ran.returncode, ran.stderr) == (
        DONE,
        f"note: {empty} has no file to import\n1 new (1 record from 1 file)\n",
    )


@pytest.mark.parametrize("ref", ["nosuch", "./nowhere", "/nowhere/at/all", "too/many/slashes"])
def test_an_unknown_model_is_refused(run: Run, imported_lake: Path, ref: str) -> None:
    before = contents(imported_lake)
    for command in [("annotate", "--lake", imported_lake, "--model"), ("models", "show")]:
        ran = run(*command, ref)
        assert ran.returncode == WRONG_USAGE
        assert f"no model '{ref}' here; give builtin, " in sentence(ran)
    assert contents(imported_lake) == before


@pytest.mark.parametrize(
    ("words", "suggestion"),
    [
        (("models", "show", "bultin"), "no model 'bultin' here (did you mean builtin?); give builtin, "),
        (("models", "show", "sentences"), "(did you mean builtin-sentences?); give builtin, "),
        (("ask", "Why?", "--reader", "builtin_reader"), "(did you mean builtin-reader?); give builtin, "),
        (("annotate", "--task", "sentnces"), "'all' (did you mean sentences?)."),
        (("schema", "entites"), "(did you mean entities?)."),
        (("corpora", "show", "NCBI-diseas"), "'NCBI-diseas' (did you mean NCBI-disease?); use one of NCBI-disease, "),
        (("export", "--format", "bioc", "--type", "Desease"), "finds 'Desease' (did you mean Disease?); the types are"),
        (("sql", "from artcles"), 'Did you mean "articles"?'),
        (("sql", "select yaer from articles"), 'Candidate bindings: "year", '),
    ],
)
def test_an_unknown_name_comes_with_the_nearest_one(
    run: Run, annotated_lake: Path, words: tuple[str, ...], suggestion: str
) -> None:
    takes_lake = words[0] not in ("models", "schema", "corpora")
    ran = run(*words, *(("--lake", annotated_lake) if takes_lake else ()))
    assert ran.returncode in (FAILED, WRONG_USAGE)
    assert suggestion in ran.stderr


def test_a_hub_model_without_a_network_is_refused(start: Start, imported_lake: Path, tmp_path: Path) -> None:
    """In its own process, because the Hub library reads its settings when it is imported."""
    before = contents(imported_lake)
    words = ("annotate", "--lake", imported_lake, "--model", "nobody/no-such-model")
    process = start(*words, HF_ENDPOINT="http://127.0.0.1:9", LITMINE_HOME=str(tmp_path))
    stdout, stderr = process.communicate()
    message = sentence(CompletedProcess(words, process.returncode, stdout, stderr))
    assert process.returncode == FAILED
    assert "nobody/no-such-model could not be downloaded" in message
    assert "without a download, give builtin" in message
    assert contents(imported_lake) == before
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_folder_without_a_model_is_refused(run: Run, imported_lake: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    ran = run("annotate", "--lake", imported_lake, "--model", tmp_path)
    assert ran.returncode == FAILED
    assert f"{tmp_path} does not hold a model that litmine can load" in sentence(ran)


def test_evaluating_types_that_the_model_lacks_is_refused(run: Run, tmp_path: Path, tiny_model: Path) -> None:
    (tmp_path / "dragons.tsv").write_text("Smaug\tB-Dragon\nsleeps\tO\n\n")
    ran = run("evaluate", "ner", "--model", tiny_model, "--data", tmp_path / "dragons.tsv")
    assert ran.returncode == FAILED
    assert "Dragon" in sentence(ran)
    assert "Disease" in sentence(ran)
    assert "`litmine corpora show NAME` tells which type is which" in sentence(ran)
    ran = run("evaluate", "ner", "--model", tiny_model, "--data", tmp_path / "dragons.tsv", "--head", "Dragon")
    assert (ran.returncode, "has no head 'Dragon'" in sentence(ran)) == (FAILED, True)
    ran = run("evaluate", "ner", "--model", tiny_model, "--data", tmp_path / "nowhere.tsv")
    assert (ran.returncode, "nowhere.tsv" in sentence(ran)) == (FAILED, True)


@pytest.mark.parametrize(
    "query",
    [
        "selec 1",
        "select nothing from articles",
        "select * from nowhere",
        "",
        "select 1; select 2",
        "copy articles to '{lake}/articles/stolen.parquet'",
        "copy articles to '{outside}/stolen.parquet'",
        "with stolen as (copy articles to '{lake}/articles/stolen.parquet') select * from stolen",
        "explain analyze copy articles to '{lake}/articles/stolen.parquet'",
        "export database '{outside}/all'",
        "attach '{outside}/other.duckdb'",
        "install httpfs",
        "load httpfs",
        "create table articles_too as from articles",
        "set enable_external_access = true",
        "select * from read_csv('{outside}/secret.csv')",
        "select * from read_text('/etc/hostname')",
        "select * from '{lake}/../secret.csv'",
        "select getenv('HOME')",
    ],
)
@pytest.mark.parametrize("way", ["argument", "stdin"])
def test_a_query_that_is_not_one_select_is_refused(
    run: Run, annotated_lake: Path, tmp_path: Path, query: str, way: str
) -> None:
    (tmp_path / "secret.csv").write_text("secret\n1\n")
    query = query.format(lake=annotated_lake, outside=tmp_path)
    before = contents(annotated_lake), contents(tmp_path)
    given = ("sql", query) if way == "argument" else ("sql", "-")
    ran = run(*given, "--lake", annotated_lake, "-o", tmp_path / "rows.csv", stdin=query.encode())
    assert ran.returncode == (WRONG_USAGE if query == "select * from nowhere" else FAILED)
    sentence(ran)
    assert (contents(annotated_lake), contents(tmp_path)) == before


def test_a_query_that_is_not_utf8_is_refused(run: Run, annotated_lake: Path) -> None:
    ran = run("sql", "-", "--lake", annotated_lake, stdin=b"select '\xff\xfe'")
    assert (ran.returncode, "Unicode" in sentence(ran)) == (FAILED, True)


def test_an_output_file_inside_the_lake_is_refused(run: Run, annotated_lake: Path) -> None:
    before = contents(annotated_lake)
    ran = run("sql", "from articles", "--lake", annotated_lake, "-o", annotated_lake / "articles" / "mine.parquet")
    assert (ran.returncode, "outside" in sentence(ran)) == (FAILED, True)
    assert contents(annotated_lake) == before


def bad_files(sample_data: Path) -> Iterator[tuple[str, bytes, str]]:
    """File name, content, and expected message of each bad file."""
    whole = (sample_data / "pubmed" / "odd" / "biopython_pubmed4.xml").read_bytes()
    record = b"<PubmedArticleSet><PubmedArticle><MedlineCitation><PMID>7</PMID><Article><ArticleTitle>%b</ArticleTitle>"
    record += b"</Article></MedlineCitation></PubmedArticle></PubmedArticleSet>"
    laughs = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    yield "cut.xml.gz", gzip.compress(whole, mtime=0)[:3000], "The gzip data are incomplete"
    yield "page.xml", b"<html><body>Too many requests</body></html>", "download the file again, and check its address"
    yield "notes.txt", b"nothing of ours", "is not PubMed XML, MEDLINE text (.nbib), RIS, JSON Lines or PubTator"
    yield "nothing.xml.gz", b"", "The file is empty"
    yield "laughs.xml", laughs + record % b"&b;", "entit"
    yield "outside.xml", b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>' + record % b"&a;", "entit"


def test_bad_files_become_gaps_and_good_ones_are_imported(run: Run, tmp_path: Path, sample_data: Path) -> None:
    inbox, lake = tmp_path / "inbox", tmp_path / "lake"
    inbox.mkdir()
    bad = list(bad_files(sample_data))
    for name, content, _ in bad:
        (inbox / name).write_bytes(content)
    (inbox / "good.xml").write_bytes((sample_data / "pubmed" / "odd" / "biopython_pubmed1.xml").read_bytes())
    (inbox / "good.jsonl").write_text('{"pmid": 5, "title": "A title"}\n')
    ran = run("import", inbox, "--lake", lake)
    assert ran.returncode == NEW_GAPS
    listed = [line for line in ran.stderr.splitlines() if line.startswith("could not be read: ")]
    assert len(listed) == len(bad)
    for name, _, message in bad:
        (line,) = (line for line in listed if f"/{name}" in line)
        assert message in line
    assert "Traceback" not in ran.stderr
    pmids = {pmid for (pmid,) in Lake(lake).rows("select pmid from articles")}
    assert {5, 12091962, 9997} <= pmids
    assert 7 not in pmids
    assert Lake(lake).rows("select outcome, len(gaps) from runs") == [("gaps", len(bad))]


def test_control_characters_in_a_gap_are_replaced(run: Run, tmp_path: Path) -> None:
    (tmp_path / "\x1b[2J\x07.xml").write_text("<\x1b[31mset/>")
    ran = run("import", tmp_path, "--lake", tmp_path / ".lake")
    assert ran.returncode == NEW_GAPS
    assert f"could not be read: {tmp_path}/\ufffd[2J\ufffd.xml: " in ran.stderr
    status = run("status", "--lake", tmp_path / ".lake").stdout
    assert [char for char in ran.stderr + status if not char.isprintable() and char != "\n"] == []


def test_a_file_name_is_shown_on_one_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a\nlitmine: all is well.xml").write_text("<set/>")
    ran = run("import", tmp_path, "--lake", tmp_path / ".lake")
    assert [line for line in ran.stderr.splitlines() if line.startswith("litmine: all is well")] == []
    assert "a\ufffdlitmine: all is well.xml" in ran.stderr


def test_a_file_name_that_is_not_utf8_is_imported(run: Run, tmp_path: Path) -> None:
    name = os.fsdecode(b"latin\xe9.jsonl")
    (tmp_path / name).write_text('{"pmid": 1, "title": "One"}\nnothing\n')
    (tmp_path / os.fsdecode(b"gone\xe9.xml")).write_text("<set/>")
    lake = tmp_path / ".lake"
    ran = run("import", tmp_path, tmp_path / name, "--lake", lake)
    assert ran.returncode == NEW_GAPS
    opened = Lake(lake)
    assert opened.rows("select pmid from articles") == [(1,)]
    (where,) = opened.rows("select distinct gaps[1]['where'] from runs")[0]
    assert "latin\\udce9.jsonl, line 2" in where or "gone\\udce9.xml" in where
    assert run("import", tmp_path, "--lake", lake).returncode == DONE  # no new gap
    assert run("import", tmp_path, "--lake", lake, "--as-of", "2026-01-01").returncode == DONE
    assert opened.rows("select name from read_parquet('" + str(lake) + "/files/*.parquet')") == [
        ("latin\\udce9.jsonl",)
    ]


def test_a_lake_path_that_duckdb_cannot_read_is_refused(run: Run, tmp_path: Path) -> None:
    place = tmp_path / os.fsdecode(b"lake\xe9")
    (tmp_path / "one.jsonl").write_text('{"pmid": 1, "title": "One."}')
    assert "is not UTF-8, which DuckDB requires of paths" in sentence(run("import", tmp_path, "--lake", place))


def test_a_line_without_a_pmid_is_listed_by_its_number(run: Run, tmp_path: Path) -> None:
    lines = [{"pmid": 1, "title": "One"}, {"title": "Two"}, {"pmid": 3, "title": "Three"}, {"pmid": "four"}]
    (tmp_path / "lines.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    ran = run("import", tmp_path / "lines.jsonl", "--lake", tmp_path / "lake")
    assert ran.returncode == NEW_GAPS
    _, second, fourth = ran.stderr.splitlines()
    assert second == f'could not be read: {tmp_path}/lines.jsonl, line 2: The line has no "pmid".'
    assert f"{tmp_path}/lines.jsonl, line 4: " in fourth
    assert Lake(tmp_path / "lake").rows("select pmid from articles order by 1") == [(1,), (3,)]


@pytest.mark.parametrize(
    "words",
    [
        ("nosuch",),
        ("sql",),
        ("sql", "select 1", "--format", "xml"),
        ("import",),
        ("import", "x", "--part-size", "0"),
        ("import", "x", "--as-of", "yesterday"),
        ("annotate", "--workers", "-1"),
        ("annotate", "--precision", "int8"),
        ("annotate", "--nosuch"),
        ("models",),
        ("schema", "nosuch"),
        ("train", "ner"),
    ],
    ids=" ".join,
)
def test_wrong_usage_has_exit_code_two(run: Run, words: tuple[str, ...]) -> None:
    ran = run(*words)
    assert ran.returncode == USAGE
    assert ran.stderr.startswith("Usage: litmine")
    assert ran.stdout == ""
