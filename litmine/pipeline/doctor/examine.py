"""Check a lake: its files, their contents, its models, its catalogue, its search index and its concepts."""

from collections.abc import Iterator, Sequence

from litmine.errors import LakeError
from litmine.lake.active_models import input_of
from litmine.lake.download_journal import list_unfinished_fetches
from litmine.lake.lake import Lake
from litmine.lake.paths import relative_path, vocabulary_path
from litmine.lake.targets import TargetSet
from litmine.lake.term_lists import is_term_list
from litmine.lake.views import catalogue_is_current
from litmine.pipeline.count_format import format_count
from litmine.pipeline.doctor.concept_files import examine_concepts
from litmine.pipeline.doctor.contents import examine_contents, sample_targets
from litmine.pipeline.doctor.finding import Finding, note, ok, wrong
from litmine.pipeline.doctor.lake_files import CheckedFiles, examine_files, examine_targets
from litmine.search.index_state import index_health
from litmine.specs import annotate_advice, spec_by_name


def examine_lake(lake: Lake, *, deep: bool = False) -> Iterator[Finding]:
    """Yield what is wrong in a lake, and what is in order.

    It reads the footer of every file, and checks the offsets of a sample of targets against the texts. With `deep` it
    decodes every file, verifies page checksums, and checks all offsets and the hashes of all texts.
    """
    checked = CheckedFiles()
    damage = 0
    for finding in (*examine_files(lake.location, checked, deep), *examine_targets(lake.location, checked)):
        damage += finding.level == "wrong"
        yield finding
    if not damage:
        count = format_count(sum(map(len, checked.files.values())), "files")
        tables = ", ".join(f"{table} {len(paths):,}" for table, paths in checked.files.items() if paths)
        depth = "every file was decoded" if deep else "only footers were read; use --deep to decode every file"
        yield ok("files", f"{count} match their schemas ({tables}); {depth}")
    targets = sample_targets(checked, deep)
    problems = list(examine_contents(lake, checked, targets, deep))
    yield from problems
    if not problems:
        sampled = "" if deep else "; use --deep to check all"
        yield ok("offsets", f"the offsets of {format_count(len(targets), 'targets')} match the texts{sampled}")
    if not damage:
        yield from _examine_models_and_catalogue(lake)
    yield _search_index(lake)
    yield from examine_concepts(lake, deep)
    for request in list_unfinished_fetches(lake.location).values():
        yield note(
            "fetch", f"`litmine {request}` is running or was interrupted; run the same command again to continue it"
        )


def _examine_models_and_catalogue(lake: Lake) -> Iterator[Finding]:
    """Checks that need every file of the lake to be readable."""
    try:
        target_sets = lake.target_sets()
        for active in lake.active_models():
            targets = input_of(active).targets
            if targets not in target_sets and lake.parts():
                yield wrong(f"model {active.model}", _no_results_message(targets, target_sets))
            elif unread := len(lake.pending_parts(targets)):
                advice = annotate_advice(
                    targets.table, targets.model, in_lake=is_term_list(lake.location, targets.model)
                )
                yield note(f"model {active.model}", f"has not read {format_count(unread, 'parts')}; {advice}")
        yield from _missing_vocabularies(lake)
        if not catalogue_is_current(lake.location):
            yield note("lake.duckdb", "is missing or out of date; the next command that writes to the lake rebuilds it")
        for name, md5, as_of, reader in lake.rows("select name, md5, as_of, reader from files"):
            if not lake.is_imported(md5, as_of, reader):
                yield note("files", f"an article part from {name} is missing; import the file again")
    except LakeError as error:
        yield wrong("lake", str(error))


def _missing_vocabularies(lake: Lake) -> Iterator[Finding]:
    """The active linkers whose vocabulary the lake has no copy of."""
    linkers = {one.model for one in lake.active_models() if spec_by_name(one.task).vocabulary}
    for file in (vocabulary_path(lake.location, linker) for linker in sorted(linkers)):
        if not file.exists():
            yield wrong(
                relative_path(lake.location, file),
                "is missing, so `concepts` lacks names and tree numbers; run `litmine annotate`, which copies the"
                " vocabulary again",
            )


def _no_results_message(targets: TargetSet, target_sets: Sequence[TargetSet]) -> str:
    others = [other.model for other in target_sets if other.table == targets.table]
    return (
        "is active, but has no results in the lake; run `litmine annotate` with it again, or choose another model with"
        f" `litmine models use {(others or ['REF'])[0]}`"
    )


def _search_index(lake: Lake) -> Finding:
    state, message = index_health(lake)
    return wrong("search", message) if state == "damaged" else ok("search", message)
