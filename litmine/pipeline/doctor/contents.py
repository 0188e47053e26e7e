"""What the files of a lake say, held against each other: offsets and texts."""

import random
from collections.abc import Iterator

from litmine.errors import LakeError, QueryError, SchemaError
from litmine.lake.articles import NewTexts, new_texts, part_summary
from litmine.lake.hashing import text_hash
from litmine.lake.lake import Lake
from litmine.lake.parquet import EMPTY, read, read_footer, reading
from litmine.lake.paths import PART_TASKS, Place, parse_folder, within
from litmine.lake.targets import check_quote
from litmine.pipeline.doctor.finding import Finding, wrong
from litmine.pipeline.doctor.lake_files import Examined
from litmine.specs import ARTICLES, annotate_again

_SAMPLE = 20
_MISPLACED = """
select model, slice, pmid, answer from readings join article_versions using (pmid, text_hash)
where new_text and answer is not null
  and substr(concat_ws(' ', title, abstract), start_char + 1, end_char - start_char) is distinct from answer
"""


def sample(examined: Examined, deep: bool) -> list[Place]:
    """The targets whose offsets are to be looked at: some, or with `deep` all."""
    targets = [path for table in PART_TASKS for path in examined.files[table] if path.name != EMPTY]
    return targets if deep or len(targets) <= _SAMPLE else random.sample(targets, _SAMPLE)


def examine_contents(lake: Lake, examined: Examined, targets: list[Place], deep: bool) -> Iterator[Finding]:
    """Offsets of the targets that do not hold, and with `deep` of answers, and texts that are not what was hashed."""
    readable = {path.stem: path for path in examined.files[ARTICLES]}
    if deep:
        for path in readable.values():
            if path.name != EMPTY:
                yield from _of_part(lake, path)
    for target in targets:
        if target.stem in readable:
            yield from _of_target(lake, readable[target.stem], target)
    if deep:
        yield from _of_readings(lake)


def _of_part(lake: Lake, part: Place) -> Iterator[Finding]:
    try:
        texts = new_texts(part)
        said = part_summary(part).texts
    except LakeError as error:
        yield wrong(within(lake.place, part), str(error))
        return
    if len(texts) != said:
        yield wrong(within(lake.place, part), f"has {len(texts)} new texts and its footer says {said}; restore it")
    for pmid, hashed, text in zip(texts.pmids, texts.text_hashes, texts.texts, strict=True):
        if text_hash(text) != hashed:
            yield wrong(
                within(lake.place, part), f"the text of PMID {pmid} is not the one that was written; restore the file"
            )
            return


def _of_target(lake: Lake, part: Place, target: Place) -> Iterator[Finding]:
    try:
        problem = _problem(lake.place, new_texts(part), target)
    except LakeError as error:
        problem = str(error)
    if problem is not None:
        table, model, _ = parse_folder(within(lake.place, target.parent))
        yield wrong(within(lake.place, target), f"{problem}; delete the file and {annotate_again(table, model)}")


def _problem(lake: Place, texts: NewTexts, target: Place) -> str | None:
    """The first thing about a target that does not fit the texts of its part, or what it is made of."""
    footer = read_footer(target)
    table, model, _ = parse_folder(within(lake, target.parent))
    if footer.get("model") != model:
        return f"was made by {footer.get('model')}, and its folder is that of {model}"
    said = footer.get("texts")
    if said != len(texts):
        return f"was made of {said} texts, and its part has {len(texts)}"
    for folder in footer.get("inputs", ()):
        if not (lake / folder / target.name).exists():
            return f"was made of {folder}/{target.name}, which is gone"
    known = dict(zip(zip(texts.pmids, texts.text_hashes, strict=True), texts.texts, strict=True))
    quotes = PART_TASKS[table].quotes
    rows = read(target, ["pmid", "text_hash", *dict.fromkeys(name for columns in quotes for name in columns)])
    with reading(target):
        found = rows.to_pylist()
    for row in found:
        text = known.get((row["pmid"], row["text_hash"]))
        if text is None:
            return f"has a row of PMID {row['pmid']} in a text that its part does not hold"
        for columns in quotes:
            start, end, quote = (row[name] for name in columns)
            try:
                check_quote(row["pmid"], text, start, end, quote)
            except SchemaError as error:
                return str(error)
    return None


def _of_readings(lake: Lake) -> Iterator[Finding]:
    try:
        misplaced = lake.rows(f"{_MISPLACED} limit 5")
    except (LakeError, QueryError) as error:
        yield wrong("readings", str(error))
        return
    for model, name, pmid, answer in misplaced:
        yield wrong(
            f"readings of {model}",
            f"PMID {pmid} has the answer {answer!r} elsewhere than it says; delete {name}.parquet and run"
            " `litmine annotate --questions` again",
        )
