"""Store registrations of trials: the table `registered_trials`, one file per imported file."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import UTC, datetime
from hashlib import blake2b

import pyarrow as pa

from litmine.lake.compaction import replaced_names_in_folder
from litmine.lake.file_writer import escape_surrogates, write_bytes
from litmine.lake.parquet import encode_parquet
from litmine.lake.paths import LakePath
from litmine.schema import arrow_schema
from litmine.types import RegisteredTrial

TABLE = "registered_trials"
_FIELDS = tuple(field.name for field in fields(RegisteredTrial))


def write_registered_trials(
    lake: LakePath, trials: Sequence[RegisteredTrial], source: str, as_of: datetime, dated: bool
) -> bool:
    """Add the studies of a file; returns False if the lake has the same studies of such a file already.

    `source` is the name of the file, `as_of` its date; `dated`: the user gave the date, so that another date is another
    file. Raises LakeError if the file cannot be written.
    """
    rows = [asdict(trial) | {"source": escape_surrogates(source), "as_of": as_of} for trial in trials]
    for row in rows:
        row["record_hash"] = content_hash(row)
    content = sorted((row["registry_id"], row["record_hash"]) for row in rows)
    key = json.dumps([content, f"{as_of.astimezone(UTC):%Y%m%dT%H%M%S.%f}" if dated else ""])
    name = blake2b(key.encode(), digest_size=12).hexdigest()
    if name in replaced_names_in_folder(lake, TABLE):
        return False
    data = encode_parquet(TABLE, pa.Table.from_pylist(rows, schema=arrow_schema(TABLE)))
    return write_bytes(lake / TABLE / f"{name}.parquet", data, exclusive=True)


def content_hash(trial: RegisteredTrial | Mapping[str, object]) -> int:
    """A hash of the fields of a registration, which may be a row of the view `registered_trials`."""
    row = asdict(trial) if isinstance(trial, RegisteredTrial) else trial
    content = json.dumps({name: row[name] for name in _FIELDS}, sort_keys=True)
    return int.from_bytes(blake2b(content.encode(), digest_size=8).digest(), "big", signed=True)
