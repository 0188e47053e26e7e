"""Damaged inputs for every reader: each gives values or an error of litmine, within seconds.

The inputs are sample files and settings with up to four changes: cut, with flipped bits, with pieces dropped, repeated
or inserted. The fifty inserted pieces are those that break parsers: markup, huge numbers, control characters.
"""

import faulthandler
import gzip
import json
import os
import random
import tempfile
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.soak_process import in_fork
from litmine.errors import LitmineError

SAMPLES = Path(__file__).parent.parent / "sample_data"
JOBS = Path(__file__).parent.parent / "jobs"
# Reading takes milliseconds. What takes longer than this hangs, and is ended later.
HANG_SECONDS, END_SECONDS = 20.0, 120.0
AS_OF = datetime(2026, 1, 1, tzinfo=UTC)
PIECES = [
    *(b"<", b">", b"</", b"<PMID>", b"</PubmedArticle>", b"&lt;", b"&#0;", b"&x;", b"<![CDATA[", b"]]>", b"<!--"),
    *(b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b" xmlns='urn:x'", b"\n", b"\r\n", b"\t", b"\0", b"\xff", b"\xef\xbb\xbf"),
    *(b'"', b"\\", b"\\ud800", b"\\u0000", b"{", b"}", b"[", b"]", b",", b":", b"null", b"NaN", b"1e999", b"-1"),
    *(b"9" * 30, b"9" * 5000, b"1e300", b"|t|", b"|a|", b"#", b"=", b"inf", b"[[after]]\n", b"x" * 5000, b"../../a"),
    *(b"PMID- 7\n", b"TI  - ", b"TY  - JOUR\n", b"ER  - \n", b"\xe2\x80\xae", b"\xf0\x9f\xa7\xac", b"99999-99-99"),
]
Reader = tuple[str, str, Callable[[], bytes], Callable[[Path], object]]


def _read_records(file: Path) -> object:
    from litmine.sources.files import read_file

    return list(read_file(file, AS_OF))


def _read_questions(file: Path) -> object:
    from litmine.sources.questions import read_questions

    return read_questions(file)


def _read_job(file: Path) -> object:
    from litmine.pipeline.job.job_file import read_job

    return read_job(str(file))


def _read_terms(file: Path) -> object:
    from litmine.tasks.ner.term_list import read_term_list

    return read_term_list(file)


def _read_pmids(file: Path) -> object:
    from litmine.sources.pmids import read_pmids

    return read_pmids(file.read_bytes().decode(errors="replace").splitlines(keepends=True))


def _read_corpus(file: Path) -> object:
    from litmine.corpora.corpus import read_corpus

    return read_corpus(file, "corpus")


def _xml() -> bytes:
    return gzip.decompress((SAMPLES / "pubmed" / "pubmedsample19n0001.xml.gz").read_bytes())[:40_000]


def _medline() -> bytes:
    first = b"PMID- 1\nTI  - A title\n      goes on\nAB  - Text.\nDP  - 2020 Jan 3\nMH  - Humans\n\n"
    return (first + b"PMID- 2\nTI  - B\n\n") * 20


def _ris() -> bytes:
    return b"TY  - JOUR\nAN  - PMID:7\nTI  - A title\nAB  - Text.\nPY  - 2020/01/03\nVL  - 3\nER  - \n\n" * 20


def _jsonl() -> bytes:
    return b'{"pmid": 1, "title": "A", "abstract": "B.", "year": 2020, "doi": "10.1/x", "retracted": false}\n' * 20


def _pubtator() -> bytes:
    return (SAMPLES / "documents" / "NCBI-disease_dev.pubtator").read_bytes()[:20_000]


def _iob() -> bytes:
    return next((SAMPLES / "ner" / "BC5CDR").rglob("*.tsv")).read_bytes()[:20_000]


READERS: tuple[Reader, ...] = (
    ("PubMed XML", ".xml", _xml, _read_records),
    ("MEDLINE text", ".nbib", _medline, _read_records),
    ("RIS", ".ris", _ris, _read_records),
    ("JSON lines", ".jsonl", _jsonl, _read_records),
    ("PubTator", ".txt", _pubtator, _read_records),
    ("questions", ".jsonl", (SAMPLES / "questions.jsonl").read_bytes, _read_questions),
    ("jobs", ".toml", lambda: (JOBS / "nightly.toml").read_bytes() + b"\n[resources]\nworkers = 1\n", _read_job),
    ("term lists", ".tsv", (SAMPLES / "watchlist.tsv").read_bytes, _read_terms),
    ("lists of PMIDs", ".txt", lambda: b"PMID,Title\n1,A\n2,B\n" * 50, _read_pmids),
    ("two-column corpora", ".tsv", _iob, _read_corpus),
)


def damaged(content: bytes, rng: random.Random) -> bytes:
    """The content with one to four changes."""
    for _ in range(rng.randint(1, 4)):
        start = rng.randrange(len(content) + 1)
        end = min(len(content), start + int(10 ** rng.uniform(0, 3)))
        kind = rng.randrange(6)
        piece = content[start:end]
        if kind == 0:
            content = content[:start] or b"x"
        elif kind == 1 and piece:
            content = content[:start] + bytes([piece[0] ^ 1 << rng.randrange(8)]) + content[start + 1 :]
        elif kind == 2:
            content = content[:start] + content[end:]
        elif kind == 3:
            content = content[:start] + piece * rng.randint(2, 5) + content[start:]
        elif kind == 4 and rng.random() < 0.1:
            content = gzip.compress(content, 1)[: rng.choice([None, 50, 500])]
        else:
            content = content[:start] + rng.choice(PIECES) + content[start:]
    return content


def check_inputs(reader: Reader, number: int, seed: int) -> dict[str, Any]:
    """Give a reader so many damaged inputs, in a process of its own. Returns its row of the results."""
    began = time.monotonic()
    result = in_fork(lambda: json.dumps(_check(reader, number, seed)))
    # A process that hangs ends itself, and its inputs do not count.
    row = json.loads(result) if result else {"inputs": 0, "hangs": 1, "messages": [f"hangs with seed {seed}"]}
    seconds, load = round(time.monotonic() - began, 1), round(os.getloadavg()[0], 1)
    return {"name": reader[0], "tracebacks": 0, "slowest": 0.0, "seconds": seconds, "load": load} | row


def _check(reader: Reader, number: int, seed: int) -> dict[str, Any]:
    name, suffix, make, read = reader
    rng = random.Random(f"{seed} {name}")
    original, hangs, slowest = make(), 0, 0.0
    messages: list[str] = []
    with tempfile.TemporaryDirectory(prefix="litmine-soak-") as folder:
        file = Path(folder) / f"a{suffix}"
        for _ in range(number):
            file.write_bytes(damaged(original, rng))
            faulthandler.dump_traceback_later(END_SECONDS, exit=True)
            began = time.monotonic()
            try:
                read(file)
            except LitmineError:
                pass
            except Exception:  # noqa: BLE001 -- anything else is what the soak looks for
                messages.append(traceback.format_exc()[-4000:])
            seconds = time.monotonic() - began
            slowest, hangs = max(slowest, seconds), hangs + (seconds > HANG_SECONDS)
    faulthandler.cancel_dump_traceback_later()
    slowest = round(slowest, 2)
    return {"inputs": number, "tracebacks": len(messages), "hangs": hangs, "slowest": slowest, "messages": messages}
