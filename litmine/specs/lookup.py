"""Look up a task by its name or its table, and the command that completes a table."""

from collections.abc import Collection

from litmine.specs.spec import TaskSpec
from litmine.specs.tasks import TASKS


def spec_by_name(name: str) -> TaskSpec:
    """The task with this name. Raises KeyError."""
    return {spec.name: spec for spec in TASKS}[name]


def spec_by_table(table: str) -> TaskSpec:
    """The task that fills this table. Raises KeyError."""
    return {spec.table: spec for spec in TASKS}[table]


def runs_always(task: str) -> bool:
    """Whether `annotate` runs the built-in model of a task in every run, so that nobody chooses it.

    `task` is the name of the task or its table. Messages, counts and choices leave such tasks out.
    """
    return any(spec.always for spec in TASKS if task in (spec.name, spec.table))


def type_column_of(table: str) -> str:
    """The type column of a table (`TaskSpec.type_column`), or of the table that it extends; empty for none."""
    spec = spec_by_table(table)
    return spec_by_table(spec.extends).type_column if spec.extends else spec.type_column


def follow_up_specs(tables: Collection[str]) -> list[TaskSpec]:
    """The tasks whose built-in models extend the targets of these tables, and are not among them."""
    return [spec for spec in TASKS if spec.extends in tables and spec.table not in tables and spec.builtin]


def is_companion(model: str) -> bool:
    """Whether a model `name@digest` is a companion of a built-in model (`TaskSpec.companions`)."""
    return any(model.rpartition("@")[0] in spec.companions for spec in TASKS)


def annotate_advice(table: str, model: str, again: bool = False, in_lake: bool = False) -> str:
    """The advice to run `annotate`, so that the model `name@digest` writes its missing targets.

    in_lake: whether the lake has a copy of the model, a term list, which every `annotate` uses.
    """
    spec, name = spec_by_table(table), model.rpartition("@")[0]
    command = "litmine annotate" if spec.unit == "part" else "litmine annotate --questions"
    if spec.extends or spec.needs:
        command += f" --task {spec.name}"
    once_more = " again" if again else ""
    if name in spec.builtins or in_lake:
        return f"run `{command}`{once_more}"
    return f"run `{command} --model FOLDER`{once_more}, with the folder of {name}"
