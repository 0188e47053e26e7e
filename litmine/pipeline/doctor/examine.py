"""The examination of a lake, from its files to what they say together."""

from collections.abc import Iterator, Sequence

from litmine.errors import LakeError
from litmine.lake.active_models import input_of
from litmine.lake.download_journal import jobs
from litmine.lake.lake import Lake
from litmine.lake.targets import TargetSet
from litmine.lake.views import catalogue_is_current
from litmine.pipeline.doctor.contents import examine_contents, sample
from litmine.pipeline.doctor.finding import Finding, note, ok, wrong
from litmine.pipeline.doctor.lake_files import Examined, examine_files, examine_targets
from litmine.search.index_state import index_health


def examine_lake(lake: Lake, *, deep: bool = False) -> Iterator[Finding]:
    """What is wrong in a lake, and what is in order.

    Every footer is read, and of some targets the offsets are held against the texts; with `deep` every file is decoded
    to its end, page checksums verified, and all offsets and texts are.
    """
    examined = Examined()
    damage = 0
    for finding in (*examine_files(lake.place, examined, deep), *examine_targets(lake.place, examined)):
        damage += finding.level == "wrong"
        yield finding
    if not damage:
        counts = ", ".join(f"{len(paths)} of {table}" for table, paths in examined.files.items())
        how = "decoded to the end" if deep else "their footers read (--deep decodes all)"
        yield ok("files", f"{counts}: {how}, as declared")
    targets = sample(examined, deep)
    found = list(examine_contents(lake, examined, targets, deep))
    yield from found
    if not found:
        yield ok(
            "offsets",
            f"each mention stands where it says in {len(targets)} targets{'' if deep else ' (--deep looks at all)'}",
        )
    if not damage:
        yield from _whole(lake)
    yield _index(lake)
    yield from (
        note(
            "spool",
            f"the fetch {job} is under way or was interrupted; the same command goes on with it, and loses nothing",
        )
        for job in jobs(lake.place)
    )


def _whole(lake: Lake) -> Iterator[Finding]:
    """What only a lake whose files can be read can say."""
    try:
        known = lake.target_sets()
        for active in lake.active():
            targets = input_of(active).targets
            if targets not in known and lake.parts():
                yield wrong(f"model {active.model}", _gone(targets, known))
            elif unread := len(lake.unread(targets)):
                yield note(f"model {active.model}", f"has yet to read {unread:,} parts: `litmine annotate`")
        if not catalogue_is_current(lake.place):
            yield note("lake.duckdb", "is not there or not current; the next command that writes makes it anew")
        for name, md5, as_of, reader in lake.rows("select name, md5, as_of, reader from files"):
            if not lake.is_imported(md5, as_of, reader):
                yield note("files", f"{name}: a part that it gave is gone; import it again, and it is read anew")
    except LakeError as error:
        yield wrong("lake", str(error))


def _gone(targets: TargetSet, known: Sequence[TargetSet]) -> str:
    others = [one.model for one in known if one.table == targets.table]
    return (
        "is active, and nothing that it read is in the lake; run `litmine annotate` with it again, or choose"
        f" another: `litmine models use {(others or ['REF'])[0]}`"
    )


def _index(lake: Lake) -> Finding:
    state, told = index_health(lake)
    return wrong("search", told) if state == "damaged" else ok("search", told)
