"""The tasks that litmine knows, and what everything else asks about them."""

from litmine.specs.commands import EvaluationResult, TrainingContext
from litmine.specs.lookup import annotate_again, spec_for_table, spec_named
from litmine.specs.spec import ARTICLES, TaskSpec, import_object
from litmine.specs.tasks import BUILTIN, BUILTIN_READER, TASKS

__all__ = [
    "ARTICLES",
    "BUILTIN",
    "BUILTIN_READER",
    "TASKS",
    "EvaluationResult",
    "TaskSpec",
    "TrainingContext",
    "annotate_again",
    "import_object",
    "spec_for_table",
    "spec_named",
]
