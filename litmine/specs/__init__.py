"""The tasks that litmine knows, and what everything else asks about them."""

from litmine.specs.commands import EvaluationResult, TrainingContext
from litmine.specs.lookup import spec_named, spec_of_table
from litmine.specs.spec import ARTICLES, TaskSpec, code
from litmine.specs.tasks import BUILTIN, BUILTIN_READER, TASKS

__all__ = [
    "ARTICLES",
    "BUILTIN",
    "BUILTIN_READER",
    "TASKS",
    "EvaluationResult",
    "TaskSpec",
    "TrainingContext",
    "code",
    "spec_named",
    "spec_of_table",
]
