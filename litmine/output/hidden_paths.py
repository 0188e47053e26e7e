"""Answers name no folders of this machine: those of the lake, of temporary files, and any other absolute path."""

import re
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa

# An absolute path with two folders or more, as it stands in messages; of it the last name stays.
_ABSOLUTE = re.compile(r"(?<![\w/:.~*-])/(?:[^\s/:'\"`,;()]+/)+(?=[^\s/:'\"`,;()])")


class HiddenPaths:
    """Replaces the lake's own path by `lake`, and removes the folders of other absolute paths."""

    def __init__(self, lake: object) -> None:
        """lake: the path or URL of the lake."""
        self._lake = str(lake)
        self._folders = [str(folder) for folder in (Path(tempfile.gettempdir()), _home()) if folder.parts[1:]]

    def text(self, text: str) -> str:
        """A message without folders of this machine."""
        return _ABSOLUTE.sub("", text.replace(self._lake, "lake"))

    def value(self, value: Any) -> Any:
        """A value with its texts as `text`, at any depth."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {key: self.value(inner) for key, inner in value.items()}
        return [self.value(inner) for inner in value] if isinstance(value, list | tuple) else value

    def rows(self, reader: pa.RecordBatchReader) -> pa.RecordBatchReader:
        """The rows of a query, whose texts do not name the lake's folder, temporary folder or home."""
        import pyarrow.compute as pc

        texts = [number for number, kind in enumerate(reader.schema.types) if pa.types.is_string(kind)]

        def hidden(batch: pa.RecordBatch) -> pa.RecordBatch:
            columns = batch.columns
            for number in texts:
                columns[number] = pc.replace_substring(columns[number], self._lake, "lake")
                for folder in self._folders:
                    columns[number] = pc.replace_substring(columns[number], folder, "")
            return pa.RecordBatch.from_arrays(columns, schema=reader.schema)

        return pa.RecordBatchReader.from_batches(reader.schema, map(hidden, reader)) if texts else reader


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:  # nothing says where it is
        return Path("/")
