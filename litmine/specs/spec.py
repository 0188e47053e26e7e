"""What a task is: a kind of model, the table that it fills, and where its code is."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal

ARTICLES = "articles"


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """One task. Code is named as `module:attribute` and imported when it is asked for, so that a spec costs nothing.

    name: what `litmine.json` calls the task in its models, and the command line after `train`, `evaluate` and `--task`.
    about: what its models do, as a phrase after "a model that".
    table: the table of its targets (`schemas/<table>.json`); `schemas/<table>.sql` has the views.
    logs: further tables that it writes, one file a run, as the lake's own log.
    unit: `part`: a target for each article part; `pair`: targets of questions and texts, a file for each slice of them.
    inputs: the tables that a target is made of, `articles` first. Another one is that of a task that comes before.
    per_input: a target is made of the output of one model of the task before; else of that of all its active models.
    shared: a column whose values the active models share out among them, each value to one model: `entity_type`. Empty
        where the models that ran last are the active ones.
    types: (folder, name) -> the values of that column that a model gives, without loading weights.
    quotes: columns (start, end, quote) of the table where `quote` is what the text has from start to end.
    export: the view whose rows `export --format jsonl` adds to an article under the table's name; empty for none.
    architectures: endings of the architectures (config.json) of Hugging Face models that the task loads.
    builtin: the reference of the built-in model, empty where there is none; its folder is `models/builtin/<name>`.
    identify: (folder, name) -> name@digest, without loading weights.
    load: (folder, name, device, precision, batch_tokens=..., trunks=...) -> a `litmine.tasks.contract.StepModel`;
        `trunks` are those that are loaded already, given to a model that goes on from one.
    rows: (texts, results) -> the rows of a target (`litmine.lake.targets.TargetRow`), for the unit `part`.
    network: whether its models compute with a network; one that does not goes with the models that it reads.
    recipe: the dataclass of its training's settings, made of `litmine.settings.setting` in a module without torch. Its
        fields are the flags of `litmine train NAME`, its docstring is the help. A field `name` has the name of the
        output folder unless something else is said. Empty where there is no training.
    recipes: the folder of the recipes that come with litmine, beside the module of `recipe`; empty for none.
    train: (recipe, TrainingContext) -> None: makes the model; what `litmine train NAME` runs.
    distributed: `train` hands its trainings to the context's `run`, so that several workers or GPUs can share them.
    evaluation: the dataclass of the evaluation's settings, made as that of the recipe is. Its fields are the flags of
        `litmine evaluate NAME`, its docstring is the help. Empty where there is no evaluation.
    evaluate: (evaluation) -> EvaluationResult: judges a model; what `litmine evaluate NAME` runs.
    """

    name: str
    about: str
    table: str
    identify: str
    load: str
    rows: str = ""
    logs: tuple[str, ...] = ()
    unit: Literal["part", "pair"] = "part"
    inputs: tuple[str, ...] = (ARTICLES,)
    per_input: bool = False
    shared: str = ""
    types: str = ""
    quotes: tuple[tuple[str, str, str], ...] = ()
    export: str = ""
    architectures: tuple[str, ...] = ()
    builtin: str = ""
    network: bool = True
    recipe: str = ""
    recipes: str = ""
    train: str = ""
    distributed: bool = False
    evaluation: str = ""
    evaluate: str = ""

    @property
    def upstream(self) -> tuple[str, ...]:
        """The tables of other tasks that its targets are made of."""
        return self.inputs[1:]


def import_object(reference: str) -> Any:
    """What `module:attribute` names. Raises ImportError or AttributeError for one that is not there."""
    module, _, attribute = reference.partition(":")
    return getattr(import_module(module), attribute)
