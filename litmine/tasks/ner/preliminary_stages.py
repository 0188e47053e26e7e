"""Run the stages of a training: pretraining on unlabelled text, teachers, a first model to continue from, the model.

Each stage writes a folder inside the model's folder and is complete before the next begins, so a killed run resumes in
the stage where it stopped. `drop_stages` removes these folders when the model is finished.
"""

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

from litmine.corpora.corpus import Corpus
from litmine.corpora.decontamination import find_leaks, remove_passages
from litmine.corpora.formats import Passage
from litmine.errors import ModelError
from litmine.lake.file_writer import write_atomically
from litmine.nn.loading import TOKENIZER_FILE
from litmine.nn.weights import WEIGHTS_FILE, save_weights
from litmine.tasks.ner.averaged_runs import average_runs
from litmine.tasks.ner.folder import load_folder
from litmine.tasks.ner.recipe import TaggerRecipe
from litmine.tasks.ner.recipe_chain import PreparedRecipe
from litmine.tasks.ner.settings import TaggerSettings
from litmine.tasks.ner.train import RunJobs, TaggerTrainingSummary, train, vocabulary_texts
from litmine.training.base import prune_base, read_abstracts, read_base
from litmine.training.checkpoint import delete_checkpoint, model_write_errors
from litmine.training.distributed import ProcessGroup
from litmine.training.pretrain import pretrain
from litmine.training.pretrain_data import split_texts
from litmine.training.pretrain_recipe import PretrainingRecipe

# Consecutive sentences of a corpus that form one text in pretraining.
_SENTENCES_PER_TEXT = 8
_DONE = "done.json"
# The folder of the model from which another recipe continues.
FIRST_MODEL = "first"


def train_in_stages(
    recipe: TaggerRecipe,
    corpora: Sequence[Corpus],
    dev: Sequence[Corpus],
    folder: Path,
    log: Callable[[str], None],
    run: RunJobs,
) -> TaggerTrainingSummary:
    """Pretrain the base and train the teachers, if the recipe sets them, and then train the model.

    `corpora` contain no leaks; unlabelled texts that occur in `dev` are removed here. Raises as `train`.
    """
    unlabelled = _unlabelled(recipe, dev, log)
    base = _pretrain_base(recipe, corpora, unlabelled, folder / "pretrained", log) if recipe.pretrain_tokens else None
    teachers, jobs = [], []
    for number in range(1, recipe.teachers + 1):
        teacher = replace(recipe, seed=recipe.seed + number, teachers=0, averaged=1, int8=False)
        teacher_folder = folder / f"teacher-{number}"
        teachers.append(teacher_folder)
        if not _is_done(teacher_folder, teacher):
            name = f"teacher {number} of {recipe.teachers}"
            jobs.append(partial(train_stage, name, teacher, corpora, teacher_folder, base, (), teacher.seed))
    if jobs:
        run(jobs)
    with_unlabelled = [*corpora, unlabelled] if teachers and unlabelled else corpora
    if recipe.averaged == 1:
        (trained,) = run([partial(train, recipe, with_unlabelled, folder, base=base, teachers=teachers)])
    else:
        trained = _train_and_average(recipe, with_unlabelled, folder, base, teachers, log, run)
    _check_usable(recipe, folder, corpora[0].passages[0].text)
    return trained


def _train_and_average(
    recipe: TaggerRecipe,
    corpora: Sequence[Corpus],
    folder: Path,
    base: Path | None,
    teachers: Sequence[Path],
    log: Callable[[str], None],
    run: RunJobs,
) -> TaggerTrainingSummary:
    """Train `recipe.averaged` times in subfolders, and write the model with the mean weights to `folder`."""
    folders = [folder / f"run-{number}" for number in range(1, recipe.averaged + 1)]
    jobs = []
    for number, of_run in enumerate(folders):
        one = replace(recipe, seed=recipe.seed + number, averaged=1, int8=False)
        if not _is_done(of_run, one):
            name = f"run {number + 1} of {recipe.averaged}"
            # Weights can be averaged only if the runs start from the same ones, those of new heads included.
            jobs.append(partial(train_stage, name, one, corpora, of_run, base, teachers, recipe.seed))
    if jobs:
        run(jobs)
    summaries = [_read_summary(of_run) for of_run in folders]
    if ProcessGroup.current().is_main:
        average_runs(folders, folder, recipe)
        log(f"the weights are the mean of {recipe.averaged} runs")
    totals = {name: sum(getattr(one, name) for one in summaries) for name in ("steps", "tokens", "seconds")}
    return replace(summaries[0], **totals)


def train_first_model(
    prepared: PreparedRecipe, dev: Sequence[Corpus], folder: Path, log: Callable[[str], None], run: RunJobs
) -> TaggerTrainingSummary:
    """Train the model from which another recipe continues, in a subfolder of the final model's `folder`.

    Returns the summary of its training, which may be an earlier run's. Raises as `train_in_stages`.
    """
    first = folder / FIRST_MODEL
    if not _is_done(first, prepared.recipe):
        # A checkpoint of the final model that continued from another first model is worthless.
        delete_checkpoint(folder)
        log(f"training the first model in {first}")
        _mark_done(first, prepared.recipe, train_in_stages(prepared.recipe, prepared.corpora, dev, first, log, run))
    delete_checkpoint(first)
    drop_stages(first)
    return _read_summary(first)


def drop_stages(folder: Path) -> None:
    """Remove the folders of the stages from the model's folder."""
    for stage in [folder / FIRST_MODEL, folder / "pretrained", *folder.glob("teacher-*"), *folder.glob("run-*")]:
        shutil.rmtree(stage, ignore_errors=True)


def _unlabelled(recipe: TaggerRecipe, dev: Sequence[Corpus], log: Callable[[str], None]) -> Corpus | None:
    """The recipe's unlabelled texts as a corpus without entity types and without texts of a dev split."""
    if not recipe.unlabelled or not (recipe.pretrain_tokens or recipe.teachers):
        return None
    path = Path(recipe.unlabelled)
    passages = tuple(Passage(text, ()) for text in dict.fromkeys(read_abstracts(path)) if text.strip())
    corpus = Corpus("unlabelled", path, (), passages, continuous=False)
    leaks = find_leaks([corpus], dev)
    if leaks:
        log(f"skipped {len({leak.index for leak in leaks}):,} unlabelled texts that occur in a dev split")
    return remove_passages([corpus], leaks)[0]


def _pretrain_base(
    recipe: TaggerRecipe, corpora: Sequence[Corpus], unlabelled: Corpus | None, folder: Path, log: Callable[[str], None]
) -> Path:
    """Prune the base's vocabulary and pretrain it on `recipe.pretrain_tokens` tokens; returns its folder."""
    if _is_done(folder, recipe):
        return folder
    start = folder / "start"
    base = prune_base(
        read_base(recipe.base, recipe.max_passage_tokens + 2), vocabulary_texts(recipe, corpora), recipe.vocabulary
    )
    with model_write_errors(folder):
        start.mkdir(parents=True, exist_ok=True)
        save_weights(base.encoder.state_dict(), start, int8=False)
        base.config.save_pretrained(start)
        base.tokenizer.save(str(start / TOKENIZER_FILE), pretty=False)
    texts = [passage.text for passage in unlabelled.passages] if unlabelled else []
    for corpus in corpora:
        per_text = _SENTENCES_PER_TEXT if corpus.continuous else 1
        sentences = [passage.text for passage in corpus.passages]
        texts += [" ".join(sentences[i : i + per_text]) for i in range(0, len(sentences), per_text)]
    log(f"pretraining on {recipe.pretrain_tokens:,} tokens")
    settings = PretrainingRecipe(
        f"{recipe.name}-base",
        str(start),
        tokens=recipe.pretrain_tokens,
        batch_tokens=recipe.pretrain_batch_tokens,
        learning_rate=recipe.pretrain_learning_rate,
        seed=recipe.seed,
    )
    pretrain(settings, split_texts(texts), folder, log)
    _mark_done(folder, recipe)
    return folder


def train_stage(
    name: str,
    recipe: TaggerRecipe,
    corpora: Sequence[Corpus],
    folder: Path,
    base: Path | None,
    teachers: Sequence[Path],
    start_seed: int,
    log: Callable[[str], None],
) -> TaggerTrainingSummary:
    """Train one of several models of a stage, such as a teacher; its log messages begin with its name."""
    log(name)

    def with_name(line: str) -> None:
        log(f"{name}: {line}")

    trained = train(recipe, corpora, folder, with_name, base=base, teachers=teachers, start_seed=start_seed)
    if ProcessGroup.current().is_main:
        _mark_done(folder, recipe, trained)
    return trained


def _check_usable(recipe: TaggerRecipe, folder: Path, text: str) -> None:
    """Raise ModelError when the saved model's output is not finite; no loss is computed after the last step."""
    try:
        load_folder(folder, recipe.name, precision="float32").annotate([text])
    except ModelError as error:
        (folder / WEIGHTS_FILE).unlink()
        raise ModelError(
            f"the trained model is unusable ({error}); try a learning rate below {recipe.learning_rate:g}"
        ) from error


def _is_done(folder: Path, recipe: TaggerRecipe) -> bool:
    """Whether a stage with this recipe is complete in the folder."""
    file = folder / _DONE
    if not file.is_file():
        return False
    done = json.loads(file.read_text(encoding="utf-8"))
    return bool(done["recipe"] == json.loads(json.dumps(asdict(recipe))))


def _mark_done(folder: Path, recipe: TaggerRecipe, trained: TaggerTrainingSummary | None = None) -> None:
    done = {"recipe": asdict(recipe), "trained": trained and asdict(replace(trained, heads=()))}
    write_atomically(folder.resolve() / _DONE, lambda file: file.write_text(json.dumps(done), encoding="utf-8"))


def _read_summary(folder: Path) -> TaggerTrainingSummary:
    """The training summary of a completed stage."""
    stored = json.loads((folder / _DONE).read_text(encoding="utf-8"))["trained"]
    return TaggerTrainingSummary(**{**stored, "heads": TaggerSettings.load(folder).heads})
