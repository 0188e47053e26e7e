"""From a reference to a model: which task it is of, which model it is, and the model itself, loaded."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from litmine.errors import ModelError
from litmine.nn.references import BUILTIN_TRUNK, TRUNK, is_litmine_model, locate, model_folder_errors, read_description
from litmine.nn.trunk_folder import find_trunk, read_trunk_link, trunk_digest
from litmine.specs import BUILTIN, TASKS, TaskSpec, import_object, spec_named

if TYPE_CHECKING:
    from litmine.tasks.ner.tagger import Tagger
    from litmine.tasks.qa.reader import Reader

# Models that litmine made before it wrote their task are taggers.
_UNNAMED = "ner"


def task_of(folder: Path, among: Sequence[TaskSpec] = TASKS) -> TaskSpec:
    """The task whose model a folder holds. Raises ModelError when it is none of these, or may be several."""
    told = read_description(folder)
    if not told:
        # What is wrong with it is for the loader to say.
        return among[0]
    if is_litmine_model(folder):
        named = told.get("task", _UNNAMED)
        if named == TRUNK:
            raise ModelError(
                f"{folder} holds a trunk, the layers that several models share, and no model; give a model that goes"
                f" on from it ({BUILTIN} goes on from {BUILTIN_TRUNK}), or start a training from it with --base"
            )
        fits = [spec for spec in TASKS if spec.name == named]
        kind = f"a model of the task {named!r}"
    else:
        architectures = told.get("architectures")
        names = [name for name in architectures if isinstance(name, str)] if isinstance(architectures, list) else []
        fits = [spec for spec in TASKS if any(name.endswith(spec.architectures) for name in names)]
        if not names:
            raise ModelError(
                f"{folder} does not hold a model that litmine can load: its config.json names no architecture"
            )
        kind = f"a {names[0]}"
    chosen = [spec for spec in among if spec in fits]
    if len(chosen) == 1:
        return chosen[0]
    if chosen:
        raise ModelError(
            f"{folder} holds {kind}, which may serve {' or '.join(spec.name for spec in chosen)}; choose with --task"
        )
    wanted = " or ".join(f"one that {spec.about} ({spec.name})" for spec in among)
    what = f"{kind}, which {fits[0].about}" if fits else kind
    raise ModelError(f"{folder} holds {what}; what is needed here is {wanted}")


def find(ref: str, among: Sequence[TaskSpec] = TASKS) -> tuple[TaskSpec, Path, str]:
    """The task, the folder and the name of a reference. Raises ModelError as `locate` and `task_of`.

    Where only one task is possible, `builtin` is that task's built-in model.
    """
    if ref == BUILTIN and len(among) == 1 and among[0].builtin:
        ref = among[0].builtin
    folder, name = locate(ref)
    return task_of(folder, among), folder, name


def identify(ref: str, among: Sequence[TaskSpec] = TASKS) -> str:
    """`name@digest` of a reference, without loading its weights. Raises ModelError as `find`, and for damage."""
    spec, folder, name = find(ref, among)
    return identify_folder(spec, folder, name)


def trunk_of(ref: str) -> str:
    """The digest of the trunk that a model shares with others, without loading weights.

    Empty for a model with an encoder of its own. Raises ModelError as `locate`, and when the trunk is not the right
    one.
    """
    folder, _ = locate(ref)
    with model_folder_errors(folder):
        link = read_trunk_link(folder)
        return "" if link is None else trunk_digest(find_trunk(folder, link))


def identify_folder(spec: TaskSpec, folder: Path, name: str) -> str:
    """`name@digest` of a folder that holds a model of the task. Raises ModelError."""
    model: str = _told(spec.identify, folder, name)
    return model


def _told(reference: str, folder: Path, name: str) -> Any:
    """What a task's own code says of a folder. Raises ModelError."""
    with model_folder_errors(folder):
        return import_object(reference)(folder, name)


def types(ref: str) -> tuple[str, ...]:
    """The values of the task's shared column that a model gives, `entity_type` for a tagger. Raises as `identify`."""
    spec, folder, name = find(ref)
    given: tuple[str, ...] = _told(spec.types, folder, name) if spec.types else ()
    return given


def load(
    ref: str,
    task: str,
    device: str = "auto",
    precision: str = "auto",
    batch_tokens: int | None = None,
    **more: Any,
) -> Any:
    """Load a model of a task.

    `device` is `auto`, `cpu` or `cuda`; `precision` is `auto`, `float32` or `bf16`; `batch_tokens` is the size of a
    batch in tokens; `more` is for the task's own loader. Raises ModelError when the model is unknown, cannot be
    fetched, is not one of the task, or cannot be run as asked.
    """
    spec, folder, name = find(ref, [spec_named(task)])
    return import_object(spec.load)(folder, name, device, precision, batch_tokens=batch_tokens, **more)


def load_model(
    ref: str,
    device: str = "auto",
    precision: str = "auto",
    heads: Sequence[str] | None = None,
    batch_tokens: int | None = None,
) -> "Tagger":
    """Load a tagger as `load` does; `heads` names heads to use instead of the default ones."""
    tagger: Tagger = load(ref, "ner", device, precision, batch_tokens, heads=heads)
    return tagger


def load_reader(ref: str, device: str = "auto", precision: str = "auto", batch_tokens: int | None = None) -> "Reader":
    """Load a reader of questions as `load` does."""
    reader: Reader = load(ref, "qa", device, precision, batch_tokens)
    return reader
