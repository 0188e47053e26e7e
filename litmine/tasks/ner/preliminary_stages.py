"""What may come before a training: masked words on text that nobody annotated, teachers, a model to go on from.

Each stage is a folder inside the model's own, whole before the next begins, so that a killed run goes on in the stage
where it was. They are gone when the model is done.
"""

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

from litmine.corpora.corpus import Corpus
from litmine.corpora.decontamination import find_leaks, without
from litmine.corpora.formats import Passage
from litmine.errors import ModelError
from litmine.lake.file_writer import write_whole
from litmine.nn.loading import TOKENIZER_FILE
from litmine.nn.weights import WEIGHTS_FILE, save_weights
from litmine.tasks.ner.folder import load_folder
from litmine.tasks.ner.recipe import Recipe
from litmine.tasks.ner.recipe_chain import Lesson
from litmine.tasks.ner.settings import Settings
from litmine.tasks.ner.train import Run, Trained, train, vocabulary_texts
from litmine.training.base import abstracts, prune, read_base
from litmine.training.checkpoint import drop_checkpoint, writing
from litmine.training.distributed import Team
from litmine.training.pretrain import pretrain
from litmine.training.pretrain_data import split_texts
from litmine.training.pretrain_settings import Pretraining

# Sentences of a corpus that are read as one text in pretraining.
_TOGETHER = 8
_DONE = "done.json"
# The folder of the model that another recipe goes on from.
FIRST = "first"


def train_in_stages(
    recipe: Recipe,
    corpora: Sequence[Corpus],
    dev: Sequence[Corpus],
    folder: Path,
    say: Callable[[str], None],
    run: Run,
) -> Trained:
    """Pretrain, train the teachers and then the model, as far as the recipe asks for them.

    `corpora` are without leaks; unlabelled texts that stand in `dev` are left out here. Raises as `train` does.
    """
    unlabelled = _unlabelled(recipe, dev, say)
    base = _pretrained(recipe, corpora, unlabelled, folder / "pretrained", say) if recipe.pretrain else None
    teachers, undone = [], []
    for number in range(1, recipe.teachers + 1):
        teacher = replace(recipe, seed=recipe.seed + number, teachers=0, int8=False)
        place = folder / f"teacher-{number}"
        teachers.append(place)
        if not _is_done(place, teacher):
            undone.append(partial(_teach, f"teacher {number} of {recipe.teachers}", teacher, corpora, place, base))
    if undone:
        run(undone)
    told = [*corpora, unlabelled] if teachers and unlabelled else corpora
    (trained,) = run([partial(train, recipe, told, folder, base=base, teachers=teachers)])
    _read_once(recipe, folder, corpora[0].passages[0].text)
    return trained


def train_first(lesson: Lesson, dev: Sequence[Corpus], folder: Path, say: Callable[[str], None], run: Run) -> Trained:
    """Make the model that another recipe goes on from, a stage of that one's `folder`; returns what made it.

    Raises as `train_in_stages`.
    """
    place = folder / FIRST
    if not _is_done(place, lesson.recipe):
        # What went on from another is worth nothing.
        drop_checkpoint(folder)
        say(f"first the model to go on from, in {place}")
        _note_done(place, lesson.recipe, train_in_stages(lesson.recipe, lesson.corpora, dev, place, say, run))
    drop_checkpoint(place)
    drop_stages(place)
    return _made_by(place)


def drop_stages(folder: Path) -> None:
    """Remove what the stages left in the model's folder."""
    for place in [folder / FIRST, folder / "pretrained", *folder.glob("teacher-*")]:
        shutil.rmtree(place, ignore_errors=True)


def _unlabelled(recipe: Recipe, dev: Sequence[Corpus], say: Callable[[str], None]) -> Corpus | None:
    """The recipe's texts without annotation as a corpus that annotates nothing, those of a dev split left out."""
    if not recipe.unlabelled or not (recipe.pretrain or recipe.teachers):
        return None
    path = Path(recipe.unlabelled)
    passages = tuple(Passage(text, ()) for text in dict.fromkeys(abstracts(path)) if text.strip())
    corpus = Corpus("unlabelled", path, (), passages, continuous=False)
    leaks = find_leaks([corpus], dev)
    if leaks:
        say(f"{len({leak.index for leak in leaks}):,} unlabelled texts stand in a dev split and are left out")
    return without([corpus], leaks)[0]


def _pretrained(
    recipe: Recipe, corpora: Sequence[Corpus], unlabelled: Corpus | None, folder: Path, say: Callable[[str], None]
) -> Path:
    """The recipe's base, its vocabulary pruned, after `recipe.pretrain` tokens of masked words."""
    if _is_done(folder, recipe):
        return folder
    start = folder / "start"
    base = prune(read_base(recipe.base, recipe.longest + 2), vocabulary_texts(recipe, corpora), recipe.vocabulary)
    with writing(folder):
        start.mkdir(parents=True, exist_ok=True)
        save_weights(base.encoder.state_dict(), start, int8=False)
        base.config.save_pretrained(start)
        base.tokenizer.save(str(start / TOKENIZER_FILE), pretty=False)
    texts = [passage.text for passage in unlabelled.passages] if unlabelled else []
    for corpus in corpora:
        together = _TOGETHER if corpus.continuous else 1
        sentences = [passage.text for passage in corpus.passages]
        texts += [" ".join(sentences[i : i + together]) for i in range(0, len(sentences), together)]
    say(f"pretraining on {recipe.pretrain:,} tokens")
    settings = Pretraining(
        f"{recipe.name}-base",
        str(start),
        tokens=recipe.pretrain,
        batch_tokens=recipe.pretrain_batch,
        learning_rate=recipe.pretrain_rate,
        seed=recipe.seed,
    )
    pretrain(settings, split_texts(texts), folder, say)
    _note_done(folder, recipe)
    return folder


def _teach(
    name: str, teacher: Recipe, corpora: Sequence[Corpus], folder: Path, base: Path | None, say: Callable[[str], None]
) -> Trained:
    """Train one of the teachers, that says its name with all it says."""
    say(name)
    trained = train(teacher, corpora, folder, lambda line: say(f"{name}: {line}"), base=base)
    if Team.here().leads:
        _note_done(folder, teacher)
    return trained


def _read_once(recipe: Recipe, folder: Path, text: str) -> None:
    """ModelError when the saved model gives no number: what its last step did to the weights, no loss has told."""
    try:
        load_folder(folder, recipe.name, precision="float32").annotate([text])
    except ModelError as error:
        (folder / WEIGHTS_FILE).unlink()
        raise ModelError(
            f"the model that was trained cannot be used ({error}); try a learning rate below {recipe.learning_rate:g}"
        ) from error


def _is_done(folder: Path, recipe: Recipe) -> bool:
    """Whether a stage of this recipe was ended in that folder."""
    file = folder / _DONE
    if not file.is_file():
        return False
    said = json.loads(file.read_text(encoding="utf-8"))
    return bool(said["recipe"] == json.loads(json.dumps(asdict(recipe))))


def _note_done(folder: Path, recipe: Recipe, trained: Trained | None = None) -> None:
    said = {"recipe": asdict(recipe), "trained": trained and asdict(replace(trained, heads=()))}
    write_whole(folder / _DONE, lambda file: file.write_text(json.dumps(said), encoding="utf-8"))


def _made_by(folder: Path) -> Trained:
    """What made the model of a stage that is done."""
    said = json.loads((folder / _DONE).read_text(encoding="utf-8"))["trained"]
    return Trained(**{**said, "heads": Settings.load(folder).heads})
