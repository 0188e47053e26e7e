"""Where each table's files lie in a lake.

    articles/<part>.parquet
    <table>/model=<name@digest>/<part>.parquet                  of a task that reads articles alone, or pairs
    <table>/model=<name@digest>/of=<inputs>/<part>.parquet      of a task that builds on another one's output
    <table>/<run>.parquet                                       the log, and what tasks write once a run

What a file name cannot hold of a model's name is percent-encoded.
"""

from urllib.parse import quote, unquote

from litmine.specs import ARTICLES, TASKS, TaskSpec

# Tables with a target for each article part, and with a file for each slice of questions and texts.
PART_TASKS: dict[str, TaskSpec] = {spec.table: spec for spec in TASKS if spec.unit == "part"}
PAIR_TASKS: dict[str, TaskSpec] = {spec.table: spec for spec in TASKS if spec.unit == "pair"}
BY_MODEL: tuple[str, ...] = (*PART_TASKS, *PAIR_TASKS)
# Small files that are written once a run, and merged by their rows alone.
LOGS: tuple[str, ...] = ("runs", *(log for spec in TASKS for log in spec.logs))
REPLACED = "replaced"
# Parts come first wherever tables are listed: a merge commits with them.
TABLES: tuple[str, ...] = (ARTICLES, *sorted((*BY_MODEL, *LOGS, "files", REPLACED)))

_MODEL, _OF = "model=", "of="


def depth(table: str) -> int:
    """How many folders lie between a table's own and its files."""
    if table not in BY_MODEL:
        return 0
    return 2 if table in PART_TASKS and PART_TASKS[table].upstream else 1


def file_pattern(table: str) -> str:
    """The files of a table as a glob pattern below its folder."""
    return "*/" * depth(table) + "*.parquet"


def folder_name(table: str, model: str, inputs: str = "") -> str:
    """The folder of a model's files in the lake: `entities/model=builtin@0123456789ab`."""
    own = f"{table}/{_MODEL}{quote(model, safe='@')}"
    return f"{own}/{_OF}{quote(inputs, safe='@')}" if inputs else own


def schema_folder(table: str) -> str:
    """The folder of the file that keeps a table's pattern from matching nothing."""
    return "/".join((table, f"{_MODEL}_", f"{_OF}_")[: depth(table) + 1])


def parse_folder(folder: str) -> tuple[str, str, str]:
    """Table, model and inputs of a folder's name in the lake, as `folder_name` makes it."""
    table, *rest = folder.split("/")
    model = unquote(rest[0].removeprefix(_MODEL)) if rest else ""
    return table, model, unquote(rest[1].removeprefix(_OF)) if len(rest) > 1 else ""
