"""The commands that the soak disturbs, and the lakes on which they run."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from benchmarks.soak_process import CHECKOUT, Command, in_fork

# What the views show; a row that is lost or doubled changes the digest.
QUERIES = (
    "select pmid, text, retracted from articles order by all",
    "select pmid, start_char, end_char, mention, entity_type, identifier from entities order by all",
    "select question, pmid, answer, start_char from answers order by all",
    "select what, why from source_gaps order by all",
)
# A command that takes longer hangs.
HANG_SECONDS = 600.0
IMPORT: list[object] = ["import", "in", "--part-size", 5]
ANNOTATE: list[object] = ["annotate", "--terms", "watchlist.tsv", "--model", "builtin-abbreviations"]
SQL: list[object] = ["sql", "select count(*) from articles"]
TRAIN: list[object] = ["train", "ner", "--base", "base", "--corpus", "corpus", "-o", "model", "--name", "mine"]
TRAIN += ["--epochs", 4, "--batch-tokens", 600, "--seed", 3]
# The records of the fake PubMed server.
SERVED = 500


class BrokenCommandError(Exception):
    """A command that fails although nothing disturbs it."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A command. share: its kills of 1,000. prepare: fills its folder. result: a digest of what it leaves.

    forks: whether its processes may be forks of the soak.
    """

    name: str
    share: int
    words: Sequence[object]
    prepare: Callable[[Path], None]
    result: Callable[[Path], str]
    forks: bool = True


def lake_digest(folder: Path) -> str:
    """A digest of what the views of the lake show."""
    from litmine.lake.lake import Lake

    digest = sha256()
    for query in QUERIES:
        digest.update(repr(Lake(folder / "lake").rows(query)).encode())
    return digest.hexdigest()


def model_digest(folder: Path) -> str:
    """A digest of the weights that a training leaves."""
    return sha256((folder / "model" / "model.safetensors").read_bytes()).hexdigest()


def environment(folder: Path) -> dict[str, str]:
    """The variables of a command in a folder; `server` in it holds the address of a fake PubMed server."""
    variables = {"LITMINE_HOME": str(folder / "home"), "PYTHONPATH": str(CHECKOUT)}
    server = folder / "server"
    if server.exists():
        # The made-up key allows ten requests a second instead of three.
        variables |= {"LITMINE_EUTILS_URL": server.read_text(encoding="utf-8"), "NCBI_API_KEY": "soak"}
    return variables


def do(words: Sequence[object], folder: Path) -> None:
    """Run a command that prepares a lake. Raises BrokenCommandError if it fails."""
    command = Command(words, folder, environment(folder), new_python=True)
    command.wait(HANG_SECONDS)
    if command.code not in (0, 3):
        raise BrokenCommandError(f"{words} ended with {command.code}: {command.errors}")


def with_records(folder: Path) -> None:
    """Some sample records, a list of terms, questions and a job."""
    shutil.copytree(CHECKOUT / "sample_data" / "pubmed" / "odd", folder / "in")
    for name in ("watchlist.tsv", "questions.jsonl"):
        shutil.copy(CHECKOUT / "sample_data" / name, folder / name)
    (folder / "job.toml").write_text(
        'inbox = ["in"]\nmodels = []\nterms = ["watchlist.tsv"]\n[[after]]\ndo = "compact"\n'
        '[[after]]\ndo = "sql"\nquery = "select pmid from articles"\nto = "out.csv"\n'
    )


def with_lake(folder: Path) -> None:
    """The same in a lake, in small parts."""
    with_records(folder)
    do([*IMPORT, "--part-size", 3], folder)


def with_terms(folder: Path) -> None:
    """A lake that the list of terms has read."""
    with_lake(folder)
    do(ANNOTATE, folder)


def with_corpus(folder: Path) -> None:
    """Sixty sentences of a corpus, and a base model of one narrow layer."""
    from benchmarks.random_inputs import THIN, random_bert

    corpus = folder / "corpus"
    corpus.mkdir()
    for name in ("train.tsv", "dev.tsv"):
        text = (CHECKOUT / "sample_data" / "ner" / "BC5CDR" / name).read_text(encoding="utf-8")
        (corpus / name).write_text("\n\n".join(text.split("\n\n")[:60]) + "\n", encoding="utf-8")
    in_fork(lambda: str(random_bert(folder / "base", **THIN)))


def with_nothing(_folder: Path) -> None:
    """An empty folder."""


SCENARIOS = (
    Scenario("import", 140, IMPORT, with_records, lake_digest),
    Scenario("import, two processes", 60, [*IMPORT, "--workers", 2], with_records, lake_digest),
    Scenario("fetch", 140, ["fetch", "--query", "cells"], with_nothing, lake_digest),
    Scenario("annotate, term list", 150, ANNOTATE, with_lake, lake_digest),
    Scenario("annotate, dependent steps", 80, ["annotate", "--model", "builtin"], with_lake, lake_digest),
    Scenario("annotate, two Ray workers", 20, [*ANNOTATE, "--workers", 2], with_lake, lake_digest, forks=False),
    Scenario("compact", 140, ["compact", "--grace", 0], with_terms, lake_digest),
    Scenario("ask", 80, ["ask", "Which gene is mutated?"], with_lake, lake_digest),
    Scenario("answers", 70, ["annotate", "--questions", "questions.jsonl"], with_lake, lake_digest),
    Scenario("run", 100, ["run", "./job.toml"], with_records, lake_digest),
    Scenario("train", 20, TRAIN, with_corpus, model_digest),
)
# They run at the same time, on one lake.
TOGETHER: list[list[object]] = [
    IMPORT,
    [*IMPORT, "--workers", 2],
    ANNOTATE,
    ["compact", "--grace", 1],
    SQL,
    ["status"],
]
