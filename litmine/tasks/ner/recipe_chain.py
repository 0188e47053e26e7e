"""What is learnt one after another: a recipe, and the one that goes on from its model, with the corpora that they read.

All is read and held against the rest before the first step: hours may lie between the two.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from litmine.corpora.corpus import Corpus, corpus_name, open_corpus
from litmine.corpora.decontamination import separate
from litmine.errors import CorpusError, SettingError
from litmine.specs import spec_named
from litmine.tasks.ner.examples import make_heads
from litmine.tasks.ner.recipe import Recipe
from litmine.training.recipe import make_recipe, read_recipe


@dataclass(frozen=True, slots=True)
class Lesson:
    """A recipe, its corpora in its order, and the dev splits that they have."""

    recipe: Recipe
    corpora: list[Corpus]
    dev: list[Corpus]


def prepare(recipe: Recipe, made: Path, say: Callable[[str], None]) -> list[Lesson]:
    """The lesson of the recipe, and that of the recipe that goes on from its model in the folder `made`, if one does.

    What stands in a dev split of either is in the corpora of neither. Raises CorpusError for a corpus that cannot be
    read, SettingError for corpora, recipes or texts that are not there or do not go together.
    """
    lessons = [_read(replace(recipe, then=""))]
    if recipe.then:
        lessons.append(_read_next(follow(recipe, made), lessons[0], recipe.then))
    corpora, dev = once(one.corpora for one in lessons), once(one.dev for one in lessons)
    for corpus in corpora:
        say(f"{corpus.name}: {len(corpus.passages):,} passages annotated with {', '.join(corpus.entity_types)}")
        if corpus.misplaced:
            lines = ", ".join(map(str, corpus.misplaced[:5])) + (", ..." if len(corpus.misplaced) > 5 else "")
            say(f"{corpus.path}: {len(corpus.misplaced)} mentions off their offsets are left out (lines {lines})")
    strict = any(one.recipe.strict_leaks for one in lessons)
    kept = {corpus.name: corpus for corpus in separate(corpora, dev, lessons[-1].recipe.separate_heads, strict, say)}
    return [replace(one, corpora=[kept[corpus.name] for corpus in one.corpora]) for one in lessons]


def once(several: Iterable[Sequence[Corpus]]) -> list[Corpus]:
    """The corpora of all of them, each once."""
    return list({corpus.name: corpus for corpora in several for corpus in corpora}.values())


def follow(recipe: Recipe, made: Path) -> Recipe:
    """The recipe `recipe.then`, to go on from the model of `recipe` in the folder `made`.

    Name, types, heads, window and bits are those of `recipe`, and corpora of the same name are where it has them.
    Raises SettingError when there is no such recipe, or it goes on to another itself.
    """
    spec = spec_named("ner")
    settings = read_recipe(spec, recipe.then)
    if settings.get("then"):
        raise SettingError(f"the recipe {recipe.then} goes on to {settings['then']} itself, and only one can follow")
    places = {corpus_name(reference): reference for reference in recipe.corpora}
    own = settings.get("corpora", recipe.corpora)
    texts = settings.get("unlabelled")
    following: Recipe = make_recipe(
        spec,
        settings
        | {name: getattr(recipe, name) for name in ("name", "window", "overlap", "int8")}
        | {
            "base": str(made),
            "unlabelled": (recipe.unlabelled or texts) if texts else None,
            "corpora": tuple(places.get(corpus_name(reference), reference) for reference in own),
            "separate_heads": tuple(dict.fromkeys((*recipe.separate_heads, *settings.get("separate_heads", ())))),
            "renamed": tuple(sorted((dict(settings.get("renamed", ())) | dict(recipe.renamed)).items())),
        },
    )
    return following


def _read(recipe: Recipe, before: Sequence[Lesson] = ()) -> Lesson:
    """The recipe's corpora and dev splits; what a lesson before has read is not read again. Raises as `prepare`."""
    if recipe.unlabelled and not Path(recipe.unlabelled).is_file():
        raise SettingError(
            f"the recipe reads {recipe.unlabelled}, which is not here; name a JSONL of abstracts with --unlabelled"
        )
    corpora = _open(recipe, "train", [corpus for lesson in before for corpus in lesson.corpora])
    lesson = Lesson(recipe, corpora, _open(recipe, "dev", [corpus for lesson in before for corpus in lesson.dev]))
    _check(lesson, [corpus for lesson in before for corpus in lesson.corpora])
    return lesson


def _open(recipe: Recipe, split: str, before: Sequence[Corpus]) -> list[Corpus]:
    known = {corpus.name: corpus for corpus in before}
    opened = (
        known.get(corpus_name(reference)) or open_corpus(reference, split, dict(recipe.renamed), recipe.tags)
        for reference in recipe.corpora
    )
    return [corpus for corpus in opened if corpus is not None]


def _read_next(recipe: Recipe, before: Lesson, called: str) -> Lesson:
    """The lesson that follows. SettingError when it would lose a head of the model, or keep a share of none."""
    leave = f"(the recipe {called} follows; --then none leaves it out)"
    try:
        lesson = _read(recipe, [before])
    except (CorpusError, SettingError) as error:
        raise type(error)(f"{error} {leave}") from error
    first, then = (
        [head.name for head in make_heads(one.corpora, one.recipe.separate_heads)] for one in (before, lesson)
    )
    if lost := [name for name in first if name not in then]:
        raise SettingError(
            f"the recipe {called} reads no corpus with {', '.join(lost)}, which the model would lose by it {leave}"
        )
    if recipe.base_weight_share and (new := [name for name in then if name not in first]):
        raise SettingError(
            f"the recipe {called} keeps a share of a model that knows {', '.join(new)}, which no corpus here annotates"
            f" before it {leave}"
        )
    return lesson


def _check(lesson: Lesson, before: Sequence[Corpus]) -> None:
    """SettingError or CorpusError when recipe, corpora, those of before among them, and dev do not go together."""
    recipe, corpora = lesson.recipe, lesson.corpora
    names = [corpus.name for corpus in corpora]
    if len(set(names)) < len(names):
        raise SettingError(f"the corpora {', '.join(names)} need names of their own; give --corpus NAME=PATH")
    if unknown := set(recipe.separate_heads).difference(names, (corpus.name for corpus in before)):
        raise SettingError(f"--separate-heads {', '.join(sorted(unknown))} is none of the corpora {', '.join(names)}")
    if unread := {name for name, _ in recipe.corpus_weights}.difference(names):
        raise SettingError(f"--corpus-weight {', '.join(sorted(unread))} is none of the corpora {', '.join(names)}")
    typed = [(one.name, kind) for one in (*before, *corpora) for kind in one.file_types]
    present = {f"{prefix}{kind}" for name, kind in typed for prefix in ("", f"{name}:")}
    if absent := {theirs for theirs, _ in recipe.renamed} - present:
        raise SettingError(
            f"--map renames {', '.join(sorted(absent))}, which no corpus annotates; they annotate"
            f" {', '.join(sorted({kind for one in corpora for kind in one.file_types}))}"
        )
    for corpus in lesson.dev:
        learnt = corpora[names.index(corpus.name)].entity_types
        if unlearnt := set(corpus.entity_types).difference(learnt):
            raise CorpusError(
                f"{corpus.path} annotates {', '.join(sorted(unlearnt))} and its train split does not;"
                " rename a type with --map NAME=TYPE, or leave it out with --map NAME=-"
            )
