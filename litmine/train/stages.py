"""What may come before a training: masked words on text that nobody annotated, and teachers to learn from.

Each stage is a folder inside the model's own, whole before the next begins, so that a killed run goes on in the stage
where it was. They are gone when the model is done.
"""

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

from litmine.models.folder import TOKENIZER_FILE
from litmine.models.weights import save_weights
from litmine.train.base import prune, read_base
from litmine.train.checkpoint import writing
from litmine.train.corpora import Corpus
from litmine.train.formats.passage import Passage
from litmine.train.leaks import find_leaks, without
from litmine.train.loop import Run, Trained, train, vocabulary_texts
from litmine.train.mlm import Pretraining, pretrain
from litmine.train.mlm_texts import split_texts
from litmine.train.recipe import Recipe
from litmine.train.team import Team
from litmine.train.vocabulary import abstracts

# Sentences of a corpus that are read as one text in pretraining.
_TOGETHER = 8
_DONE = "done.json"


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
    return trained


def drop_stages(folder: Path) -> None:
    """Remove what the stages left in the model's folder."""
    for place in [folder / "pretrained", *folder.glob("teacher-*")]:
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


def _is_done(folder: Path, recipe: Recipe) -> bool:
    """Whether a stage of this recipe was ended in that folder."""
    file = folder / _DONE
    return file.is_file() and json.loads(file.read_text(encoding="utf-8")) == json.loads(json.dumps(asdict(recipe)))


def _note_done(folder: Path, recipe: Recipe) -> None:
    with writing(folder):
        (folder / _DONE).write_text(json.dumps(asdict(recipe)), encoding="utf-8")
