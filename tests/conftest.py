"""Fixtures for all tests: hypothesis profiles, sample data, a tiny trained model, lakes, and the command line."""

import fcntl
import io
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from subprocess import CompletedProcess, Popen
from typing import Any

import pytest
from hypothesis import settings

# On a busy machine a second thread makes tiny networks up to fifty times slower. Subprocesses inherit the setting.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Otherwise MKL rounds the products of a row differently with the number of rows on some processors, and equal spans in
# windows of different lengths change places.
os.environ.setdefault("MKL_CBWR", "AVX2,STRICT")

# A shell makes its background processes ignore Ctrl-C, and their subprocesses inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

pytest_plugins = [
    "tests.fixtures.corpora",
    "tests.fixtures.labelled_texts",
    "tests.fixtures.lakes",
    "tests.fixtures.models",
    "tests.fixtures.relations",
]

BuildOnce = Callable[[str, Callable[[Path], object]], Path]

settings.register_profile("gate", max_examples=60, deadline=None, derandomize=True)
settings.register_profile("soak", max_examples=3000, deadline=None)
settings.load_profile(os.environ.get("LITMINE_HYPOTHESIS_PROFILE", "gate"))

# The files that take longest, in CPU seconds. They start first, so that none begins when other processes have finished.
# A process gets its next file before the last two tests of a file. So, once each of the five has a file, the process
# with the two tests of `test_ray_workers.py` gets the next file with Ray, and few clusters run side by side.
LONGEST = (
    "runtime/test_ray_workers.py",
    "pipeline/test_compact_listings.py",
    "test_readme.py",
    "pipeline/fetch/test_fetch.py",
    "cli/test_hostile_lake.py",
    "runtime/test_ray_training.py",
    "runtime/test_ray_shared_gpu.py",
    "tasks/test_added_tasks.py",
    "lake/test_object_store.py",
    "pipeline/test_annotate_faults.py",
    "pipeline/test_annotate.py",
    "cli/test_ask.py",
    "pipeline/test_annotate_linking.py",
    "pipeline/test_annotate_terms.py",
    "pipeline/test_import_workers.py",
    "cli/test_main.py",
    "explore/test_browser.py",
    "lake/test_version_order.py",
    "pipeline/test_compact.py",
    "pipeline/doctor/test_doctor.py",
    "pipeline/job/test_job_nights.py",
    "tasks/relations/test_relations_lake.py",
    "training/test_pretrain.py",
    "pipeline/test_import.py",
    "cli/test_limits_of_inputs.py",
    "pipeline/test_export.py",
    "lake/test_concept_pairs.py",
    "discovery/test_discover.py",
    "lake/test_current_rows.py",
    "lake/test_lake_cache.py",
    "tasks/ner/test_train.py",
    "search/test_index_update.py",
    "pipeline/fetch/test_fetch_interrupted.py",
    "pipeline/fetch/test_fetch_down.py",
    "runtime/test_gpu_jobs.py",
    "cli/test_status.py",
    "tasks/ner/test_train_killed.py",
    "pipeline/test_import_files.py",
    "lake/test_footers.py",
    "runtime/test_local_executor.py",
    "cli/test_output.py",
    "tasks/qa/test_answer_merging.py",
    "tasks/ner/test_teachers_side_by_side.py",
    "test_benchmarks.py",
    "test_damaged_input.py",
    "test_docs.py",
)


@pytest.fixture(scope="session")
def ray_lock() -> Callable[[int], AbstractContextManager[None]]:
    """`ray_lock(LOCK_SH)` while a test uses Ray, `ray_lock(LOCK_EX)` while a test looks for any Ray on this machine."""

    @contextmanager
    def lock(kind: int) -> Iterator[None]:
        # One file for all test runs of this user, because a test also finds the cluster of another run.
        with Path(tempfile.gettempdir(), f"litmine-tests-ray-{os.getuid()}.lock").open("w") as file:
            fcntl.flock(file, kind)
            yield

    return lock


@pytest.fixture
def with_ray(ray_lock: Callable[[int], AbstractContextManager[None]]) -> Iterator[None]:
    """For a test that starts Ray."""
    with ray_lock(fcntl.LOCK_SH):
        yield


@pytest.fixture
def without_ray(ray_lock: Callable[[int], AbstractContextManager[None]]) -> Iterator[None]:
    """For a test that looks for any Ray on this machine."""
    with ray_lock(fcntl.LOCK_EX):
        yield


def pytest_runtest_setup() -> None:
    """Forget what listings of earlier tests passed over: a process usually runs one command, which reports it."""
    if (folders := sys.modules.get("litmine.lake.folders")) is not None:
        folders.passed_over.clear()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order: the longest files, then tests that wait for kills and limits; last the test without any Ray."""
    places = {file: place for place, file in enumerate(LONGEST)}

    def key(item: pytest.Item) -> tuple[bool, int, bool]:
        file = item.path.relative_to(Path(__file__).parent)
        waits = {"pipeline", "runtime", "tasks", "training"}.intersection(file.parts)
        return file.name == "test_ray_absent.py", places.get(file.as_posix(), len(places)), not waits

    items.sort(key=key)


@pytest.fixture(scope="session")
def build_once(tmp_path_factory: pytest.TempPathFactory) -> BuildOnce:
    """`build_once("tiny", make)`: a folder that `make(folder)` fills, once for all pytest-xdist workers."""
    own_temp = tmp_path_factory.getbasetemp()
    shared = (own_temp.parent if "PYTEST_XDIST_WORKER" in os.environ else own_temp) / "built"
    shared.mkdir(exist_ok=True)

    def folder(name: str, make: Callable[[Path], object]) -> Path:
        built, done = shared / name, shared / f"{name}.done"
        with (shared / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not done.exists():
                shutil.rmtree(built, ignore_errors=True)
                built.mkdir()
                make(built)
                done.touch()
        return built

    return folder


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The top folder of the checkout."""
    return Path(__file__).parent.parent


@pytest.fixture(scope="session")
def sample_data(checkout: Path) -> Path:
    """`sample_data/` of the checkout."""
    return checkout / "sample_data"


@pytest.fixture(scope="session")
def wheel(build_once: BuildOnce, checkout: Path) -> Path:
    """The wheel of the checkout."""

    def make(folder: Path) -> None:
        build = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(folder), str(checkout)]
        built = subprocess.run(build, capture_output=True, text=True, check=False)
        assert built.returncode == 0, built.stdout + built.stderr

    (file,) = build_once("wheel", make).glob("*.whl")
    return file


@pytest.fixture(scope="session")
def tiny_base(build_once: BuildOnce) -> Path:
    """A BERT of 2 layers and 32 dimensions with random weights, and a WordPiece vocabulary of the sample sentences."""
    return build_once("tiny-base", make_tiny_base)


def make_tiny_base(folder: Path) -> None:
    import torch
    from tokenizers import Tokenizer, normalizers, pre_tokenizers, processors
    from tokenizers.models import WordPiece
    from transformers import BertConfig, BertModel
    from transformers.utils import logging

    # Trained by tokenizers on the sample sentences, and stored because each training gives another vocabulary.
    pieces = (Path(__file__).parent / "tiny_vocabulary.txt").read_text(encoding="utf-8").splitlines()
    tokenizer = Tokenizer(WordPiece({piece: i for i, piece in enumerate(pieces)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.add_special_tokens(pieces[:5])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
    )
    logging.disable_progress_bar()
    BertModel(config).save_pretrained(folder)


@pytest.fixture(scope="session")
def tiny_model(build_once: BuildOnce, tiny_base: Path, sample_data: Path) -> Path:
    """`tiny_base` trained in seconds until it overfits the sample sentences, with the heads Disease and Chemical."""
    from litmine.tasks.ner.make import make_model
    from litmine.tasks.ner.recipe import TaggerRecipe

    corpora = tuple(str(sample_data / "ner" / name) for name in ("NCBI-disease", "BC5CDR"))
    recipe = TaggerRecipe(
        "tiny",
        str(tiny_base),
        corpora,
        epochs=24,
        learning_rate=1.2e-2,
        batch_tokens=1500,
        single_sentence_share=1,
        dropout=0,
    )
    return build_once("tiny", lambda folder: make_model(recipe, folder, lambda _: None))


@pytest.fixture(scope="session")
def rewrite_weights() -> Callable[[Path, Callable[[dict[str, Any]], None]], None]:
    """`rewrite_weights(folder, change)`: `change` alters the tensors of a model folder in place."""
    from safetensors.torch import load_file, save_file

    def rewrite(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
        weights = load_file(folder / "model.safetensors")
        change(weights)
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})

    return rewrite


@pytest.fixture(scope="session")
def rule_reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reader with fixed answers: each of four words is an answer with a fixed probability, whatever the question.

    penicillin 0.998, latex 0.953, peanuts 0.5, wasps 0.047, any other word less than 0.01. Every yes/no answer is yes.
    """
    import torch
    from tokenizers import Tokenizer, normalizers, pre_tokenizers, processors
    from tokenizers.models import WordLevel
    from transformers import BertConfig

    from litmine.tasks.qa.folder import save_reader
    from litmine.tasks.qa.network import SpanNetwork
    from litmine.tasks.qa.settings import ReaderSettings

    # The cosine of a word's embedding with the weight of the span head; the logit is 3 times that.
    cosines = {
        "[PAD]": 0,
        "[UNK]": -1,
        "[CLS]": 0,
        "[SEP]": 0,
        "penicillin": 1,
        "latex": 0.5,
        "peanuts": 0,
        "wasps": -0.5,
    }
    tokenizer = Tokenizer(WordLevel({word: i for i, word in enumerate(cosines)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    config = BertConfig(
        vocab_size=len(cosines),
        hidden_size=4,
        num_hidden_layers=0,
        num_attention_heads=1,
        intermediate_size=4,
        max_position_embeddings=64,
    )
    network = SpanNetwork(config, yes_no=True)
    with torch.no_grad():
        embeddings = network.encoder.embeddings
        embeddings.position_embeddings.weight.zero_()
        embeddings.token_type_embeddings.weight.zero_()
        cosine = torch.tensor(list(cosines.values()))
        along, across = torch.tensor([1.0, -1.0, 0.0, 0.0]), torch.tensor([0.0, 0.0, 1.0, -1.0])
        embeddings.word_embeddings.weight.copy_(cosine[:, None] * along + (1 - cosine**2).sqrt()[:, None] * across)
        # The layer norm scales vectors to length 2.
        network.span.weight.copy_((3 / 8**0.5 * along).expand(2, 4))
        network.span.bias.zero_()
        assert network.verdict is not None
        network.verdict.weight.zero_()
        network.verdict.bias.copy_(torch.tensor([0.0, 1.0, -30.0]))
    folder = tmp_path_factory.mktemp("models") / "rule"
    save_reader(folder, network, tokenizer, ReaderSettings("rule", 32, 8, most_words=1, yes_no=True))
    return folder


@pytest.fixture(scope="session")
def imported_lake(build_once: BuildOnce, sample_data: Path) -> Path:
    """A lake of a hundred abstracts in parts of 4; one text is longer than a window. Copy it, do not change it."""
    from litmine.pipeline.import_files import import_files

    sentences = (sample_data / "documents" / "NCBI-disease_dev.pubtator").read_text(encoding="utf-8").split("\n")
    long = " ".join(line.split("|a|")[1] for line in sentences if "|a|" in line)[:9000]
    lines = [
        {"pmid": 1, "title": "A long text.", "abstract": long},
        {"pmid": 2, "title": "Naïve 𝛼-thalassæmia\u200b and e\u0301\u00a0asthma\tin \U0001f9ec", "abstract": None},
    ]

    def make(folder: Path) -> None:
        (folder / "invented.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
        import_files(
            folder / "lake", [sample_data / "pubmed" / "medline16n0902.xml.gz", folder / "invented.jsonl"], part_size=4
        )

    return build_once("imported", make) / "lake"


@pytest.fixture(scope="session")
def annotated_lake(build_once: BuildOnce, imported_lake: Path, tiny_model: Path) -> Path:
    """`imported_lake`, annotated by `tiny_model` in one run, in float32. Copy it, do not change it."""
    from litmine import Lake
    from litmine.pipeline.annotate import annotate
    from litmine.runtime.executor import Executor

    def make(folder: Path) -> None:
        lake = Path(shutil.copytree(imported_lake, folder / "lake"))
        annotate(Lake(lake), [str(tiny_model)], Executor(), "float32")

    return build_once("annotated", make) / "lake"


@pytest.fixture
def temp_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The temporary and cache folder of the test and its subprocesses, so that rate limiters start without a state."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return folder


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., CompletedProcess[str]]:
    """`run("sql", "select 1", stdin=b"")`: run the command line in this process.

    A traceback fails the test, and so does an attempt to reach another machine that the test does not name.
    """
    from litmine.cli import main, progress
    from tests.fixtures.network import watch_network

    monkeypatch.setattr(progress, "_LINE_SECONDS", math.inf)  # no progress lines, which a slow machine would print

    def run_main(*arguments: object, stdin: bytes = b"") -> CompletedProcess[str]:
        capfd.readouterr()
        monkeypatch.setattr(sys, "argv", ["litmine", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with watch_network() as attempts, pytest.raises(SystemExit) as exit_info:
            main.main()
        named = " ".join([*map(str, arguments), os.environ.get("LITMINE_EUTILS_URL", "")])
        assert [one for one in attempts if f"//{one.split()[-1]}/" not in f"{named}/"] == [], arguments
        output = capfd.readouterr()
        assert isinstance(exit_info.value.code, int)
        return CompletedProcess(sys.argv, exit_info.value.code, output.out, output.err)

    return run_main


@pytest.fixture
def start() -> Iterator[Callable[..., Popen[Any]]]:
    """`start("annotate", before=("nice",))`: start the command line as a process, which is killed after the test."""
    started: list[Popen[Any]] = []

    def start_process(
        *arguments: object, before: tuple[str, ...] = (), text: bool = True, **environment: str
    ) -> Popen[Any]:
        command = [*before, str(Path(sys.executable).with_name("litmine")), *map(str, arguments)]
        process = Popen(
            command,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=text,
        )
        started.append(process)
        return process

    yield start_process
    for process in started:
        process.kill()
        process.communicate()


class PausePoint:
    """Pauses processes before they name a file, so that a test can wait for that, and kill or release them."""

    def __init__(self, folder: Path, pattern: str, after: int) -> None:
        (folder / "paused").touch()
        self._folder = folder
        paths = f"{Path(__file__).parent / 'pause_hook'}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
        settings = {"folder": str(folder), "pattern": pattern, "after": after}
        self.environment = {"PYTHONPATH": paths, "LITMINE_TEST_PAUSE": json.dumps(settings)}

    def wait(self, process: Popen[Any], count: int = 1) -> list[int]:
        """Wait until `count` processes have paused, and return their ids. Fails if `process` ends before."""
        until = time.monotonic() + 600
        while len(pids := [int(file.name) for file in self._folder.glob("[0-9]*")]) < count:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < until
            time.sleep(0.01)
        return pids

    def release(self) -> None:
        """Let the paused processes continue."""
        (self._folder / "paused").unlink(missing_ok=True)


@pytest.fixture(scope="module")
def pause_before(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., PausePoint]]:
    """`pause_before("*.parquet", 3)`: processes with its `environment` pause before they name the fourth such file."""
    points: list[PausePoint] = []

    def make(pattern: str, after: int = 0) -> PausePoint:
        points.append(PausePoint(tmp_path_factory.mktemp("paused"), pattern, after))
        return points[-1]

    yield make
    for point in points:
        point.release()


class SmallDisk:
    """A folder with limited space: its own file system if one can be mounted, else a `ulimit` on the file size."""

    def __init__(self, folder: Path, start: Callable[..., Popen[Any]]) -> None:
        self.folder = folder
        self._start = start
        self._limit: tuple[str, ...] = ()
        folder.mkdir()
        self._mounted = self._mount("size=64m")

    def leave(self, spare: int) -> None:
        """Leave space for `spare` more kilobytes."""
        if self._mounted:
            used = shutil.disk_usage(self.folder).used // 1024
            assert self._mount(f"remount,size={used + spare}k")
        else:
            self._limit = ("sh", "-c", 'ulimit -f 4; exec "$@"', "sh")

    def grow(self) -> None:
        """Remove the limit."""
        if self._mounted:
            assert self._mount("remount,size=64m")
        self._limit = ()

    def start(self, *arguments: object) -> Popen[Any]:
        """Start the command line under this limit, as a process."""
        return self._start(*arguments, before=self._limit)

    def close(self) -> None:
        if self._mounted:
            subprocess.run(["umount", self.folder], check=True)

    def _mount(self, options: str) -> bool:
        if sys.platform != "linux" or os.geteuid() != 0:
            return False
        mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.folder)]
        return subprocess.run(mount, capture_output=True, check=False).returncode == 0


@pytest.fixture
def small_disk(tmp_path: Path, start: Callable[..., Popen[Any]]) -> Iterator[SmallDisk]:
    """A disk with little space."""
    disk = SmallDisk(tmp_path / "disk", start)
    yield disk
    disk.close()


@pytest.fixture(scope="session")
def fragile_model(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plain token classifier that fails on "zymurgy": its vocabulary has this word, but its embedding does not."""
    import torch
    from transformers import BertConfig, BertForTokenClassification
    from transformers.utils import logging

    folder = tmp_path_factory.mktemp("models") / "fragile"
    labels = dict(enumerate(["O", "B-Disease", "I-Disease"]))
    torch.manual_seed(1)
    logging.disable_progress_bar()
    config = BertConfig.from_pretrained(tiny_base, id2label=labels, label2id={name: i for i, name in labels.items()})
    BertForTokenClassification(config).save_pretrained(folder)
    tokenizer = json.loads((tiny_base / "tokenizer.json").read_text(encoding="utf-8"))
    tokenizer["model"]["vocab"]["zymurgy"] = config.vocab_size
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    return folder
