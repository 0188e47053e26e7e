"""Task specifications: which tasks exist, which table each fills, and where its code is."""

from litmine.specs.commands import EvaluationResult, TrainingContext
from litmine.specs.lookup import (
    annotate_advice,
    follow_up_specs,
    is_companion,
    runs_always,
    spec_by_name,
    spec_by_table,
    type_column_of,
)
from litmine.specs.spec import ARTICLES, TaskSpec, import_object
from litmine.specs.tasks import (
    BUILTIN,
    BUILTIN_CLASSIFIER,
    BUILTIN_LINKER,
    BUILTIN_READER,
    BUILTIN_RELATIONS,
    BUILTIN_TRIALS,
    TASKS,
)

__all__ = [
    "ARTICLES",
    "BUILTIN",
    "BUILTIN_CLASSIFIER",
    "BUILTIN_LINKER",
    "BUILTIN_READER",
    "BUILTIN_RELATIONS",
    "BUILTIN_TRIALS",
    "TASKS",
    "EvaluationResult",
    "TaskSpec",
    "TrainingContext",
    "annotate_advice",
    "follow_up_specs",
    "import_object",
    "is_companion",
    "runs_always",
    "spec_by_name",
    "spec_by_table",
    "type_column_of",
]
