"""Run `litmine evaluate ner`: score one model, or compare two, on corpora."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from litmine.corpora.corpus import Corpus, open_corpus, read_corpus
from litmine.errors import CorpusError, SettingError
from litmine.specs import EvaluationResult
from litmine.tasks.ner.evaluate import predict
from litmine.tasks.ner.evaluation_settings import LISTED, TaggerEvaluation
from litmine.tasks.ner.report import EvaluationReport, make_report, mistake_record, report_lines, report_record
from litmine.tasks.ner.tagger import Tagger
from litmine.tasks.ner.term_tagger import TermTagger
from litmine.tasks.ner.variant_tagger import VariantTagger
from litmine.tasks.registry import load_task_model


def run_evaluation(evaluation: TaggerEvaluation) -> EvaluationResult:
    """Score the model on each file, and compare it with another model if the settings name one.

    Raises CorpusError for a file that cannot be read or used, SettingError for two files with one name, and ModelError
    for a model that cannot be loaded.
    """
    corpora = open_corpora(evaluation.data, evaluation.type_map, evaluation.tags)
    tagger = _load(evaluation.model, evaluation, evaluation.heads)
    ours = [predict(tagger, corpus) for corpus in corpora]
    if evaluation.against:
        tagger = _load(evaluation.against, evaluation, evaluation.against_heads)
        theirs = [predict(tagger, corpus) for corpus in corpora]
    reports = [
        make_report(one, theirs[i] if evaluation.against else None, evaluation.resamples) for i, one in enumerate(ours)
    ]
    units = " and ".join(sorted({report.unit for report in reports}, reverse=True))
    return EvaluationResult(
        record=_record(evaluation, reports),
        table=list(_table(evaluation, reports)),
        notes=[f"intervals: 95 %, {evaluation.resamples:,} bootstrap resamples of each file's {units}"],
        files={evaluation.errors_to: _errors(reports)} if evaluation.errors_to else {},
    )


def _load(ref: str, evaluation: TaggerEvaluation, heads: Sequence[str]) -> Tagger | TermTagger | VariantTagger:
    tagger: Tagger | TermTagger | VariantTagger = load_task_model(
        ref, "ner", precision=evaluation.precision, batch_tokens=evaluation.batch_tokens, heads=heads or None
    )
    return tagger


def open_corpora(data: Sequence[str], renamed: Sequence[tuple[str, str]], tags: str) -> list[Corpus]:
    """Open each `[NAME=]FILE`, or the dev split of a folder or known corpus; `dev.tsv` takes its folder's name.

    renamed: pairs of a type in the files and its new name. Raises CorpusError for a file that cannot be read, and
    SettingError for two files with one name.
    """
    type_map, corpora = dict(renamed), list[Corpus]()
    for reference in data:
        name, place = "", reference
        if "=" in reference and not Path(reference).exists():
            name, _, place = reference.partition("=")
        file = Path(place)
        stem = file.name.partition(".")[0]
        folder = file.absolute().parent.name if stem in ("train", "dev", "test") else ""
        corpus: Corpus | None
        if file.is_file():
            corpus = read_corpus(file, name or folder or stem, type_map, tags)
        else:
            corpus = open_corpus(reference, "dev", type_map, tags)
        if corpus is None:
            raise CorpusError(f"{reference} has no dev split; name a file with --data FILE")
        corpora.append(corpus)
    names = [corpus.name for corpus in corpora]
    if len(set(names)) < len(names):
        raise SettingError(f"the files {', '.join(names)} need different names; use --data NAME=FILE")
    return corpora


def _record(evaluation: TaggerEvaluation, reports: Sequence[EvaluationReport]) -> dict[str, Any]:
    """The scores of the file, or of several files by corpus name."""
    intervals, errors = evaluation.intervals, evaluation.errors
    records = {
        report.ours.corpus.name: report_record(report, intervals, errors, errors or LISTED) for report in reports
    }
    return records if len(records) > 1 else next(iter(records.values()))


def _table(evaluation: TaggerEvaluation, reports: Sequence[EvaluationReport]) -> Iterator[str]:
    for number, report in enumerate(reports):
        if number:
            yield ""
        yield from report_lines(report, evaluation.errors, evaluation.errors or LISTED)


def _errors(reports: Sequence[EvaluationReport]) -> list[dict[str, Any]]:
    return [
        {"corpus": report.ours.corpus.name, "model": report.ours.model, **mistake_record(mistake)}
        for report in reports
        for mistake in report.mistakes
    ]
