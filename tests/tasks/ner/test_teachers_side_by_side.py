"""Teachers trained in parallel equal those trained one after another."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from litmine.corpora.corpus import read_corpus
from litmine.runtime.gpu_jobs import run_in_processes
from litmine.tasks.ner.preliminary_stages import train_in_stages
from litmine.tasks.ner.recipe import TaggerRecipe
from litmine.tasks.ner.train import RunJobs, TaggerTrainingSummary, TrainingJob


def here(jobs: Sequence[TrainingJob]) -> list[TaggerTrainingSummary]:
    return [job(lambda _: None) for job in jobs]


def test_parallel_teachers_equal_sequential_ones(tiny_base: Path, sample_data: Path, tmp_path: Path) -> None:
    recipe = TaggerRecipe("m", str(tiny_base), ("BC5CDR",), epochs=2, learning_rate=1e-3, batch_tokens=600, teachers=2)
    corpus = read_corpus(sample_data / "ner" / "BC5CDR" / "train.tsv", "BC5CDR")
    corpora = [replace(corpus, passages=corpus.passages[:20])]
    messages: list[str] = []
    runs: dict[str, RunJobs] = {
        # A single job runs in this process, as on a GPU.
        "apart": lambda jobs: run_in_processes(jobs, 2, 1, messages.append) if len(jobs) == 2 else here(jobs),
        "here": here,
    }
    for name, run in runs.items():
        train_in_stages(recipe, corpora, [], tmp_path / name, lambda _: None, run)
    for teacher in ("teacher-1", "teacher-2", "."):
        for file in ("model.safetensors", "loss.tsv"):
            theirs, ours = ((tmp_path / name / teacher / file).read_bytes() for name in runs)
            assert theirs == ours, (teacher, file)
    for number in (1, 2):
        own = [line for line in messages if line.startswith(f"teacher {number} of 2")]
        assert own[0] == f"teacher {number} of 2"
        assert own[-1].startswith(f"teacher {number} of 2: epoch 2 of 2 is done")
