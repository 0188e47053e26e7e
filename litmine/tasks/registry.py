"""Find, identify and load the model that a reference means, whatever its task.

A reference is a built-in model's name, a folder, or an id on the Hugging Face Hub (`litmine.nn.references.locate`), or
a file that a task reads as a model (`TaskSpec.files`). The task decides which code reads the folder or the file.
"""

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from litmine.errors import ModelError
from litmine.lake.paths import LakePath, parse_lake_path
from litmine.nn.references import BUILTIN_TRUNK, TRUNK, is_litmine_model, locate, model_folder_errors, read_description
from litmine.nn.trunk_folder import find_trunk, read_trunk_link, trunk_digest
from litmine.specs import BUILTIN, BUILTIN_LINKER, TASKS, TaskSpec, import_object, runs_always, spec_by_name

if TYPE_CHECKING:
    from litmine.tasks.classification.classifier import Classifier
    from litmine.tasks.linking.linked_tagger import LinkedTagger
    from litmine.tasks.ner.tagger import Tagger
    from litmine.tasks.ner.term_tagger import TermTagger
    from litmine.tasks.qa.reader import Reader

# The task of a `litmine.json` without one: the oldest models are taggers and do not name it.
_DEFAULT_TASK = "ner"
# The tasks whose models `load_model` loads.
_ANNOTATING = ("ner", "classification")


def detect_task(folder: Path, among: Sequence[TaskSpec] = TASKS) -> TaskSpec:
    """The task of the model in a folder. Raises ModelError unless exactly one of the tasks in `among` fits it.

    A folder without a readable description gets the first task, whose loader raises the precise error.
    """
    description = read_description(folder)
    if not description:
        return among[0]
    if is_litmine_model(folder):
        task = description.get("task", _DEFAULT_TASK)
        if task == TRUNK:
            raise ModelError(
                f"{folder} holds a trunk (the layers that several models share), not a model; give a model on this"
                f" trunk ({BUILTIN} is on {BUILTIN_TRUNK}), or train one with --base"
            )
        fits = [spec for spec in TASKS if spec.name == task]
        kind = f"a model of the task {task!r}"
    else:
        architectures = description.get("architectures")
        names = [name for name in architectures if isinstance(name, str)] if isinstance(architectures, list) else []
        if not names:
            raise ModelError(
                f"{folder} does not hold a model that litmine can load: its config.json names no architecture"
            )
        fits = [spec for spec in TASKS if any(name.endswith(spec.architectures) for name in names)]
        kind = f"a {names[0]}"
    matches = [spec for spec in among if spec in fits]
    if len(matches) > 1:
        declared = [spec for spec in matches if spec.declaration and (folder / spec.declaration).is_file()]
        matches = declared or [spec for spec in matches if not spec.declaration] or matches
    if len(matches) == 1:
        return matches[0]
    if matches:
        tasks = " or ".join(spec.name for spec in matches)
        raise ModelError(f"{folder} holds {kind}, which fits the tasks {tasks}; choose one with --task")
    wanted = " or ".join(f"one that {spec.purpose} ({spec.name})" for spec in among if not runs_always(spec.name))
    held = f"{kind}, which {fits[0].purpose}" if fits else kind
    raise ModelError(f"{folder} holds {held}; give {wanted}")


def find_model(ref: str, among: Sequence[TaskSpec] = TASKS) -> tuple[TaskSpec, LakePath, str]:
    """Task, folder or file, and name of a referenced model, downloaded if necessary.

    If `among` has only one task, the reference `builtin` means that task's built-in model. Raises ModelError as
    `locate` and `detect_task` do.
    """
    for spec in among:
        if spec.files and ref.endswith(spec.files) and not Path(ref).is_dir():
            file = parse_lake_path(ref)
            return spec, file, file.stem
    if ref == BUILTIN and len(among) == 1 and among[0].builtin:
        ref = among[0].builtin
    folder, name = locate(ref)
    return detect_task(folder, among), folder, name


def identify(ref: str, among: Sequence[TaskSpec] = TASKS, vocabulary: str = "") -> str:
    """`name@digest` of a referenced model, without loading its weights; for `vocabulary` see `identify_folder`.

    Raises ModelError as `find_model` does, and when the folder is damaged.
    """
    spec, folder, name = find_model(ref, among)
    return identify_folder(spec, folder, name, vocabulary)


def identify_folder(spec: TaskSpec, folder: LakePath, name: str, vocabulary: str = "") -> str:
    """`name@digest` of the task's model in a folder or a file. Raises ModelError when it is damaged.

    vocabulary: the reference of the vocabulary of a model that links to one; the built-in one if empty.
    """
    more = {"vocabulary": vocabulary} if spec.vocabulary else {}
    model: str = _call(spec.identify, folder, name, **more)
    return model


def model_types(ref: str) -> tuple[str, ...]:
    """The values that a model gives to its task's type column (`TaskSpec.type_column`): a tagger's entity types.

    Empty if the task has no such column. Raises ModelError as `identify` does.
    """
    spec, folder, name = find_model(ref)
    types: tuple[str, ...] = _call(spec.types, folder, name) if spec.types else ()
    return types


def has_network(spec: TaskSpec, folder: LakePath) -> bool:
    """Whether the task's model in a folder or a file has a neural network; rules say in `litmine.json` that not."""
    if not spec.network:
        return False
    if isinstance(folder, Path) and folder.is_dir():
        return bool(read_description(folder).get("network", True))
    return not folder.name.endswith(spec.files)


def trunk_digest_of(ref: str) -> str:
    """The digest of the trunk that a model shares with others, without loading weights; empty if it shares none.

    Raises ModelError as `locate` does, and when the trunk is missing or not the one that the model was trained on.
    """
    folder, _ = locate(ref)
    with model_folder_errors(folder):
        link = read_trunk_link(folder)
        return "" if link is None else trunk_digest(find_trunk(folder, link))


def _call(reference: str, folder: LakePath, name: str, **more: str) -> Any:
    """Call a function of the task, `module:function`, on a folder or file. Raises ModelError for any error in it."""
    with model_folder_errors(folder):
        return import_object(reference)(folder, name, **more)


def load_task_model(
    ref: str,
    task: str,
    device: str = "auto",
    precision: str = "auto",
    batch_tokens: int | None = None,
    **more: Any,
) -> Any:
    """Load a model of a task, a `litmine.tasks.contract.StepModel`.

    `device` is `auto`, `cpu` or `cuda`; `precision` is `auto`, `float32` or `bf16`; `batch_tokens` is the size of a
    batch in tokens; `more` goes to the task's loader (`TaskSpec.load`). Raises ModelError when the model is unknown,
    cannot be downloaded, has another task, or cannot run with these options.
    """
    spec, folder, name = find_model(ref, [spec_by_name(task)])
    return import_object(spec.load)(folder, name, device, precision, batch_tokens=batch_tokens, **more)


@overload
def load_model(
    ref: str,
    device: str = "auto",
    precision: str = "auto",
    heads: Sequence[str] | None = None,
    batch_tokens: int | None = None,
    link: Literal[False] = False,
    linker: str = BUILTIN_LINKER,
    vocabulary: str = "",
) -> "Tagger": ...


@overload
def load_model(
    ref: str,
    device: str = "auto",
    precision: str = "auto",
    heads: Sequence[str] | None = None,
    batch_tokens: int | None = None,
    *,
    link: Literal[True],
    linker: str = BUILTIN_LINKER,
    vocabulary: str = "",
) -> "LinkedTagger": ...


def load_model(
    ref: str,
    device: str = "auto",
    precision: str = "auto",
    heads: Sequence[str] | None = None,
    batch_tokens: int | None = None,
    link: bool = False,
    linker: str = BUILTIN_LINKER,
    vocabulary: str = "",
) -> Any:
    """Load a tagger or a classifier, whose `annotate` gives the entities or the labels of texts, as `load_task_model`.

    heads: names of a tagger's heads to use instead of the default ones.
    link: whether its entities get identifiers, from `linker` and `vocabulary`; the built-in ones if not given. Raises
    ModelError also for a term list, which `load_terms` loads, and VocabularyError for a vocabulary that does not exist.
    """
    if ref.endswith(spec_by_name("ner").files):
        raise ModelError(f"{ref} is a term list; load it with litmine.load_terms")
    if heads is None and not link and find_model(ref, [spec_by_name(name) for name in _ANNOTATING])[0].name != "ner":
        classifier: Classifier = load_task_model(ref, "classification", device, precision, batch_tokens)
        return classifier
    tagger: Tagger = load_task_model(ref, "ner", device, precision, batch_tokens, heads=heads)
    if not link:
        return tagger
    from litmine.tasks.linking.linked_tagger import LinkedTagger

    return LinkedTagger(tagger, load_task_model(linker, "linking", vocabulary=vocabulary))


def load_terms(file: str | PathLike[str]) -> "TermTagger":
    """Load a term list, whose `annotate` finds its names in texts. Raises TermListError when it cannot be read."""
    from litmine.tasks.ner.term_list import read_term_list
    from litmine.tasks.ner.term_tagger import TermTagger

    return TermTagger(read_term_list(Path(file)))


def load_reader(ref: str, device: str = "auto", precision: str = "auto", batch_tokens: int | None = None) -> "Reader":
    """Load a reader, as `load_task_model`."""
    reader: Reader = load_task_model(ref, "qa", device, precision, batch_tokens)
    return reader
