"""Read and divide the corpora of a training of relations: what is learnt, what chooses thresholds, what is scored."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from litmine.corpora.document_checks import CorpusReport
from litmine.corpora.documents import AnnotatedDocument
from litmine.corpora.held_out import held_out
from litmine.corpora.relation_corpus import RelationCorpus, read_relation_corpus
from litmine.corpora.relation_declarations import DECLARATIONS
from litmine.corpora.relation_leaks import without_leaks
from litmine.errors import CorpusError
from litmine.tasks.relations.recipe import RelationData, RelationRecipe, split_reference

Log = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class DividedCorpus:
    """A corpus that is learnt from. train: without the tenth that chooses thresholds (`thresholds`)."""

    corpus: RelationCorpus
    how: RelationData
    train: tuple[AnnotatedDocument, ...] = field(repr=False)
    thresholds: tuple[AnnotatedDocument, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class TrainingCorpora:
    """The corpora of a training. dev: what it is scored on, dev files and held-out tenths."""

    train: tuple[DividedCorpus, ...]
    dev: tuple[RelationCorpus, ...]


def read_corpora(recipe: RelationRecipe, log: Log) -> TrainingCorpora:
    """Read and divide the corpora of a recipe. No document of `dev`, or of its articles, is in `train`.

    Raises CorpusError for a file that cannot be read, and when nothing is left to learn.
    """
    learnt = [(one, *_read(recipe, file, log)) for one in recipe.corpora for file in one.data]
    dev = [corpus for _, corpus in (_read(recipe, file, log) for file in recipe.dev)]
    rest: list[tuple[RelationData, RelationCorpus]] = []
    for how, _, corpus in learnt:
        kept = corpus
        if how.held_out:
            tenth = tuple(one for one in corpus.documents if held_out(article_name(corpus, one)))
            dev.append(replace(corpus, documents=tenth))
            others = tuple(one for one in corpus.documents if not held_out(article_name(corpus, one)))
            kept = replace(corpus, documents=others)
        rest.append((how, kept))
    divided = []
    for how, corpus in rest:
        kept, _ = without_leaks(corpus, dev) if dev else (corpus, [])
        dropped = len(corpus.documents) - len(kept.documents)
        log(f"{corpus.name}: {len(kept.documents):,} documents to learn from, {dropped:,} left out as dev has them")
        tenth = tuple(one for one in kept.documents if chooses_threshold(article_name(kept, one)))
        train = tuple(one for one in kept.documents if not chooses_threshold(article_name(kept, one)))
        if train:
            divided.append(DividedCorpus(kept, how, train, tenth))
    if not divided:
        raise CorpusError("every document is one of the files to score; give other documents with --data")
    return TrainingCorpora(tuple(divided), tuple(dev))


def article_name(corpus: RelationCorpus, document: AnnotatedDocument) -> str:
    """The article of a document, by the corpus' declaration."""
    declaration = DECLARATIONS.get(corpus.name)
    return document.identifier if declaration is None else declaration.article_of(document.identifier)


def chooses_threshold(article: str) -> bool:
    """Whether an article is in the tenth that no training reads, so that thresholds can be chosen there."""
    return held_out(f"{article} chooses thresholds")


def _read(recipe: RelationRecipe, reference: str, log: Log) -> tuple[str, RelationCorpus]:
    name, file = split_reference(reference)
    path = recipe.path(file)
    if not path.exists():
        raise CorpusError(f"{path} does not exist; name the folder of the recipe's files with --data-folder")
    corpus = read_relation_corpus(path, name)
    _log_errors(path.name, corpus.report, log)
    return name, corpus


def _log_errors(name: str, report: CorpusReport, log: Log) -> None:
    if report.dropped:
        log(f"{name}: left out {report.dropped:,} errors; `litmine corpora check` lists them")


def entity_types_of(name: str, documents: Sequence[AnnotatedDocument]) -> frozenset[str]:
    """The entity types that a corpus annotates: those that it declares, or those of its documents."""
    if name in DECLARATIONS:
        return frozenset(DECLARATIONS[name].entities.values()) - {"-"}
    return frozenset(one.entity_type for document in documents for one in document.entities)
