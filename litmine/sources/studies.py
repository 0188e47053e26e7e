"""Read registrations of trials from files of ClinicalTrials.gov: JSON of its API (version 2), and its CSV.

JSON is one study, a list of studies, a page of the API (`{"studies": [...]}`) or a study a line. Written from the
published structure of the data (https://clinicaltrials.gov/data-api/about-api/study-data-structure); untried on the
service itself.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from litmine.errors import SourceError
from litmine.sources.encodings import decode_start, decode_text, undecodable
from litmine.sources.studies_csv import CSV_HEADER, read_studies_csv
from litmine.sources.study_json import read_study
from litmine.types import RegisteredTrial, UnreadableRecord

# Largest file, unpacked, since JSON is read whole. A page of the API has at most 1,000 studies, some 20 MB.
MAX_BYTES = 1 << 29
_MAX_DIGITS = 40
_KEYS = (
    "protocolSection|studies|nextPageToken|totalCount|hasResults|resultsSection|derivedSection|documentSection"
    "|annotationSection"
)
_JSON = re.compile(rf'\s*(?:\[\s*)?\{{\s*"(?:{_KEYS})"\s*:')


def holds_studies(start: bytes) -> bool:
    """Whether a file that begins like this, uncompressed, has registrations of trials."""
    head = decode_start(start[: 1 << 12])
    return bool(_JSON.match(head) or CSV_HEADER.match(head))


def read_studies(stream: BinaryIO) -> Iterator[RegisteredTrial | UnreadableRecord]:
    """Yield each study of an uncompressed file; one without a number of ClinicalTrials.gov is unreadable.

    After a study that was read without values of a wrong form comes an `UnreadableRecord` that names them.

    Raises SourceError for a file that is too large, has another encoding, or is no JSON.
    """
    content = stream.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise SourceError(f"The file has more than {MAX_BYTES >> 20} MiB of studies", "split it")
    try:
        text = decode_text(content)
    except UnicodeDecodeError as error:
        reason, _, remedy = undecodable(content, error).rpartition("; ")
        raise SourceError(f"The file cannot be read: {reason}", remedy) from error
    if CSV_HEADER.match(text):
        yield from read_studies_csv(text)
        return
    for where, study in _studies(text):
        try:
            if isinstance(study, json.JSONDecodeError):
                raise ValueError(f"is no JSON ({study.msg})")
            if isinstance(study, RecursionError):
                raise ValueError("is nested too deeply")
            trial, fault = read_study(study)
        except ValueError as error:
            yield UnreadableRecord(where, f"The study {error}; download it again.")
            continue
        yield trial
        if fault:
            yield UnreadableRecord(where, fault)


def _studies(text: str) -> Iterator[tuple[str, Any]]:
    """The place and the JSON of each study, or the error of a line that has none."""
    try:
        read = _parse(text)
    except json.JSONDecodeError as error:
        yield from _studies_by_line(text, error)
        return
    except RecursionError as error:
        raise SourceError("The file is JSON that is nested too deeply.") from error
    if isinstance(read, dict) and "studies" in read:
        read = read["studies"]
    for number, study in enumerate(read if isinstance(read, list) else [read], 1):
        yield f"record {number}", study


def _studies_by_line(text: str, whole: json.JSONDecodeError) -> Iterator[tuple[str, Any]]:
    lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    try:
        _parse(lines[0][1])
    except json.JSONDecodeError:
        reason = f"{whole.msg}, line {whole.lineno}"
        raise SourceError(f"The file is no complete JSON of studies ({reason}).") from whole
    for number, line in lines:
        try:
            yield f"line {number}", _parse(line)
        except (json.JSONDecodeError, RecursionError) as error:
            yield f"line {number}", error


def _parse(text: str) -> Any:
    return json.loads(text, parse_int=_number)


def _number(text: str) -> int | float:
    """A whole number; one of more digits than any value has becomes a float, since Python converts only so many."""
    return int(text) if len(text) <= _MAX_DIGITS else float(text)
