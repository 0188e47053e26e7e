"""Read and divide the files of a training: schemes, examples, and what calibrates and scores them."""

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b

from litmine.corpora.held_out import held_out
from litmine.corpora.label_declarations import LABEL_DECLARATIONS
from litmine.errors import CorpusError
from litmine.lake.lake import Lake
from litmine.lake.paths import parse_lake_path
from litmine.settings import did_you_mean
from litmine.sources.pmids import parse_pmid
from litmine.tasks.classification.labelled_texts import (
    LabelledFile,
    LabelledText,
    read_labelled,
    require_distinct,
    without_texts_of,
)
from litmine.tasks.classification.recipe import ClassifierRecipe, LabelData, split_reference
from litmine.tasks.classification.settings import ONE, SENTENCE, SEVERAL, TEXT, Scheme

Log = Callable[[str], None]
_SHOWN = 5
_LAKE_VARIABLE = "LITMINE_LAKE"
# A tenth of the articles, by the hash of this name, calibrates where there are no folds.
_CALIBRATING = "{article} calibrates"


@dataclass(frozen=True, slots=True)
class Example:
    """A labelled text for a scheme. targets: the numbers of the labels of each span."""

    scheme: int
    file: int
    text: LabelledText = field(repr=False)
    targets: tuple[tuple[int, ...], ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Dev:
    """What a model is scored on: the texts of a file, by the scheme with this name."""

    name: str
    scheme: str
    file: LabelledFile


@dataclass(frozen=True, slots=True)
class TrainingTexts:
    """The texts of a training.

    files: with how they are used, in the order of `Example.file`. examples: all that may be learnt from. calibrating:
    numbers of the examples that calibrate instead, if there are no folds.
    """

    schemes: tuple[Scheme, ...]
    files: tuple[tuple[LabelData, LabelledFile], ...]
    examples: tuple[Example, ...]
    calibrating: frozenset[int]
    dev: tuple[Dev, ...]


def read_texts(recipe: ClassifierRecipe, log: Log) -> TrainingTexts:
    """Read and divide the files of a recipe. No text of `dev` is learnt from.

    Raises CorpusError for a file that cannot be read, and for labels that cannot be learnt; LakeError for the lake.
    """
    files: list[tuple[str, LabelData, LabelledFile]] = []
    dev: list[Dev] = []
    for how in recipe.corpora:
        for reference in how.data:
            corpus, file = _read(recipe, reference, how, log)
            scheme = how.scheme or (LABEL_DECLARATIONS[corpus].scheme if corpus else recipe.name)
            if how.held_out:
                dev.append(Dev(f"{corpus or file.path.stem}, held-out tenth", scheme, _part(file, tenth=True)))
                file = _part(file, tenth=False)
            files.append((scheme, how, file))
    for reference in recipe.dev:
        corpus, file = _read(recipe, reference, LabelData(), log)
        dev.append(Dev(corpus or file.path.stem, LABEL_DECLARATIONS[corpus].scheme if corpus else recipe.name, file))
    files = [
        (scheme, how, _drawn(without_texts_of(file, [one.file for one in dev]), how.share))
        for scheme, how, file in files
    ]
    schemes = tuple(
        replace(
            _scheme(recipe, name, [file for scheme, _, file in files if scheme == name]),
            every=any(how.every for scheme, how, _ in files if scheme == name),
        )
        for name in dict.fromkeys(scheme for scheme, _, _ in files)
    )
    examples = [
        Example(number, place, text, tuple(tuple(map(schemes[number].labels.index, of)) for of in text.labels))
        for place, (scheme, _, file) in enumerate(files)
        for number in [next(i for i, one in enumerate(schemes) if one.name == scheme)]
        for text in file.texts
        if text.spans and text.text.strip()
    ]
    if not examples:
        raise CorpusError("every text is one of those to score; give other texts with --data")
    calibrating = frozenset(
        i
        for i, one in enumerate(examples)
        if not recipe.folds and held_out(_CALIBRATING.format(article=one.text.article))
    )
    log(
        f"{len(examples):,} texts to learn from; "
        + "; ".join(f"{one.name}: {len(one.labels)} labels" for one in schemes)
    )
    return TrainingTexts(
        schemes, tuple((how, file) for _, how, file in files), tuple(examples), calibrating, tuple(dev)
    )


def folds_of(examples: Sequence[Example], folds: int) -> list[int]:
    """The part of each example, from 0: articles are not divided, and each label is spread evenly over the parts.

    The articles of the rarest label are dealt out first, in the order of their names' hashes, so that the parts do not
    depend on the order of the file.
    """
    frequency = Counter(key for one in examples for key in _label_keys(one))
    rarest: dict[str, tuple[int, int, int]] = {}
    for one in examples:
        key = min(((frequency[key], *key) for key in _label_keys(one)), default=(0, one.scheme, -1))
        rarest[one.text.article] = min(rarest.get(one.text.article, key), key)
    groups: defaultdict[tuple[int, int, int], list[str]] = defaultdict(list)
    for article in sorted(rarest, key=_shuffled):
        groups[rarest[article]].append(article)
    ordered = [article for key in sorted(groups) for article in groups[key]]
    part = {article: number % folds for number, article in enumerate(ordered)}
    return [part[one.text.article] for one in examples]


def _label_keys(example: Example) -> set[tuple[int, int]]:
    return {(example.scheme, label) for of in example.targets for label in of}


def _shuffled(article: str) -> str:
    return blake2b(article.encode("utf-8"), digest_size=8).hexdigest()


def _read(recipe: ClassifierRecipe, reference: str, how: LabelData, log: Log) -> tuple[str, LabelledFile]:
    corpus, name = split_reference(reference)
    path = recipe.path(name)
    if not path.exists():
        raise CorpusError(f"{path} does not exist; name an existing file, or the files' folder with --data-folder")
    file, report = read_labelled(path, corpus, how.labels, how.whole)
    if report.dropped:
        log(f"{path.name}: left out {report.dropped:,} errors; `litmine corpora check` lists them")
    return corpus, with_texts_of_lake(file, recipe.lake, log)


def with_texts_of_lake(file: LabelledFile, lake: str, log: Log) -> LabelledFile:
    """The file with the texts of the lake for the PMIDs without a text; those that it lacks are left out and listed.

    lake: empty for the one that LITMINE_LAKE names. Raises CorpusError when there is no lake, it has none of the texts,
    or a name without a text is no PMID.
    """
    without = [one.name for one in file.texts if not one.text.strip()]
    if not without:
        return file
    if no_pmids := [name for name in without if parse_pmid(name) is None]:
        raise CorpusError(
            f"{file.path} has no text for {_names(no_pmids)}, which {'is' if len(no_pmids) == 1 else 'are'} no PMID to"
            " look up; give a text, or a PMID"
        )
    missing = {number for name in without if (number := parse_pmid(name)) is not None}
    lake = lake or os.environ.get(_LAKE_VARIABLE, "")
    if not lake:
        raise CorpusError(
            f"{file.path} has no text for {_names(without)}; add the column text, or title and abstract, or look the"
            f" texts up by PMID with --lake DIR or {_LAKE_VARIABLE}"
        )
    texts = _lake_texts(lake, sorted(missing))
    found, lost = [], []
    for one in file.texts:
        text = one.text if one.text.strip() else texts.get(parse_pmid(one.name) or 0, "")
        if text.strip():
            found.append(one if one.text.strip() else replace(one, text=text, spans=((0, len(text)),)))
        else:
            lost.append(one.name)
    if not found:
        raise CorpusError(
            f"the lake {lake} has none of the {len(without):,} PMIDs in {file.path}; fetch them with `litmine fetch"
            f" --pmids {file.path.name}`"
        )
    if lost:
        log(
            f"{len(lost):,} of {len(file.texts):,} texts are not in the lake and were left out: {_names(lost)}; fetch"
            " them with `litmine fetch --pmids FILE`"
        )
    return replace(file, texts=tuple(found))


def _lake_texts(lake: str, pmids: Iterable[int]) -> dict[int, str]:
    numbers = ", ".join(map(str, pmids))
    if not numbers:
        return {}
    rows = Lake(parse_lake_path(lake)).rows(f"SELECT pmid, text FROM articles WHERE pmid IN ({numbers})")
    return {int(pmid): str(text or "") for pmid, text in rows}


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    return f"{shown} and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else shown


def _part(file: LabelledFile, tenth: bool) -> LabelledFile:
    return replace(file, texts=tuple(one for one in file.texts if held_out(one.article) == tenth))


def _drawn(file: LabelledFile, share: float) -> LabelledFile:
    """The file with a share of its articles, chosen by the hash of their names."""
    if share == 1:
        return file
    return replace(
        file, texts=tuple(one for one in file.texts if int(_shuffled(f"{one.article} drawn"), 16) < share * 2**64)
    )


def _scheme(recipe: ClassifierRecipe, name: str, files: Sequence[LabelledFile]) -> Scheme:
    """The scheme that files teach together. Raises CorpusError for labels that cannot be learnt."""
    if len({one.sentences for one in files}) > 1:
        raise CorpusError(f"the files of {name} label both texts and sentences; give each a --scheme of its own")
    several = any(one.several for one in files)
    articles: defaultdict[str, set[str]] = defaultdict(set)
    for file in files:
        for text in file.texts:
            for label in (label for of in text.labels for label in of):
                articles[label].add(text.article)
    labels = sorted(articles)
    where = " and ".join(dict.fromkeys(str(one.path) for one in files))
    require_distinct(labels, where)
    if not several and len(labels) < 2:
        raise CorpusError(
            f"every text in {where} has the label {labels[0]!r}; a classifier also needs texts with another one"
        )
    once = [label for label in labels if len(articles[label]) < 2]
    if once:
        raise CorpusError(
            f"the label {once[0]!r} occurs once in {where}, and it takes at least two texts to learn and check it; add"
            " texts with it, or delete it"
        )
    positive = _positive(recipe, labels, articles, where) if len(labels) == 2 and not several else ""
    if positive:
        labels.sort(key=lambda label: label != positive)
    elif recipe.positive and not several:
        raise CorpusError(f"--positive is for two labels, and {where} has {len(labels)}; omit it")
    sentences = files[0].sentences
    return Scheme(
        name,
        tuple(labels),
        SENTENCE if sentences else TEXT,
        SEVERAL if several else ONE,
        1 if sentences else recipe.queries,
        evidence=0 if sentences else recipe.evidence,
    )


def _positive(recipe: ClassifierRecipe, labels: Sequence[str], articles: dict[str, set[str]], where: str) -> str:
    if recipe.positive and recipe.positive not in labels:
        raise CorpusError(
            f"no text in {where} has the label {recipe.positive!r}{did_you_mean(recipe.positive, list(labels))}; its"
            f" labels are {' and '.join(labels)}"
        )
    return recipe.positive or min(labels, key=lambda label: (len(articles[label]), label))
