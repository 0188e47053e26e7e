"""`annotate`: results do not depend on the sizes of parts and batches, and no text is read twice."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copytree
from subprocess import CompletedProcess, Popen
from typing import Any

import pytest

from litmine.corpora.corpus import read_corpus
from litmine.errors import DONE, FAILED, NEW_GAPS, LakeError
from litmine.lake.active_models import name_of
from litmine.lake.lake import Lake
from litmine.lake.runs import ActiveModel
from litmine.lake.targets import TargetSet
from litmine.pipeline.annotate import annotate
from litmine.pipeline.choose_models import use_models
from litmine.pipeline.compact import compact
from litmine.pipeline.import_files import import_files
from litmine.runtime.executor import Executor, RunProgress
from litmine.tasks.contract import UnitResult
from litmine.tasks.registry import identify

Run = Callable[..., CompletedProcess[str]]
Start = Callable[..., Popen[Any]]
EntityScores = Callable[[Path], dict[tuple[object, ...], float]]


def copy_articles(lake: Path, to: Path, part_size: int) -> Lake:
    """Import the articles of a lake into a new lake with another part size."""
    lines = Lake(lake).rows("select pmid, title, abstract from articles order by pmid desc")
    records = [dict(zip(("pmid", "title", "abstract"), line, strict=True)) for line in lines]
    to.mkdir()
    (to / "articles.jsonl").write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    import_files(to / "lake", [to / "articles.jsonl"], part_size=part_size)
    return Lake(to / "lake")


@pytest.mark.parametrize(("part_size", "batch_tokens"), [(7, 1), (50, 700), (400, 100_000)])
def test_part_and_batch_sizes_do_not_change_the_entities(
    imported_lake: Path,
    tmp_path: Path,
    tiny_model: Path,
    expected_entities: object,
    entity_scores: EntityScores,
    part_size: int,
    batch_tokens: int,
) -> None:
    lake = copy_articles(imported_lake, tmp_path / "other", part_size)
    result = annotate(lake, [str(tiny_model)], Executor(), "float32", batch_tokens)
    assert (result.parts, result.texts, result.new_gaps) == (len(lake.parts()), 102, [])
    assert entity_scores(lake.path) == expected_entities


def test_bf16_gives_nearly_the_same_entities(
    lake: Path, tiny_model: Path, annotated_lake: Path, entity_scores: EntityScores
) -> None:
    result = annotate(Lake(lake), [str(tiny_model)], Executor(), "bf16")
    assert result.precision == "bf16"
    bf16, float32 = entity_scores(lake).keys(), entity_scores(annotated_lake).keys()
    assert len(bf16 & float32) / len(bf16 | float32) > 0.97


def test_a_second_run_does_nothing(run: Run, annotated_copy: Path, tiny_model: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in annotated_copy.rglob("*")}
    ran = run("annotate", "--lake", annotated_copy, "--model", tiny_model, "--task", "ner")
    assert (ran.returncode, ran.stdout) == (DONE, "")
    assert ran.stderr == f"nothing to do: every text of the lake has been read by {identify(str(tiny_model))}\n"
    assert {path: path.stat().st_mtime_ns for path in annotated_copy.rglob("*")} == before


def test_the_summary_and_the_log(run: Run, lake: Path, tiny_model: Path) -> None:
    model, parts = identify(str(tiny_model)), len(Lake(lake).parts())
    ran = run("annotate", "--lake", lake, "--model", tiny_model, "--precision", "float32")
    opened = Lake(lake)
    ((mentions, links),) = opened.rows("select count(*), count(identifier) from entities")
    assert links > 0
    assert (ran.returncode, ran.stdout) == (DONE, "")
    assert ran.stderr == (
        f"{parts} of {parts} parts done: 102 texts read, {mentions:,} entities, {links:,} links found by {model},"
        f" {identify('builtin-linker')} on cpu in float32\n"
    )
    active = "list_transform(active, lambda one: one.model)"
    columns = f"command, outcome, models, {active}, precision, device, gaps, versions['litmine'] is not null"
    rules = [identify("builtin-sentences"), identify("builtin-abbreviations")]
    log = f"select {columns}, map_keys(counts), finished >= started from runs order by started desc limit 1"
    assert opened.rows(log) == [
        (
            "annotate",
            "done",
            [model, *rules, identify("builtin-linker")],
            [model, identify("builtin-linker"), *rules],
            "float32",
            "cpu",
            [],
            True,
            ["parts", "texts", "entities", "links", "sentences", "abbreviations", "tokens"],
            True,
        )
    ]
    targets = "select model, sum(texts), sum(tokens) > 10000, min(precision), min(device) from targets group by model"
    assert sorted(opened.rows(targets)) == sorted(
        (name, 102, True, "float32", "cpu") for name in (model, *rules, identify("builtin-linker"))
    )


def test_only_new_texts_are_read_after_a_revision(
    run: Run, tmp_path: Path, tiny_model: Path, sample_data: Path
) -> None:
    passages = read_corpus(sample_data / "ner" / "NCBI-disease" / "train.tsv", "known by heart").passages
    one, two, three, other = [passage.text for passage in passages if passage.spans][:4]

    def import_abstracts(day: int, **abstracts: str) -> None:
        lines = [{"pmid": int(name[1:]), "title": "A title.", "abstract": text} for name, text in abstracts.items()]
        (tmp_path / "lines.jsonl").write_text("\n".join(map(json.dumps, lines)))
        import_files(tmp_path / "lake", [tmp_path / "lines.jsonl"], datetime(2026, 1, day, tzinfo=UTC))

    words = ("annotate", "--lake", tmp_path / "lake", "--model", tiny_model)
    mentions = "from entities order by all"
    import_abstracts(1, p1=one, p2=two, p3=three)
    assert ": 3 texts read, " in run(*words).stderr
    lake = Lake(tmp_path / "lake")
    first = lake.rows(mentions)
    import_abstracts(2, p1=one, p2=other, p4=two)
    assert {row[0] for row in lake.rows(mentions)} == {1, 3}
    assert ": 2 texts read, " in run(*words).stderr
    assert lake.rows("select sum(texts) from targets where task = 'ner'") == [(5,)]
    second = lake.rows(mentions)
    assert {row[0] for row in second} == {1, 2, 3, 4}
    assert [row for row in second if row[0] in (1, 3)] == [row for row in first if row[0] in (1, 3)]
    held = "substr(a.text, start_char + 1, end_char - start_char) = mention"
    assert lake.rows(f"select bool_and({held}) from entities join articles a using (pmid)") == [(True,)]
    import_abstracts(3, p2=two)
    assert ": no texts read by " in run(*words).stderr
    assert lake.rows(mentions) == [*first, *(row for row in second if row[0] == 4)]


def taggers(lake: Lake) -> list[ActiveModel]:
    """The active models that find entities."""
    return [active for active in lake.active_models() if active.task == "ner"]


class InterruptingProgress(RunProgress):
    """Raises KeyboardInterrupt after the first part."""

    def finished(self, done: UnitResult) -> None:
        raise KeyboardInterrupt(done.unit.name)


def test_models_become_active_when_every_text_is_read(
    annotated_copy: Path, tiny_model: Path, fragile_model: Path, entity_scores: EntityScores
) -> None:
    lake, old, new = Lake(annotated_copy), identify(str(tiny_model)), identify(str(fragile_model))
    with pytest.raises(KeyboardInterrupt):
        annotate(lake, [str(fragile_model)], Executor(), "float32", progress=InterruptingProgress())
    done = len(lake.parts()) - len(lake.pending_parts(TargetSet("entities", new)))
    assert 1 <= done < len(lake.parts())
    assert [one.model for one in taggers(lake)] == [old]
    assert lake.rows("select distinct model from entities") == [(old,)]
    assert lake.rows("select outcome, active from runs order by started desc limit 1") == [("interrupted", None)]
    result = annotate(lake, [str(fragile_model)], Executor(), "float32")
    assert result.parts == result.planned_parts == len(lake.parts()) - done
    # The new model finds only diseases: the old model still shows chemicals, and no mention is shown twice.
    shown = [ActiveModel("ner", old, types=("Chemical",)), ActiveModel("ner", new)]
    assert taggers(lake) == shown
    of_types = lake.rows("select distinct model, entity_type from entities order by entity_type")
    assert of_types == [(old, "Chemical"), (new, "Disease")]
    assert result.summary_lines()[-1] == (
        f"entities shows Chemical of {old} and all types of {new}; all_entities shows every model"
    )
    result = annotate(lake, [str(tiny_model), str(fragile_model), str(tiny_model)], Executor())
    assert (result.planned_parts, result.view_changes) == (0, [])
    assert taggers(lake) == shown
    assert lake.rows("select texts_read, texts_unread, active from coverage") == [(102, 0, True)] * 4
    assert len(entity_scores(annotated_copy)) == lake.rows("select count(*) from all_entities")[0][0]


class ChoosingProgress(RunProgress):
    """`models use` of another model after the first part, as another run would do it."""

    def __init__(self, lake: Path, ref: str) -> None:
        self._lake, self._ref, self._done = lake, ref, False

    def finished(self, done: UnitResult) -> None:
        if done.targets and not self._done:
            self._done = True
            use_models(Lake(self._lake), [self._ref])


def test_a_model_that_another_run_makes_active_meanwhile_keeps_what_this_one_does_not_find(
    annotated_copy: Path, tiny_model: Path, fragile_model: Path
) -> None:
    lake, tiny, fragile = Lake(annotated_copy), identify(str(tiny_model)), identify(str(fragile_model))
    progress = ChoosingProgress(annotated_copy, f"{tiny}:Disease")
    result = annotate(lake, [str(fragile_model)], Executor(), "float32", progress=progress)
    # The other run chose that Chemical is hidden. Disease is what the new model finds.
    assert taggers(lake) == [ActiveModel("ner", fragile)]
    assert result.view_changes == [f"entities shows {fragile}; all_entities shows every model"]
    use_models(lake, [f"{tiny}:Chemical", fragile])
    assert taggers(lake) == [ActiveModel("ner", tiny, types=("Chemical",)), ActiveModel("ner", fragile)]


def test_the_first_run_says_which_of_two_models_the_views_show(
    imported_lake: Path, tmp_path: Path, tiny_model: Path, fragile_model: Path
) -> None:
    lake = copy_articles(imported_lake, tmp_path / "other", 200)
    result = annotate(lake, [str(fragile_model), str(tiny_model)], Executor())
    assert result.view_changes == [f"entities shows {identify(str(tiny_model))}; all_entities shows every model"]


def test_types_that_a_new_version_does_not_find_are_named(
    annotated_copy: Path, tiny_model: Path, fragile_model: Path, tmp_path: Path
) -> None:
    lake, old = Lake(annotated_copy), identify(str(tiny_model))
    newer = copytree(fragile_model, tmp_path / name_of(old))
    new = identify(str(newer))
    result = annotate(lake, [str(newer)], Executor())
    assert taggers(lake) == [ActiveModel("ner", new)]
    assert result.view_changes == [
        f"entities shows {new}; all_entities shows every model",
        f"entities no longer shows Chemical of {old}; `litmine models use {new} {old}:Chemical` shows it again",
    ]
    use_models(lake, [new, f"{old}:Chemical"])
    assert lake.rows("select distinct model, entity_type from entities order by 2") == [
        (old, "Chemical"),
        (new, "Disease"),
    ]


def test_a_target_that_has_lost_its_end_is_a_gap(lake: Path, tiny_model: Path, run: Run) -> None:
    annotate(Lake(lake), [str(tiny_model)], Executor())
    target = max(lake.glob("entities/*/*.parquet"), key=lambda file: file.stat().st_size)
    target.write_bytes(target.read_bytes()[:-1])
    ran = run("annotate", "--lake", lake, "--model", tiny_model)
    name = name_of(identify(str(tiny_model)))
    assert ran.returncode == NEW_GAPS
    assert (
        f"{target} is damaged (its end is missing); delete it and run `litmine annotate --model FOLDER` again, with the"
        f" folder of {name}" in ran.stderr
    )
    target.unlink()
    assert run("annotate", "--lake", lake, "--model", tiny_model).returncode == DONE


class CompactingProgress(RunProgress):
    """Compacts without a grace period after the first part, and so merges parts that are planned but not read yet."""

    def __init__(self, lake: Path) -> None:
        self._lake, self._done = lake, False

    def finished(self, done: UnitResult) -> None:
        if done.targets and not self._done:
            self._done = True
            assert compact(Lake(self._lake), grace=timedelta(0)).parts > 2


def test_parts_that_a_compaction_merges_during_the_run_are_read(lake: Path, tiny_model: Path) -> None:
    annotate(Lake(lake), [str(tiny_model)], Executor(), "float32", progress=CompactingProgress(lake))
    assert Lake(lake).rows("select texts_read, texts_unread from coverage") == [(102, 0)] * 3


def test_a_model_of_another_task_is_refused(lake: Path, tiny_base: Path, tmp_path: Path, run: Run) -> None:
    from transformers import BertConfig, BertForSequenceClassification
    from transformers.utils import logging

    logging.disable_progress_bar()
    folder = tmp_path / "classifier"
    BertForSequenceClassification(BertConfig.from_pretrained(tiny_base, num_labels=3)).save_pretrained(folder)
    ran = run("annotate", "--lake", lake, "--task", "relations", "--model", folder)
    assert ran.returncode == FAILED
    remedy = "to find relations with it, add relations.json to the folder"
    assert ran.stderr.startswith(f"litmine: {folder} holds a classifier of texts; {remedy}")


def test_invalid_task_options_are_refused(lake: Path, run: Run) -> None:
    ran = run("annotate", "--lake", lake, "--task", "nonsense")
    assert (ran.returncode, "Invalid value for '--task'" in ran.stderr) == (2, True)
    ran = run("annotate", "--lake", lake, "--task", "ner", "--questions", "x.jsonl")
    assert (ran.returncode, "--task cannot be used with --questions" in ran.stderr) == (2, True)


def test_a_lake_without_articles_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LakeError, match="has no articles yet"):
        annotate(Lake.create(tmp_path / "lake"), ["builtin"], Executor())


def test_two_runs_at_the_same_time_write_no_duplicates(
    start: Start, lake: Path, tiny_model: Path, expected_entities: object, entity_scores: EntityScores
) -> None:
    words = ("annotate", "--lake", lake, "--model", tiny_model, "--precision", "float32", "--batch-tokens", "300")
    both = [start(*words), start(*words)]
    stderr = [process.communicate()[1] for process in both]
    assert [process.returncode for process in both] == [DONE, DONE], stderr
    assert entity_scores(lake) == expected_entities
    assert Lake(lake).rows("select parts_read, parts_unread from coverage") == [(len(Lake(lake).parts()), 0)] * 4
    assert list(lake.rglob("*.tmp")) == []
