"""Prepare a recipe and the recipe that continues from its model: read their corpora and check that both fit together.

Everything is read and checked before the first training step, because hours may lie between the two trainings.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from litmine.corpora.corpus import Corpus, corpus_name, open_corpus
from litmine.corpora.decontamination import remove_leaks_and_repeats
from litmine.corpora.guidelines import corpora_of
from litmine.errors import CorpusError, SettingError
from litmine.specs import spec_by_name
from litmine.tasks.ner.examples import make_heads
from litmine.tasks.ner.recipe import TaggerRecipe
from litmine.training.recipe import make_recipe, read_recipe


@dataclass(frozen=True, slots=True)
class PreparedRecipe:
    """A recipe, its training corpora in the recipe's order, and the dev splits that exist."""

    recipe: TaggerRecipe
    corpora: list[Corpus]
    dev: list[Corpus]


def prepare_recipes(recipe: TaggerRecipe, first_model: Path, log: Callable[[str], None]) -> list[PreparedRecipe]:
    """Prepare the recipe and, if `recipe.then` names one, the recipe that continues from its model.

    `first_model` is the folder where the model of `recipe` will be if another recipe follows. Passages in a dev split
    of either recipe are removed from the corpora of both. Raises CorpusError for a corpus that cannot be read, and
    SettingError for missing corpora, recipes or texts and for combinations that do not fit.
    """
    prepared = [_prepare(replace(recipe, then=""))]
    if recipe.then:
        prepared.append(_prepare_next(next_recipe(recipe, first_model), prepared[0], recipe.then))
    corpora = unique_corpora(one.corpora for one in prepared)
    dev = unique_corpora(one.dev for one in prepared)
    for corpus in corpora:
        log(f"{corpus.name}: {len(corpus.passages):,} passages annotated with {', '.join(corpus.entity_types)}")
        if corpus.misplaced:
            lines = ", ".join(map(str, corpus.misplaced[:5])) + (", ..." if len(corpus.misplaced) > 5 else "")
            log(
                f"{corpus.path}: skipped {len(corpus.misplaced)} mentions that are not at their offsets (lines {lines})"
            )
    strict = any(one.recipe.strict_leaks for one in prepared)
    separate_heads = prepared[-1].recipe.separate_heads
    clean = {corpus.name: corpus for corpus in remove_leaks_and_repeats(corpora, dev, separate_heads, strict, log)}
    return [replace(one, corpora=[clean[corpus.name] for corpus in one.corpora]) for one in prepared]


def unique_corpora(groups: Iterable[Sequence[Corpus]]) -> list[Corpus]:
    """The corpora of all groups in order, one per name."""
    return list({corpus.name: corpus for corpora in groups for corpus in corpora}.values())


def next_recipe(recipe: TaggerRecipe, first_model: Path) -> TaggerRecipe:
    """Build the recipe `recipe.then`, with the model of `recipe` in the folder `first_model` as its base.

    Name, window, overlap and bits come from `recipe`, as do separate heads, type names and the paths of shared corpora.
    Raises SettingError when the recipe does not exist or names a further recipe itself.
    """
    spec = spec_by_name(recipe.task)
    settings = read_recipe(spec, recipe.then)
    if settings.get("then"):
        raise SettingError(
            f"the recipe {recipe.then} is itself followed by {settings['then']}, but only one recipe can follow; remove"
            " `then` from it"
        )
    references = {corpus_name(reference): reference for reference in recipe.corpora}
    next_corpora = settings.get("corpora", recipe.corpora)
    next_unlabelled = settings.get("unlabelled")
    following: TaggerRecipe = make_recipe(
        spec,
        settings
        | {name: getattr(recipe, name) for name in ("name", "window", "overlap", "int8", "type_rules")}
        | {
            "base": str(first_model),
            "unlabelled": (recipe.unlabelled or next_unlabelled) if next_unlabelled else None,
            "corpora": tuple(references.get(corpus_name(reference), reference) for reference in next_corpora),
            "separate_heads": tuple(dict.fromkeys((*recipe.separate_heads, *settings.get("separate_heads", ())))),
            "type_map": tuple(sorted((dict(settings.get("type_map", ())) | dict(recipe.type_map)).items())),
        },
    )
    return following


def _prepare(recipe: TaggerRecipe, previous: Sequence[PreparedRecipe] = ()) -> PreparedRecipe:
    """Read the recipe's corpora and dev splits, reusing those of `previous` recipes. Raises as `prepare_recipes`."""
    if recipe.unlabelled and not Path(recipe.unlabelled).is_file():
        raise SettingError(
            f"the recipe needs {recipe.unlabelled}, which does not exist; name a JSONL of abstracts with --unlabelled"
        )
    read_before = [corpus for one in previous for corpus in one.corpora]
    corpora = _open_split(recipe, "train", read_before)
    dev = _open_split(recipe, "dev", [corpus for one in previous for corpus in one.dev])
    prepared = PreparedRecipe(recipe, corpora, dev)
    _check_corpora(prepared, read_before)
    return prepared


def _open_split(recipe: TaggerRecipe, split: str, read_before: Sequence[Corpus]) -> list[Corpus]:
    by_name = {corpus.name: corpus for corpus in read_before}
    opened = (
        by_name.get(corpus_name(reference)) or open_corpus(reference, split, dict(recipe.type_map), recipe.tags)
        for reference in recipe.corpora
    )
    return [corpus for corpus in opened if corpus is not None]


def _prepare_next(recipe: TaggerRecipe, previous: PreparedRecipe, reference: str) -> PreparedRecipe:
    """Prepare the recipe that continues from `previous`; `reference` is the user's name for it.

    Raises SettingError when the model would lose a head, or when the recipe keeps a share of the first model's weights
    but has a head that the first model lacks; otherwise as `prepare_recipes`.
    """
    hint = f"(recipe {reference} follows; skip it with --then none)"
    try:
        prepared = _prepare(recipe, [previous])
    except (CorpusError, SettingError) as error:
        raise type(error)(f"{error} {hint}") from error
    heads_before, heads_after = (
        [head.name for head in make_heads(one.corpora, one.recipe.separate_heads)] for one in (previous, prepared)
    )
    if lost := [name for name in heads_before if name not in heads_after]:
        raise SettingError(
            f"the recipe {reference} has no corpus with {', '.join(lost)}, so the model would lose that head {hint}"
        )
    if recipe.base_weight_share and (new := [name for name in heads_after if name not in heads_before]):
        raise SettingError(
            f"the recipe {reference} keeps a share of the first model's weights, but that model has no head for"
            f" {', '.join(new)} {hint}"
        )
    return prepared


def _check_corpora(prepared: PreparedRecipe, read_before: Sequence[Corpus]) -> None:
    """Check that names, settings and dev splits match the corpora.

    `read_before` are the corpora of the previous recipe, which type map and separate heads may name too. Raises
    SettingError or CorpusError.
    """
    recipe, corpora = prepared.recipe, prepared.corpora
    names = [corpus.name for corpus in corpora]
    if len(set(names)) < len(names):
        raise SettingError(f"the corpora {', '.join(names)} need different names; use --corpus NAME=PATH")
    if unknown := corpora_of(recipe.separate_heads).difference(names, (corpus.name for corpus in read_before)):
        raise SettingError(
            f"--separate-heads {', '.join(sorted(unknown))} is not a corpus of the recipe; use one of"
            f" {', '.join(names)}"
        )
    if unknown := {name for name, _ in recipe.corpus_weights}.difference(names):
        raise SettingError(
            f"--corpus-weight {', '.join(sorted(unknown))} is not a corpus of the recipe; use one of {', '.join(names)}"
        )
    typed = [(one.name, entity_type) for one in (*read_before, *corpora) for entity_type in one.file_types]
    present = {f"{prefix}{entity_type}" for name, entity_type in typed for prefix in ("", f"{name}:")}
    if absent := {file_type for file_type, _ in recipe.type_map} - present:
        raise SettingError(
            f"--map renames {', '.join(sorted(absent))}, which no corpus annotates; they annotate"
            f" {', '.join(sorted({entity_type for one in corpora for entity_type in one.file_types}))}"
        )
    for corpus in prepared.dev:
        trained_types = corpora[names.index(corpus.name)].entity_types
        if untrained := set(corpus.entity_types).difference(trained_types):
            raise CorpusError(
                f"{corpus.path} annotates {', '.join(sorted(untrained))}, but its train split does not; rename the type"
                " with --map NAME=TYPE, or drop it with --map NAME=-"
            )
