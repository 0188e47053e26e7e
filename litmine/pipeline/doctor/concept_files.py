"""Check what litmine keeps of concepts beside a lake, in `concepts/`: the tables of parts and the index of pairs."""

from collections.abc import Iterator

from litmine.errors import LakeError
from litmine.lake.concept_parts import concept_folder
from litmine.lake.duckdb_errors import verify_parquet
from litmine.lake.folders import glob_files
from litmine.lake.lake import Lake
from litmine.lake.pair_state import STATE_FILE, read_pair_state
from litmine.lake.parquet import open_parquet
from litmine.lake.paths import relative_path
from litmine.pipeline.count_format import format_count
from litmine.pipeline.doctor.finding import Finding, note, ok, wrong


def examine_concepts(lake: Lake, deep: bool) -> Iterator[Finding]:
    """Yield the damaged files of `concepts/`, or that it is in order. Nothing if there is no such folder.

    It reads the end of each file. With `deep` it decodes them and verifies checksums.
    """
    folder = concept_folder(lake.location)
    if not folder.is_dir():
        return
    files = sorted([*glob_files(folder, "*.parquet"), *glob_files(folder, "parts/*.parquet")])
    damaged = 0
    for file in files:
        try:
            if deep:
                verify_parquet(file)
            else:
                with open_parquet(file):
                    pass
        except LakeError:
            if file.exists():  # An update deletes what it has replaced.
                damaged += 1
                name = relative_path(folder.parent, file)
                yield wrong(name, f"is damaged; delete the folder {folder}, which the next search makes again")
    if not damaged and (folder / STATE_FILE).exists() and read_pair_state(lake.location) is None:
        yield note("concepts", "the index of pairs is not complete; the next search makes it again")
    elif not damaged:
        depth = "decoded" if deep else "opened; use --deep to decode them"
        yield ok("concepts", f"{format_count(len(files), 'files')} were {depth}")
