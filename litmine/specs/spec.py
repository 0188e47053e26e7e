"""`TaskSpec`: what defines a task, from the table that it fills to the code that loads and trains its models."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal

ARTICLES = "articles"


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """One task. Code is named as `module:attribute` and imported on first use, so that `litmine --help` stays quick.

    name: the task's name in `litmine.json`, in `litmine train NAME` and `litmine evaluate NAME`, and for `--task`.
    purpose: what a model of the task does, as a verb phrase: "finds entities".
    table: the table of its targets (`schemas/<table>.json`); `schemas/<table>.sql` has its views.
    logs: further tables that it writes, with one file per run, like the log of runs.
    unit: `part` for one target per article part; `pair` for pairs of a question and a text, with one file per slice of
        the pairs.
    inputs: the tables that a target is computed from: `articles`, then tables of earlier tasks.
    extends: the table of an earlier task whose rows its targets repeat, in the same order, with further columns. A
        model writes one target for each model of that task, from all its rows, and the views read this target instead
        of the other. If empty, a target is made from the output of all active models of the earlier tasks.
    extended_inputs: whether an input is the target that extends it, where an active model made one: entities with the
        identifiers of their links. Then other links make other targets.
    vocabulary: whether its models link to a vocabulary. Then `identify` and `load` take its reference, `vocabulary=`.
    type_column: the column whose values are divided among the active models, each value to one model (`entity_type`).
        If empty, the models of the last run are the active ones.
    types: (folder, name) -> the values of that column that a model can give, read without loading weights.
    quotes: triples of columns (start, end, quote), where `quote` is the text from start to end.
    export: the view whose rows `export --format jsonl` adds to each article under the table's name; empty for none.
    files: endings of the names of files that are models of the task, without a network: term lists.
    architectures: suffixes of the Hugging Face architectures (in config.json) that the task loads.
    declaration: the file that a folder of such an architecture has if its model is one of this task rather than one of
        another task with the same architectures; empty for the task of folders without such a file.
    builtin: the reference of the built-in model, in `models/builtin/<name>`; empty for none.
    companions: references of further built-in models, without a network, that `annotate` runs beside `builtin` unless
        the user or the lake chose otherwise; `builtin-variants` is in `models/builtin/variants`.
    further: references of further built-in models of the task, which run where a later task needs them, and afterwards
        in every `annotate` of that lake; `builtin-adverse-effects` is in `models/builtin/adverse-effects`.
    needs: references of built-in models of earlier tasks that `annotate --task NAME` runs first, since models of the
        task read what they find.
    identify: (folder, name) -> `name@digest`, computed without loading weights.
    load: (folder, name, device, precision, batch_tokens=..., trunks=...) -> a `litmine.tasks.contract.StepModel`;
        `trunks` are the encoders already loaded, for a model that shares one of them.
    rows: (texts, results) -> the rows of a target (`litmine.lake.targets.TargetRow`), for the unit `part`.
    always: whether `annotate` runs the built-in model in every run, beside the models that the user chose.
    network: whether its models have a neural network. A model without one runs in the same worker as the models whose
        output it reads.
    recipe: the dataclass of the training settings, made with `litmine.settings.setting` in a module that does not
        import torch. Its fields are the flags of `litmine train NAME`, and its docstring is the help. A field `name`
        defaults to the name of the output folder. Empty for a task without training.
    recipes: the folder of the recipes that ship with litmine, beside the module of `recipe`; empty for none.
    train: (recipe, TrainingContext) -> None: trains and saves a model; `litmine train NAME` calls it.
    distributed: whether `train` passes its trainings to the context's `run`, so that workers or GPUs can share them.
    evaluation: the dataclass of the evaluation settings, made like that of the recipe. Its fields are the flags of
        `litmine evaluate NAME`, and its docstring is the help. Empty for a task without evaluation.
    evaluate: (evaluation) -> EvaluationResult: evaluates a model; `litmine evaluate NAME` calls it.
    """

    name: str
    purpose: str
    table: str
    identify: str
    load: str
    rows: str = ""
    logs: tuple[str, ...] = ()
    unit: Literal["part", "pair"] = "part"
    inputs: tuple[str, ...] = (ARTICLES,)
    extends: str = ""
    extended_inputs: bool = False
    vocabulary: bool = False
    type_column: str = ""
    types: str = ""
    quotes: tuple[tuple[str, str, str], ...] = ()
    export: str = ""
    files: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    declaration: str = ""
    builtin: str = ""
    companions: tuple[str, ...] = ()
    further: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    always: bool = False
    network: bool = True
    recipe: str = ""
    recipes: str = ""
    train: str = ""
    distributed: bool = False
    evaluation: str = ""
    evaluate: str = ""

    @property
    def builtins(self) -> tuple[str, ...]:
        """The references of all built-in models of the task."""
        return (self.builtin, *self.companions, *self.further) if self.builtin else ()

    @property
    def upstream(self) -> tuple[str, ...]:
        """The tables of other tasks that its targets are computed from."""
        return self.inputs[1:]


def import_object(reference: str) -> Any:
    """The object that `module:attribute` names. Raises ImportError or AttributeError if it does not exist."""
    module, _, attribute = reference.partition(":")
    return getattr(import_module(module), attribute)
