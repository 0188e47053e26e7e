"""Which tasks run always is asked in one place, by name or by table."""

from litmine.specs import TASKS, runs_always


def test_a_task_runs_always_by_its_name_and_by_its_table() -> None:
    assert {spec.name for spec in TASKS if runs_always(spec.name)} == {"sentences", "abbreviations"}
    assert all(runs_always(spec.table) == runs_always(spec.name) == spec.always for spec in TASKS)
    assert not runs_always("none")


def test_no_task_has_the_table_name_of_another() -> None:
    names = {spec.name: spec.name for spec in TASKS}
    assert all(names.get(spec.table, spec.name) == spec.name for spec in TASKS)
