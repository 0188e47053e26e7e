"""Invalid input to `litmine train ner` and `litmine evaluate ner`: one sentence, the exit code, no output folder."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from litmine.errors import FAILED, WRONG_USAGE
from litmine.training.training_folder import SETTINGS_MARK

Run = Callable[..., CompletedProcess[str]]

GOOD = "asthma\tB-Disease\nhurts\tO\n\n"
# The train split (None: without one), the dev split, options, and the expected message.
CORPORA = {
    "an I that follows nothing": (
        "asthma\tB-Disease\nis\tO\nattack\tI-Disease\n", GOOD, (),
        "train.tsv, line 3: I-Disease continues no mention (previous tag: O); correct the tag",
    ),
    "an I that follows nothing in dev": (
        GOOD, GOOD + "attack\tI-Disease\n", (), "dev.tsv, line 4: I-Disease continues no mention"
    ),
    "a token without a tag": (
        "asthma\tB-Disease\nattack\n", GOOD, (), "train.tsv, line 2: expected token TAB tag, not 'attack'"
    ),
    "a tag without a token": (GOOD + "\tO\n", GOOD, (), "train.tsv, line 4: expected token TAB tag"),
    "a type of the map that no corpus has": (
        GOOD, GOOD, ("--map", "Diseese=Illness"),
        "--map renames Diseese, which no corpus annotates; they annotate Disease",
    ),
    "a map that leaves nothing": (
        GOOD, GOOD, ("--map", "Disease=-"), "train.tsv annotates Disease, but --map drops all of it; keep a type"
    ),
    "a map that is none": (GOOD, GOOD, ("--map", "Disease"), "--map takes NAME=TYPE, not 'Disease'"),
    "a weight that is no number": (
        GOOD, GOOD, ("--corpus-weight", "BC5CDR=x"), "--corpus-weight takes NAME=TIMES, not 'BC5CDR=x'"
    ),
    "the weight of what is not there": (
        GOOD, GOOD, ("--corpus-weight", "Diseese=2"), "--corpus-weight Diseese is not a corpus of the recipe"
    ),
    "never": (
        GOOD, GOOD, ("--corpus-weight", "Disease=0"),
        "corpus_weights of 'Disease' must be above 0 and at most 100, not 0.0",
    ),
    "a type of dev that train does not teach": (
        GOOD, "BRCA1\tB-Gene\n", (), "dev.tsv annotates Gene, but its train split does not; rename the type with --map"
    ),
    "no train split": (None, GOOD, (), "corpus contains neither train.tsv nor train.pubtator; name the file itself"),
    "an empty train split": ("", GOOD, (), "train.tsv is empty; leave it out"),
    "an empty dev split": (GOOD, "\n\n", (), "dev.tsv is empty; leave it out"),
    "a train split without a mention": ("hurts\tO\n", GOOD, (), "train.tsv annotates no mention; use two columns"),
    "a dev split without a mention": (GOOD, "hurts\tO\n", (), "dev.tsv annotates no mention; use two columns"),
    "no text": ("\udcff\udcfe", GOOD, (), "train.tsv is empty; leave it out"),
    "documents with an offset in letters": (
        "1|t|Asthma\n1|a|\n1\t0\tsix\tAsthma\tDisease\n", GOOD, (), "train.tsv, line 3: not a PubTator mention: "
    ),
    "a learning rate without end": (
        GOOD, GOOD, ("--learning-rate", "inf"), "learning_rate must be a finite number, not inf"
    ),
}  # fmt: skip


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LITMINE_HOME", str(tmp_path / "home"))


def put(folder: Path, train: str | None, dev: str) -> Path:
    folder.mkdir()
    for name, text in (("train.tsv", train), ("dev.tsv", dev)):
        if text is not None:
            (folder / name).write_bytes(text.encode(errors="surrogateescape"))
    return folder


def sentence(ran: CompletedProcess[str], code: int = FAILED) -> str:
    """The last line of stderr; stdout is empty."""
    assert (ran.returncode, ran.stdout) == (code, "")
    *before, line = ran.stderr.splitlines()
    assert line.startswith("litmine: ")
    assert not any(one.startswith(("litmine: ", "Traceback")) for one in before)
    return line


@pytest.mark.parametrize("kind", CORPORA)
def test_an_invalid_corpus_is_refused(run: Run, tiny_base: Path, tmp_path: Path, kind: str) -> None:
    train, dev, options, message = CORPORA[kind]
    corpus = put(tmp_path / "corpus", train, dev)
    ran = run("train", "ner", "--base", tiny_base, "--corpus", corpus, "-o", tmp_path / "out", *options)
    assert message in sentence(ran)
    assert not any((tmp_path / "out").rglob("*"))


def test_an_unknown_base_is_wrong_usage(run: Run, tmp_path: Path) -> None:
    corpus = put(tmp_path / "corpus", GOOD, GOOD)
    ran = run("train", "ner", "--base", "unheard-of", "--corpus", corpus, "-o", tmp_path / "out")
    assert "no model 'unheard-of' here; give builtin, " in sentence(ran, WRONG_USAGE)
    assert not any((tmp_path / "out").rglob("*"))


@pytest.mark.parametrize("reference", ["i2b2-2010", "mine=i2b2-2010"])
@pytest.mark.parametrize("command", ["train", "evaluate"])
def test_a_corpus_that_needs_an_agreement_is_refused(
    run: Run, tiny_base: Path, tiny_model: Path, tmp_path: Path, command: str, reference: str
) -> None:
    if command == "train":
        ran = run("train", "ner", "--base", tiny_base, "--corpus", reference, "-o", tmp_path / "out")
    else:
        ran = run("evaluate", "ner", "--model", tiny_model, "--data", reference)
    message = sentence(ran)
    assert f"i2b2-2010 is not in {tmp_path / 'home' / 'corpora' / 'i2b2-2010'}; each user must sign its data" in message
    assert "https://portal.dbmi.hms.harvard.edu/" in message
    assert not (tmp_path / "out").exists()


def test_a_base_without_an_encoder_is_refused(run: Run, tiny_base: Path, tmp_path: Path) -> None:
    corpus, base = put(tmp_path / "corpus", GOOD, GOOD), tmp_path / "base"
    shutil.copytree(tiny_base, base)
    config = json.loads((base / "config.json").read_text()) | {"model_type": "gpt2"}
    (base / "config.json").write_text(json.dumps(config))
    ran = run("train", "ner", "--base", base, "--corpus", corpus, "-o", tmp_path / "out")
    assert f"{base} is not an encoder but a gpt2; use an encoder of the BERT family" in sentence(ran)
    assert not any((tmp_path / "out").rglob("*"))


def test_a_base_with_weights_that_are_not_finite_is_refused(
    run: Run, tiny_base: Path, tmp_path: Path, rewrite_weights: Callable[..., None]
) -> None:
    corpus, base = put(tmp_path / "corpus", GOOD, GOOD), tmp_path / "base"
    shutil.copytree(tiny_base, base)
    rewrite_weights(base, lambda weights: weights["embeddings.LayerNorm.weight"].fill_(float("nan")))
    ran = run("train", "ner", "--base", base, "--corpus", corpus, "-o", tmp_path / "out")
    assert "the loss is not finite at step 1 of " in sentence(ran)
    assert not any((tmp_path / "out").rglob("*"))


def test_a_diverging_learning_rate_stops(run: Run, tiny_base: Path, tmp_path: Path) -> None:
    corpus, out = put(tmp_path / "corpus", GOOD * 200, GOOD), tmp_path / "out"
    words = ("train", "ner", "--base", tiny_base, "--corpus", corpus, "-o", out, "--batch-tokens", 600)
    message = sentence(run(*words, "--learning-rate", "1e30", "--epochs", 2))
    assert " is not finite at step " in message
    assert "try a learning rate below 1e+30" in message
    assert not out.exists() or {file.name for file in out.iterdir()} == {"training.checkpoint", SETTINGS_MARK}


def test_a_learning_rate_that_diverges_at_the_last_step_stops(run: Run, tiny_base: Path, tmp_path: Path) -> None:
    """The loss is still finite, and there is no dev split that would show it."""
    corpus, out = put(tmp_path / "corpus", GOOD, GOOD) / "train.tsv", tmp_path / "out"
    words = ("train", "ner", "--base", tiny_base, "--corpus", corpus, "-o", out, "--epochs", 1)
    message = sentence(run(*words, "--learning-rate", "1e30"))
    assert "the trained model is unusable (out@" in message
    assert message.endswith("; try a learning rate below 1e+30")
    assert not {"model.safetensors", "README.md"} & {file.name for file in out.iterdir()}


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        (GOOD + "attack\tI-Disease\n", ("--tags", "iob2"), "line 4: I-Disease continues no mention"),
        (GOOD + "attack\n", (), "line 4: expected token TAB tag, not 'attack'"),
        ("", (), "is empty; leave it out"),
        ("hurts\tO\n", (), "annotates no mention; use two columns"),
        ("BRCA1\tB-Gene\n", (), "finds Chemical, Disease; rename the type with --map NAME=TYPE"),
        (GOOD, ("--map", "Disease=Gene"), "annotates Gene, but tiny@"),
        (GOOD, ("--map", "Disease=-"), "annotates Disease, but --map drops all of it; keep a type"),
    ],
)
def test_a_file_that_cannot_be_scored_is_refused(
    run: Run, tiny_model: Path, tmp_path: Path, text: str, options: tuple[str, ...], message: str
) -> None:
    (tmp_path / "dev.tsv").write_text(text)
    assert message in sentence(run("evaluate", "ner", "--model", tiny_model, "--data", tmp_path / "dev.tsv", *options))
