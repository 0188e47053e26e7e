"""The pages are what the code says, every command explains itself, and what README shows can be typed."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from litmine.cli.main import cli

CHECKOUT = Path(__file__).parent.parent
CONSOLE = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
ASSIGNMENT = re.compile(r"\w+=")
OPERATORS = {"|", ">", ">>", "<", "&&", "||", ";"}


def commands(group: click.Group = cli, path: tuple[str, ...] = ("litmine",)) -> Iterator[tuple[str, click.Command]]:
    """Every command that is no group, by its full name."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


def shown(page: str) -> list[list[str]]:
    """The words of each command after a `$` in the page's console blocks, up to the first pipe or redirection."""
    typed: list[list[str]] = []
    for block in CONSOLE.findall((CHECKOUT / page).read_text(encoding="utf-8")):
        lines = iter(block.splitlines())
        typed.extend(_words(line[2:], lines) for line in lines if line.startswith("$ "))
    return typed


def _words(command: str, rest: Iterator[str]) -> list[str]:
    while True:  # a quote or a backslash at the end goes on in the next line
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
    """Parse a litmine command line without running it; a UsageError says what is wrong with it."""
    context = cli.make_context("litmine", words[1:])
    command: click.Command = cli
    while isinstance(command, click.Group):
        name, found, left = command.resolve_command(context, [*context._protected_args, *context.args])
        assert found is not None
        command, context = found, found.make_context(name, left, parent=context)


def test_generated_pages_are_current() -> None:
    check = subprocess.run(
        [sys.executable, CHECKOUT / "docs" / "generate.py", "--check"], capture_output=True, text=True, check=False
    )
    assert (check.returncode, check.stderr) == (0, "")


@pytest.mark.parametrize(("name", "command"), list(commands()), ids=[name for name, _ in commands()])
def test_every_command_and_option_explains_itself(name: str, command: click.Command) -> None:
    assert command.help, f"{name} has no help"
    assert f"{name} " in command.help or f"{name}\n" in f"{command.help}\n", f"{name}'s help shows no example of it"
    silent = [option.name for option in command.params if isinstance(option, click.Option) and not option.help]
    assert silent == [], f"{name} has options without help"


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/clusters.md"])
def test_what_a_page_shows_can_be_typed(page: str) -> None:
    targets = set(re.findall(r"^(\w+):", (CHECKOUT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    typed = shown(page)
    assert typed, f"{page} shows no command"
    for words in typed:
        if words[0] == "litmine":
            parse(words)
        elif words[0] == "make":
            assert set(words[1:]) <= targets, f"{page} shows {' '.join(words)}"


def test_every_test_that_security_names_exists() -> None:
    page = (CHECKOUT / "docs" / "security.md").read_text(encoding="utf-8")
    named = re.findall(r"\]\(\.\./(tests/[\w/]+\.py)#(\w+)\)", page)
    assert len(named) == page.count("](../tests/") > 30
    for file, test in named:
        assert f"\ndef {test}(" in (CHECKOUT / file).read_text(encoding="utf-8"), (file, test)
    rows = [line for line in page.splitlines() if line.startswith("| ") and not line.startswith("| source")]
    assert [row for row in rows if "](../tests/" not in row] == []


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    prose = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.*)", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


def test_every_link_leads_somewhere() -> None:
    pages = [*(CHECKOUT / "docs").rglob("*.md"), *CHECKOUT.glob("*.md"), CHECKOUT / "benchmarks" / "README.md"]
    broken = []
    for page in pages:
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
            path, _, anchor = target.partition("#")
            linked = page.parent / path if path else page
            if re.match(r"[a-z]+:", target):
                continue
            if not linked.exists() or (anchor and linked.suffix == ".md" and anchor not in anchors(linked)):
                broken.append((page.name, target))
    assert len(pages) > 100
    assert broken == []
