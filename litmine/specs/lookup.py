"""A task by its name, or by the table that it fills."""

from litmine.specs.spec import TaskSpec
from litmine.specs.tasks import TASKS


def spec_named(name: str) -> TaskSpec:
    """The task of that name. Raises KeyError."""
    return {spec.name: spec for spec in TASKS}[name]


def spec_for_table(table: str) -> TaskSpec:
    """The task that fills a table. Raises KeyError."""
    return {spec.table: spec for spec in TASKS}[table]


def annotate_again(table: str, model: str) -> str:
    """The advice to let a model, name@digest, read once more what it has lost."""
    spec, name = spec_for_table(table), model.rpartition("@")[0]
    command = "litmine annotate" if spec.unit == "part" else "litmine annotate --questions"
    if name == spec.builtin:
        return f"run `{command}` again"
    return f"run `{command} --model FOLDER` again, with the folder of {name}"
