"""Check the contents of a lake: whether the offsets of targets and answers match the texts, and texts their hashes."""

import random
from collections.abc import Iterator

from litmine.errors import LakeError, QueryError, SchemaError
from litmine.lake.articles import NewTexts, read_new_texts, read_part_summary
from litmine.lake.hashing import text_hash
from litmine.lake.lake import Lake
from litmine.lake.parquet import SCHEMA_FILE, read_footer, read_table, report_read_errors
from litmine.lake.paths import PART_TASKS, LakePath, parse_folder_name, relative_path
from litmine.lake.targets import check_quote
from litmine.lake.term_lists import is_term_list
from litmine.pipeline.count_format import format_count
from litmine.pipeline.doctor.finding import Finding, wrong
from litmine.pipeline.doctor.lake_files import CheckedFiles
from litmine.specs import ARTICLES, annotate_advice

_SAMPLE_SIZE = 20
_WRONG_ANSWERS = """
select model, slice, pmid, answer from readings join article_versions using (pmid, text_hash)
where new_text and answer is not null
  and substr(concat_ws(' ', title, abstract), start_char + 1, end_char - start_char) is distinct from answer
"""


def sample_targets(checked: CheckedFiles, deep: bool) -> list[LakePath]:
    """The targets to check: a random sample, or all of them with `deep`."""
    targets = [path for table in PART_TASKS for path in checked.files[table] if path.name != SCHEMA_FILE]
    return targets if deep or len(targets) <= _SAMPLE_SIZE else random.sample(targets, _SAMPLE_SIZE)


def examine_contents(lake: Lake, checked: CheckedFiles, targets: list[LakePath], deep: bool) -> Iterator[Finding]:
    """Yield problems with the offsets in `targets`; with `deep`, also with offsets of answers and hashes of texts."""
    parts = {path.stem: path for path in checked.files[ARTICLES]}
    if deep:
        for path in parts.values():
            if path.name != SCHEMA_FILE:
                yield from _check_part(lake, path)
    for target in targets:
        if target.stem in parts:
            yield from _check_target(lake, parts[target.stem], target)
    if deep:
        yield from _check_readings(lake)


def _check_part(lake: Lake, part: LakePath) -> Iterator[Finding]:
    try:
        texts = read_new_texts(part)
        recorded = read_part_summary(part).texts
    except LakeError as error:
        yield wrong(relative_path(lake.location, part), str(error))
        return
    if len(texts) != recorded:
        yield wrong(
            relative_path(lake.location, part),
            f"has {format_count(len(texts), 'new texts')}, but {recorded:,} in its footer; restore the file",
        )
    for pmid, hashed, text in zip(texts.pmids, texts.text_hashes, texts.texts, strict=True):
        if text_hash(text) != hashed:
            yield wrong(
                relative_path(lake.location, part),
                f"the text of PMID {pmid} does not match its hash; restore the file",
            )
            return


def _check_target(lake: Lake, part: LakePath, target: LakePath) -> Iterator[Finding]:
    try:
        problem = _find_problem(lake.location, read_new_texts(part), target)
    except LakeError as error:
        problem = str(error)
    if problem is not None:
        table, model, _ = parse_folder_name(relative_path(lake.location, target.parent))
        advice = annotate_advice(table, model, again=True, in_lake=is_term_list(lake.location, model))
        yield wrong(relative_path(lake.location, target), f"{problem}; delete the file and {advice}")


def _find_problem(lake: LakePath, texts: NewTexts, target: LakePath) -> str | None:
    """The first way in which a target does not match the texts of its part or its input targets."""
    footer = read_footer(target)
    table, model, _ = parse_folder_name(relative_path(lake, target.parent))
    if footer.get("model") != model:
        return f"was made by {footer.get('model')}, but is in the folder of {model}"
    recorded = footer.get("texts")
    if recorded != len(texts):
        return f"was made from {recorded} texts, but its article part has {len(texts)}"
    for folder in footer.get("inputs", ()):
        if not (lake / folder / target.name).exists():
            return f"was made from {folder}/{target.name}, which no longer exists"
    text_by_key = dict(zip(zip(texts.pmids, texts.text_hashes, strict=True), texts.texts, strict=True))
    quotes = PART_TASKS[table].quotes
    rows = read_table(target, ["pmid", "text_hash", *dict.fromkeys(name for columns in quotes for name in columns)])
    with report_read_errors(target):
        records = rows.to_pylist()
    for row in records:
        text = text_by_key.get((row["pmid"], row["text_hash"]))
        if text is None:
            return f"has a row for a text of PMID {row['pmid']} that its article part does not have"
        for columns in quotes:
            start, end, quote = (row[name] for name in columns)
            try:
                check_quote(row["pmid"], text, start, end, quote)
            except SchemaError as error:
                return str(error)
    return None


def _check_readings(lake: Lake) -> Iterator[Finding]:
    try:
        wrong_answers = lake.rows(f"{_WRONG_ANSWERS} limit 5")
    except (LakeError, QueryError) as error:
        yield wrong("readings", str(error))
        return
    for model, name, pmid, answer in wrong_answers:
        yield wrong(
            f"readings of {model}",
            f"the offsets of the answer {answer!r} do not match the text of PMID {pmid}; delete {name}.parquet and run"
            " `litmine annotate --questions` again",
        )
