"""`train` and `evaluate` are built from the tasks' specifications, and defaults are declared once."""

import json
import re
import sys
from collections.abc import Callable
from dataclasses import MISSING, fields
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any, get_args, get_type_hints

import pytest

from litmine.errors import DONE, FAILED
from litmine.settings import flag_name, setting_metadata
from litmine.specs import TASKS, TaskSpec, import_object
from litmine.training.pretrain_recipe import PretrainingRecipe
from litmine.training.recipe import read_recipe, recipe_names

Run = Callable[..., CompletedProcess[str]]
WRONG_USAGE = 2

RECIPE = '''
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from litmine.settings import check_ranges, setting


@dataclass(frozen=True)
class Layer:
    """One layer of a toy."""

    of: tuple[str, ...] = setting("Wood of a layer.", (), metavar="WOOD")
    rings: int = setting("Rings of a layer.", 3, at_least=1)


@dataclass(frozen=True)
class ToyRecipe:
    """Carve a toy.

    litmine train toy --shape cube -o ./toy
    """

    name: str = setting("Name of the toy.", unset="the folder's name")
    shape: Literal["cube", "ball"] = setting("Shape of the toy.")
    size: float = setting("Size of the toy.", 2.5, above=0, below=10)
    coats: int = setting("Coats of paint.", 2, at_least=0)
    painted: bool = setting("Paint the toy.", True)
    colours: tuple[str, ...] = setting("Colour of the toy.", ("red", "blue"), flag="--colour")
    parts: tuple[tuple[str, float], ...] = setting("Share of a part.", (), flag="--part", metavar="NAME=SHARE", above=0)
    plan: Path | None = setting("Drawing of the toy.", None)
    owner: str = setting("Owner of the toy.", "nobody", none=True)
    layers: tuple[Layer, ...] = setting("Layers of the toy.", (), repeat_by="of")

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclass(frozen=True)
class ToyEvaluation:
    """Weigh a toy.

    litmine evaluate toy --toy ./toy
    """

    toy: Path = setting("Folder of the toy.")
    to: Path | None = setting("File of the weights.", None)
    show: int | None = setting("Number of weights to show.", None, flag_value=7)
'''
CODE = """
import json
from dataclasses import asdict

from litmine.errors import ModelError
from litmine.specs import EvaluationResult


def carve(recipe, context):
    context.report(f"carving a {recipe.shape}")
    context.folder.mkdir(exist_ok=context.resume)
    record = {"done": context.run([lambda say: say("sawn") or "sawn"]), **asdict(recipe)}
    (context.folder / "toy.json").write_text(json.dumps(record, default=str))


def weigh(evaluation):
    if not (evaluation.toy / "toy.json").is_file():
        raise ModelError(f"{evaluation.toy} holds no toy; carve one")
    size = json.loads((evaluation.toy / "toy.json").read_text())["size"]
    return EvaluationResult(
        record={"weight": size, "shown": evaluation.show},
        table=["weight of \\x1b[2J", f"{size:.1f}"],
        notes=["weighed once"],
        files={evaluation.to: [{"weight": size}, {"weight": "\\u00fc"}]} if evaluation.to else {},
    )
"""


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TaskSpec:
    """An added task: a folder with code and recipes, and a specification."""
    package = tmp_path / "code" / "toy_task"
    (package / "patterns").mkdir(parents=True)
    for name, text in (("__init__", ""), ("recipe", RECIPE), ("work", CODE)):
        (package / f"{name}.py").write_text(text)
    (package / "patterns" / "small.toml").write_text(
        "shape = 'ball'\nsize = 0.5\npainted = false\ncolours = ['green']\n"
        "[parts]\nlid = 0.25\n[[layers]]\nof = ['oak']\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path / "code"))
    for name in ("toy_task", "toy_task.recipe", "toy_task.work"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    spec = TaskSpec(
        name="toy",
        purpose="is made of wood",
        table="toys",
        identify="toy_task.work:identify",
        load="toy_task.work:load",
        recipe="toy_task.recipe:ToyRecipe",
        recipes="patterns",
        train="toy_task.work:carve",
        evaluation="toy_task.recipe:ToyEvaluation",
        evaluate="toy_task.work:weigh",
    )
    monkeypatch.setattr("litmine.specs.TASKS", (*TASKS, spec))
    return spec


@pytest.mark.usefixtures("toy")
def test_an_added_task_can_be_trained(run: Run, tmp_path: Path) -> None:
    assert re.search(r"^  toy +Carve a toy\.$", run("train", "--help").stdout, re.MULTILINE)
    help_text = run("train", "toy", "--help").stdout
    assert "litmine train toy --shape cube" in help_text
    assert "small or a TOML file" in " ".join(help_text.split())
    assert "--workers" not in help_text

    ran = run(
        "train", "toy", "--shape", "cube", "--size", 3, "--no-painted", "--colour", "black", "--part", "lid=0.5",
        "--part", "a=b=2", "--plan", "plan.svg", "--of", "oak", "--of", "elm", "--rings", 5, "--owner", "none",
        "-o", tmp_path / "mine",
    )  # fmt: skip
    assert (ran.returncode, ran.stdout) == (DONE, ""), ran.stderr
    assert ran.stderr == f"carving a cube\nsawn\nthe model is in {tmp_path / 'mine'}\n"
    assert json.loads((tmp_path / "mine" / "toy.json").read_text()) == {
        "done": ["sawn"], "name": "mine", "shape": "cube", "size": 3.0, "coats": 2, "painted": False,
        "colours": ["black"], "parts": [["a=b", 2.0], ["lid", 0.5]], "plan": "plan.svg", "owner": "",
        "layers": [{"of": ["oak"], "rings": 5}, {"of": ["elm"], "rings": 5}],
    }  # fmt: skip


@pytest.mark.usefixtures("toy")
def test_flags_override_the_recipe_and_the_recipe_overrides_defaults(run: Run, tmp_path: Path) -> None:
    ran = run("train", "toy", "--recipe", "small", "--size", 4, "-o", tmp_path / "mine")
    assert ran.returncode == DONE, ran.stderr
    made = json.loads((tmp_path / "mine" / "toy.json").read_text())
    assert (made["size"], made["shape"], made["colours"], made["coats"]) == (4.0, "ball", ["green"], 2)
    assert (made["parts"], made["layers"]) == ([["lid", 0.25]], [{"of": ["oak"], "rings": 3}])


@pytest.mark.usefixtures("toy")
@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ((), WRONG_USAGE, "Give --shape, or a --recipe."),
        (("--shape", "cone"), WRONG_USAGE, "'cone' is not one of 'cube', 'ball'"),
        (("--shape", "cube", "--size", 10), WRONG_USAGE, "10.0 is not in the range 0<x<10"),
        (("--shape", "cube", "--size", "nan"), FAILED, "litmine: size must be a finite number, not nan"),
        (("--shape", "cube", "--part", "lid"), FAILED, "litmine: --part takes NAME=SHARE, not 'lid'"),
        (("--shape", "cube", "--part", "lid=0"), FAILED, "litmine: parts of 'lid' must be above 0, not 0.0"),
        (
            ("--recipe", "small", "--rings", 2),
            WRONG_USAGE,
            "--rings applies to the layers of --of; give --of too.",
        ),
        (("--shape", "cube", "--of", "oak", "--rings", 0), WRONG_USAGE, "0 is not in the range x>=1"),
        (("--recipe", "smal"), FAILED, "no recipe 'smal' (did you mean small?); give small or a TOML file"),
        (("--recipe", "mine.toml"), FAILED, "litmine: the recipe does not set shape; use --shape, or add it to the"),
        (
            ("--recipe", "bad.toml"),
            FAILED,
            "bad.toml: unknown setting sise (did you mean size?); the settings of a recipe are name, shape, ",
        ),
        (("--recipe", "far.toml", "--shape", "cube"), FAILED, "litmine: size must be above 0 and below 10, not 11.0"),
    ],
)
def test_bad_settings_are_refused_with_one_sentence(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[object, ...], code: int, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in (("mine", "coats = 1\n"), ("bad", "sise = 1.0\n"), ("far", "size = 11\n")):
        Path(f"{name}.toml").write_text(text)
    ran = run("train", "toy", *words, "-o", "out")
    assert (ran.returncode, ran.stdout) == (code, ""), ran.stderr
    assert message in ran.stderr
    assert "Traceback" not in ran.stderr
    assert not Path("out").exists()


@pytest.mark.usefixtures("toy")
def test_an_added_task_can_be_evaluated(run: Run, tmp_path: Path) -> None:
    assert re.search(r"^  toy +Weigh a toy\.$", run("evaluate", "--help").stdout, re.MULTILINE)
    assert run("evaluate", "toy").returncode == WRONG_USAGE
    assert run("train", "toy", "--shape", "ball", "-o", tmp_path / "mine").returncode == DONE

    judge = ("evaluate", "toy", "--toy", tmp_path / "mine")
    assert json.loads(run(*judge, "--format", "json").stdout) == {"weight": 2.5, "shown": None}
    assert json.loads(run(*judge, "--format", "json", "--show").stdout)["shown"] == 7
    assert json.loads(run(*judge, "--show", 3, "--format", "json").stdout)["shown"] == 3
    ran = run(*judge, "--to", tmp_path / "weights.jsonl")
    assert (ran.stdout, ran.stderr) == ("weight of \ufffd[2J\n2.5\n", "weighed once\n")
    assert (tmp_path / "weights.jsonl").read_text(encoding="utf-8") == '{"weight": 2.5}\n{"weight": "ü"}\n'
    ran = run(*judge, "--to", tmp_path / "nowhere" / "weights.jsonl")
    assert (ran.returncode, ran.stdout) == (FAILED, "weight of \ufffd[2J\n2.5\n"), "the scores are not lost"
    assert "cannot be written (No such file or directory); choose another file" in ran.stderr
    ran = run("evaluate", "toy", "--toy", tmp_path)
    assert (ran.returncode, ran.stderr) == (FAILED, f"litmine: {tmp_path} holds no toy; carve one\n")


def test_a_task_without_code_for_it_has_no_command(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = TaskSpec("plain", "does nothing", "plains", "nowhere:identify", "nowhere:load")
    monkeypatch.setattr("litmine.specs.TASKS", (*TASKS, plain))
    for verb in ("train", "evaluate"):
        assert "plain" not in run(verb, "--help").stdout
        ran = run(verb, "plain")
        assert (ran.returncode, "no task 'plain'; choose one of " in ran.stderr) == (WRONG_USAGE, True)


def shown_defaults(help_text: str, kind: type) -> dict[str, str]:
    """The default that the help shows for each setting; empty if it shows none."""
    entries = re.split(r"\n  (?=-)", help_text)
    shown = {}
    for one in fields(kind):
        flag = flag_name(kind, one.name)
        (entry,) = (entry for entry in entries if re.match(rf"{flag}(?![\w-])", entry))
        found = re.search(r"\[default: (.*?)(; [^;]*)?\]", " ".join(entry.split()).replace("- ", "-"))
        shown[one.name] = found[1] if found else ""
    return shown


def expected(kind: type, name: str, value: Any) -> str:
    """The text that the help should show for a value."""
    if value is MISSING or value is None or value in ("", ()):
        metadata = setting_metadata(next(one for one in fields(kind) if one.name == name))
        assert metadata is not None
        return metadata.unset
    if isinstance(value, bool):
        return f"{'' if value else 'no-'}{flag_name(kind, name)[2:]}"
    if isinstance(value, tuple):
        return ", ".join("=".join(map(str, one)) if isinstance(one, tuple) else one for one in value)
    return str(value)


HELPS: dict[tuple[str, ...], tuple[type, dict[str, Any]]] = {("train", "mlm"): (PretrainingRecipe, {})}
for _spec in TASKS:
    if _spec.train:
        HELPS["train", _spec.name] = import_object(_spec.recipe), {}
        for _name in recipe_names(_spec):
            HELPS["train", _spec.name, "--recipe", _name] = import_object(_spec.recipe), read_recipe(_spec, _name)
    if _spec.evaluate:
        HELPS["evaluate", _spec.name] = import_object(_spec.evaluation), {}


@pytest.mark.parametrize("words", HELPS, ids=" ".join)
def test_the_help_shows_the_effective_defaults(run: Run, words: tuple[str, ...]) -> None:
    kind, recipe = HELPS[words]
    hints = get_type_hints(kind)
    tables = {one.name for one in fields(kind) if (metadata := setting_metadata(one)) and metadata.repeat_by}
    before, after = run(*words, "--help"), run(*words[:2], "--help", *words[2:])
    assert before.stdout == after.stdout
    assert (f"with the values of the recipe {words[-1]}" in before.stdout) == bool(recipe)
    shown = shown_defaults(before.stdout, kind)
    for one in fields(kind):
        if one.name not in tables:
            value = recipe.get(one.name, one.default)
            assert shown[one.name] == expected(kind, one.name, value).replace("- ", "-"), one.name
    for name in tables:
        table = get_args(hints[name])[0]
        assert shown_defaults(before.stdout, table) == {
            one.name: expected(table, one.name, one.default) for one in fields(table)
        }


def test_the_help_shows_values_of_the_recipe_that_differ_from_the_defaults(run: Run) -> None:
    """The comparison above would also succeed if no value were shown."""
    help_text = " ".join(run("train", "ner", "--recipe", "builtin", "--help").stdout.split())
    for shown in ("[default: 19594; x>=0]", "[default: 0.00028; x>0]", "LINNAEUS=0.34", "[default: finish]"):
        assert shown in help_text
    plain = " ".join(run("train", "ner", "--help").stdout.split())
    assert "[default: 0.0002; x>0]" in plain
    assert "finish]" not in plain


def test_the_command_modules_name_no_task(checkout: Path) -> None:
    for name in ("task_commands", "dataclass_options", "train", "evaluate"):
        lines = (checkout / "litmine" / "cli" / f"{name}.py").read_text(encoding="utf-8").splitlines()
        named = [line for line in lines if re.search(r"\btasks\.(ner|qa)\b|[\"'](ner|qa)[\"']", line)]
        assert named == [], name
