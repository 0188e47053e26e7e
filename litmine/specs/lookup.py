"""A task by its name, or by the table that it fills."""

from litmine.specs.spec import TaskSpec
from litmine.specs.tasks import TASKS


def spec_named(name: str) -> TaskSpec:
    """The task of that name. Raises KeyError."""
    return {spec.name: spec for spec in TASKS}[name]


def spec_for_table(table: str) -> TaskSpec:
    """The task that fills a table. Raises KeyError."""
    return {spec.table: spec for spec in TASKS}[table]
