"""Look up a task by its name or its table."""

from litmine.specs.spec import TaskSpec
from litmine.specs.tasks import TASKS


def spec_by_name(name: str) -> TaskSpec:
    """The task with this name. Raises KeyError."""
    return {spec.name: spec for spec in TASKS}[name]


def spec_by_table(table: str) -> TaskSpec:
    """The task that fills this table. Raises KeyError."""
    return {spec.table: spec for spec in TASKS}[table]


def rerun_advice(table: str, model: str) -> str:
    """The advice to run `annotate` again, so that the model `name@digest` writes its missing targets."""
    spec, name = spec_by_table(table), model.rpartition("@")[0]
    command = "litmine annotate" if spec.unit == "part" else "litmine annotate --questions"
    if name == spec.builtin:
        return f"run `{command}` again"
    return f"run `{command} --model FOLDER` again, with the folder of {name}"
