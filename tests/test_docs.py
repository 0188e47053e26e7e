"""The documentation matches the code: generated pages are current, links work, and the commands shown parse."""

import importlib.util
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from pathlib import Path
from types import ModuleType

import click
import pytest

from litmine.cli.main import cli
from litmine.lake.paths import TABLES
from litmine.schema import table_declaration
from litmine.specs.spec import TaskSpec
from litmine.tasks.ner.recipe import TaggerRecipe

CHECKOUT = Path(__file__).parent.parent
CONSOLE = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
ASSIGNMENT = re.compile(r"\w+=")
OPERATORS = {"|", ">", ">>", "<", "&&", "||", ";"}
PAGES = sorted([*CHECKOUT.glob("*.md"), *(CHECKOUT / "docs").rglob("*.md"), CHECKOUT / "benchmarks" / "README.md"])
STATUS = re.compile(r"accepted|rejected|replaced by \[(\d{4})\]\(\d{4}-[\w-]+\.md\)")


def commands(group: click.Group = cli, path: tuple[str, ...] = ("litmine",)) -> Iterator[tuple[str, click.Command]]:
    """The full name and object of every command that is not a group."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


def console_commands(page: str) -> list[list[str]]:
    """The words of each command after a `$` in the page's console blocks, up to the first pipe or redirection."""
    typed: list[list[str]] = []
    for block in CONSOLE.findall((CHECKOUT / page).read_text(encoding="utf-8")):
        lines = iter(block.splitlines())
        typed.extend(_words(line[2:], lines) for line in lines if line.startswith("$ "))
    return typed


def _words(command: str, rest: Iterator[str]) -> list[str]:
    while True:  # an open quote or a final backslash continues in the next line
        lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        try:
            words = list(lexer)
        except ValueError:
            command += "\n" + next(rest)
            continue
        start = next(place for place, word in enumerate(words) if not ASSIGNMENT.match(word))
        end = next((place for place, word in enumerate(words) if word in OPERATORS), len(words))
        return words[start:end]


def parse(words: list[str]) -> None:
    """Parse a litmine command line without running it. Raises click.UsageError if it is wrong."""
    context = cli.make_context("litmine", words[1:])
    command: click.Command = cli
    while isinstance(command, click.Group):
        name, found, left = command.resolve_command(context, [*context._protected_args, *context.args])
        assert found is not None
        command, context = found, found.make_context(name, left, parent=context)


def test_generated_pages_are_current(generator: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert (generator.main(["--check"]), capsys.readouterr().err) == (0, "")


@pytest.mark.parametrize(("name", "command"), list(commands()), ids=[name for name, _ in commands()])
def test_every_command_and_option_has_a_help_text(name: str, command: click.Command) -> None:
    assert command.help, f"{name} has no help"
    assert f"{name} " in command.help or f"{name}\n" in f"{command.help}\n", f"{name}'s help shows no example of it"
    without_help = [option.name for option in command.params if isinstance(option, click.Option) and not option.help]
    assert without_help == [], f"{name} has options without help"


def page_name(page: Path) -> str:
    return page.relative_to(CHECKOUT).as_posix()


def docs_module(name: str) -> ModuleType:
    """A script of docs/, imported as a module."""
    spec = importlib.util.spec_from_file_location(name, CHECKOUT / "docs" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    """docs/generate.py, which finds the columns of the views once for all tests."""
    module = docs_module("generate")
    module.view_columns = cache(module.view_columns)  # type: ignore[attr-defined]
    return module


def test_every_command_is_documented() -> None:
    page = (CHECKOUT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert [name for name, _ in commands() if f"\n## {name}\n" not in page] == []


def test_every_view_and_column_is_documented(generator: ModuleType) -> None:
    """docs/tables.md describes each column of each view and of each stored table."""
    page = (CHECKOUT / "docs" / "tables.md").read_text(encoding="utf-8")
    views = generator.view_columns()
    assert {"articles", "entities", "answers", "coverage", "runs"} <= views.keys()
    assert [view for view in views if f"\n### View {view}\n" not in page] == []
    undocumented = [f"{view}.{column}" for view, columns in views.items() for column, _, text in columns if not text]
    undocumented += [
        f"{name}.{field['name']}" for name in TABLES for field in table_declaration(name)["fields"] if not field["doc"]
    ]
    assert undocumented == []


@pytest.mark.parametrize(
    "page", [page_name(page) for page in PAGES if CONSOLE.search(page.read_text(encoding="utf-8"))]
)
def test_commands_of_a_page_parse(page: str) -> None:
    targets = set(re.findall(r"^(\w+):", (CHECKOUT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    typed = console_commands(page)
    assert typed, f"{page} shows no command"
    for words in typed:
        if words[0] == "litmine":
            parse(words)
        elif words[0] == "make":
            assert set(words[1:]) <= targets, f"{page} shows {' '.join(words)}"


def test_security_names_a_test_for_each_risk() -> None:
    page = (CHECKOUT / "docs" / "security.md").read_text(encoding="utf-8")
    assert len(re.findall(r"\]\(\.\./tests/[\w/]+\.py#\w+\)", page)) == page.count("](../tests/") > 30
    rows = [line for line in page.splitlines() if line.startswith("| ") and not line.startswith("| source")]
    assert [row for row in rows if "](../tests/" not in row] == []


# What docs/security.md says is not protected, and no test can show or was written for.
NOT_SHOWN = (
    "A Ray cluster trusts its network.",
    "`litmine explore` does not encrypt,",
    "A tokenizer's patterns",
    "A process that changes a lake while litmine writes",
    "Ctrl-C in the first hundredths of a second",
)


def test_security_names_a_test_for_each_limit_of_protection() -> None:
    page = (CHECKOUT / "docs" / "security.md").read_text(encoding="utf-8")
    points = page.partition("## What is not protected\n\n- ")[2].split("\n- ")
    without = [re.sub(r"^\*\*(.*?)\*\*", r"\1", point) for point in points if "](../tests/" not in point]
    assert [point for point in without if not point.startswith((*NOT_SHOWN, "Not tried: "))] == []
    assert len(without) == len(NOT_SHOWN) + 1


def without_code_blocks(page: Path) -> str:
    """A page without its code blocks."""
    return re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def anchors(file: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them; of a Python file, its functions."""
    if file.suffix == ".py":
        return set(re.findall(r"^def (\w+)\(", file.read_text(encoding="utf-8"), re.MULTILINE))
    headings = re.findall(r"^#+ (.*)", without_code_blocks(file), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


def broken_links(page: Path) -> Iterator[str]:
    """The link targets of a page that do not exist."""
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code_blocks(page)):
        path, _, anchor = target.partition("#")
        linked = page.parent / path if path else page
        if re.match(r"[a-z]+:", target):
            continue
        if not linked.exists() or (anchor and anchor not in anchors(linked)):
            yield f"{page_name(page)}: {target}"


def test_every_link_has_a_target() -> None:
    assert len(PAGES) > 100
    assert [link for page in PAGES for link in broken_links(page)] == []


def test_decisions_are_numbered_and_listed() -> None:
    folder = CHECKOUT / "docs" / "decisions"
    rows = []
    for number, file in enumerate(sorted(folder.glob("[0-9]*.md")), 1):
        text = file.read_text(encoding="utf-8")
        head = re.match(r"# (\d{4})\. (.+)\n\n- Date: (\d{4}-\d\d-\d\d)\n- Status: (.+)\n", text)
        assert head is not None, file.name
        digits, title, date, status = head.groups()
        assert digits == file.name[:4] == f"{number:04d}"
        replaced = STATUS.fullmatch(status)
        assert replaced, (file.name, status)
        assert replaced[1] is None or [*folder.glob(f"{replaced[1]}-*.md")], file.name
        headings = re.findall(r"^## (.+)", text, re.MULTILINE)
        assert [name for name in headings if name != "Figures"] == ["Context", "Decision", "Consequences"], file.name
        rows.append(f"| [{digits}]({file.name}) | {title} | {date} | {status} |")
    index = (folder / "README.md").read_text(encoding="utf-8")
    assert [line for line in index.splitlines() if line.startswith("| [")] == rows


def test_decisions_named_in_code_exist() -> None:
    sources = [*(CHECKOUT / "litmine").rglob("*.py"), *(CHECKOUT / "schemas").iterdir()]
    named = {(file.name, name) for file in sources for name in re.findall(r"docs/decisions/\S+?\.md", file.read_text())}
    assert len(named) > 5
    assert [pair for pair in named if not (CHECKOUT / pair[1]).is_file()] == []


def test_contributing_adds_the_toy_task_of_the_tests() -> None:
    page = (CHECKOUT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    toys = CHECKOUT / "tests" / "tasks" / "toys"
    (views,) = re.findall(r"^```sql\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert views == (toys / "toy_pairs.sql").read_text(encoding="utf-8")
    (entry,) = re.findall(r"^TaskSpec\(.*?^\)", page, re.MULTILINE | re.DOTALL)
    added = (toys / "toy_pairs.spec").read_text(encoding="utf-8").strip().removesuffix(",")
    assert eval(entry, {"TaskSpec": TaskSpec}) == eval(added, {"TaskSpec": TaskSpec})
    model = (toys / "toy_pairs" / "model.py").read_text(encoding="utf-8")
    assert [name for name in re.findall(r"^def (\w+)", page, re.MULTILINE) if f"\ndef {name}(" not in model] == []


def test_settings_of_recipes_exist() -> None:
    page = (CHECKOUT / "docs" / "recipes.md").read_text(encoding="utf-8")
    table = page.partition("| setting |")[2].partition("\n\n")[0]
    settings = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    assert len(settings) > 5
    assert set(settings) <= {field.name for field in fields(TaggerRecipe)}


def test_readme_is_short_and_installs_the_tested_torch() -> None:
    lines = (CHECKOUT / "README.md").read_text(encoding="utf-8").splitlines()
    (pin,) = re.findall(r"^torch==.*", (CHECKOUT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(lines) <= 150
    assert any(f"pip install {pin} --index-url https://download.pytorch.org/whl/cpu" in line for line in lines)


def test_links_of_the_site_stay_in_the_site() -> None:
    site_links = docs_module("site_hooks").site_links
    text = "[a](../tests/x.py#y) [b](../README.md#install) [c](glossary.md#gap) [d](https://a.org) [e](#f)"
    assert site_links(text, "docs/page.md", "page.md") == (
        '<span title="tests/x.py#y">a</span> [b](readme.md#install) [c](glossary.md#gap) [d](https://a.org) [e](#f)'
    )
    assert site_links("[a](docs/decisions/README.md)", "README.md", "readme.md") == "[a](decisions/README.md)"
    assert site_links("[a](../scale.md)", "docs/decisions/0001-a.md", "decisions/0001-a.md") == "[a](../scale.md)"


def test_site_builds_in_strict_mode(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs", reason="the extra `docs` is not installed")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "-q", "-d", tmp_path],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    external = re.findall(
        r'<(?:script|link|img)[^>]*(?:src|href)="?(?:https?:)?//[^ ">]*', (tmp_path / "index.html").read_text()
    )
    assert external == []
