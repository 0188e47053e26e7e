"""Write docs/cli.md from the commands' help and docs/tables.md from schemas/; with --check, only report stale pages.

python docs/generate.py [--check]
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from litmine import Lake
from litmine.cli.main import cli
from litmine.lake.paths import TABLES
from litmine.lake.view_definitions import macro_descriptions, view_descriptions
from litmine.lake.views import connect
from litmine.schema import table_declaration

DOCS = Path(__file__).parent
WIDTH = 100
HELP_OPTIONS = cli.context_settings["help_option_names"]
# What a column is that only a view has: by `view.column`, or by `column` where it is the same in all views.
VIEW_COLUMNS = {
    "active": "Whether the model is active. Views without `all_` in the name show rows of active models only.",
    "adverse_event_signals.articles": "Articles that assert that the drug causes the event, which is `a`.",
    "adverse_event_signals.a": "Articles that assert the event of the drug.",
    "adverse_event_signals.b": "Articles that mention the drug and do not assert the event of it.",
    "adverse_event_signals.c": "Articles that do not mention the drug, and assert the event of another one.",
    "adverse_event_signals.d": "Articles that do neither: all others that mention a linked drug and a linked effect.",
    "adverse_event_signals.drug": "Preferred name of the drug; without one, a mention of it.",
    "adverse_event_signals.drug_id": "Identifier of the drug.",
    "adverse_event_signals.event": "Preferred name of the event; without one, a mention of it.",
    "adverse_event_signals.event_id": "Identifier of the event.",
    "adverse_event_signals.first_year": "The year of the earliest of the articles that assert it.",
    "adverse_event_signals.last_year": "The year of the latest of these articles.",
    **{
        f"adverse_event_signals.{measure}{end}": text
        for measure, name in (
            ("prr", "proportional reporting ratio, a/(a+b) : c/(c+d); null if c is 0"),
            ("ror", "reporting odds ratio, ad : bc; null if b or c is 0"),
            ("ic", "information component, log2 of observed to expected articles, both plus a half"),
        )
        for end, text in (
            ("", f"{name[0].upper()}{name[1:]}."),
            ("025", f"Lower end of the 95 % interval of `{measure}`."),
            ("975", f"Upper end of the 95 % interval of `{measure}`."),
        )
    },
    "drug": "The mention of the drug.",
    "drug_start": "Start of the drug in `text`.",
    "drug_end": "End of the drug, exclusive.",
    "drug_id": "Identifier of the drug; several joined by `|`. Null without one.",
    "event": "The mention of the event.",
    "event_start": "Start of the event in `text`.",
    "event_end": "End of the event, exclusive.",
    "event_id": "Identifier of the event; several joined by `|`. Null without one.",
    "articles.text": "Title, one space, abstract: what models read and offsets refer to.",
    "concept_articles.entity_type": "The type of its mentions there; of several, the first by name.",
    "concept_articles.identifier": "The concept, such as MESH:D010406; each of a composite mention's.",
    "concept_articles.mentions": "Number of rows of `entities`.",
    "concept_pairs.articles": "Number of articles that have both, without retracted ones and notices.",
    "concept_pairs.first_id": "Identifier of the concept that is first by name of the identifier.",
    "concept_pairs.first_year": "The year of the earliest of these articles; null if none has a year.",
    "concept_pairs.second_id": "Identifier of the other concept.",
    "concepts.articles": "Number of current articles that mention it.",
    "concepts.entity_type": "The type of the concept; if it may have several, the first by name that a mention has.",
    "concepts.first_year": "The year of the earliest of these articles.",
    "concepts.mentions": "Number of rows of `entities`. A span that is a Gene and a Protein counts for both.",
    "coverage.texts_read": "Texts that the model has read.",
    "coverage.texts_unread": "Texts that the model has not read yet.",
    "coverage.texts_failed": "Texts that the model could not read; `gaps` lists them.",
    "coverage.parts_read": "Parts that the model has read.",
    "coverage.parts_unread": "Parts that the model has not read yet.",
    "document_relations.asserted": "Whether a pair of mentions states it: neither negated nor speculated.",
    "document_relations.evidence_end": "End of this evidence, exclusive.",
    "document_relations.evidence_start": "Start in `text` of the evidence of the best pair.",
    "document_relations.mention_pairs": "Number of pairs of mentions that have this relation.",
    "document_relations.object": "The object as the best pair of mentions has it.",
    "document_relations.object_id": "Identifier of the object.",
    "document_relations.quote": "The exact text of the evidence.",
    "document_relations.score": "Score of the best pair: the highest of those that state it, or of all if none does.",
    "document_relations.subject": "The subject as the best pair of mentions has it.",
    "document_relations.subject_id": "Identifier of the subject; of one type, the first of the two by name.",
    "entity_pairs.position": "Number of the sentence in the text, from 0.",
    "entity_pairs.section": "TITLE, or the label of the abstract's section; null for a section without a label.",
    "entity_pairs.sentence_start": "Start of the sentence in `text`.",
    "entity_pairs.sentence_end": "End of the sentence, exclusive.",
    "entity_pairs.quote": "The exact text of the sentence.",
    **{
        f"entity_pairs.{column}_{number}": f"{what} of the {'first' if number == 1 else 'second'} mention{end}"
        for number in (1, 2)
        for column, what, end in (
            ("mention", "The exact text", "."),
            ("entity_type", "Entity type", "."),
            ("identifier", "Identifier", "; null where the model gives none."),
            ("score", "Score", ", 0 to 1."),
            ("start_char", "Start", " in `text`."),
            ("end_char", "End", ", exclusive."),
        )
    },
    "gaps.model": "The model that could not read the text, name@digest; null for files, records and parts.",
    "gaps.part": "The name of the article part; null for files, records and the texts of questions.",
    "gaps.pmid": "PubMed identifier of the text or the missing record; null for files, records of files and parts.",
    "gaps.task": "The task of the model; null for files, records and parts.",
    "source_gaps.command": "The command that reported it, import or fetch.",
    "source_gaps.what": "A file, a line or record of a file, a PMID, or a search.",
    "source_gaps.pmid": "The missing PMID; null for others.",
    "source_gaps.reported": "When it was last reported (UTC).",
    "gaps.what": "What could not be read: a PMID, a part, a file, a line or record of a file, or a search.",
    "inputs": "Targets of other tasks that the model reads, as in its targets' path; null if it reads articles only.",
    "linker": "The linker that found the identifier, name@digest; null for an identifier of the tagger itself.",
    "model": "The model, name@digest.",
    "part": "The name of the article part.",
    "parts.rows": "Number of rows.",
    "parts.texts": "Number of rows with a new text, which models read.",
    "question_coverage.failed": "Retrieved articles that could not be read.",
    "question_coverage.outdated": "Articles that were read and have been revised, deleted or retracted since.",
    "question_coverage.read": "Retrieved articles that the reader has read.",
    "question_coverage.retrieved": "Articles retrieved for the question.",
    "question_coverage.unread": "Retrieved articles that the reader has not read yet.",
    "question_id": "The user's identifier of the question; for `litmine ask`, an identifier made from the digest.",
    "rank": "Rank, from 1 for the best.",
    "readings.slice": "The file that holds the reading.",
    "score": "Confidence of the model, 0 to 1.",
    "support": "Number of papers that give the answer.",
    "targets.device": "Device on which the model ran.",
    "targets.failed": "The texts that could not be read: PMID, text hash and reason.",
    "targets.precision": "float32 or bf16.",
    "targets.seconds": "Time that the model took for the part.",
    "targets.texts": "Texts that were read.",
    "targets.tokens": "Tokens that were read.",
    "task": "The task of the model.",
    "trials.arms": "Arms with their number of people: `intervention` or `control`, number, mention, offsets.",
    "trials.comparators": "What it is compared with: mentions with offsets, identifiers of the lake's links, score.",
    "trials.design": "Random allocation, blinding (single, double, triple, open), crossover, phase, and their words.",
    "trials.enrolled": "Number of participants: the mention of all participants with the highest score; null for none.",
    "trials.enrolled_mention": "The mention that gives the number of participants.",
    "trials.interventions": "Interventions: mentions with offsets, identifiers of the lake's links, score.",
    "trials.outcomes": "Outcomes in results and conclusions: mentions with offsets, identifiers, score.",
    "trials.populations": "Who took part: mentions with offsets, identifiers of the lake's links, score.",
    "trials.registry_ids": "Registry numbers of the text, the record's list, and registrations that name the article.",
    "trials.results": "Results of the arms: measure (iv: intervention, cv: control), mention, offsets, score.",
    "trials.score": "How sure it is that the article reports a trial: 1 by publication type, less by its words.",
    "types": "The types that the views show from the model; null for all.",
    "why": "The reason.",
}
# Where the stored table that explains a column of a view has another name.
STORED = {
    "adverse_events": ("relations",),
    "answers": ("readings", "questions"),
    "concepts": ("vocabularies",),
    "document_relations": ("relations", "articles"),
    "entities": ("links",),
    "gaps": ("articles",),
    "trials": ("trial_mentions", "articles"),
    "unretracted_texts": ("articles",),
}


def cli_page() -> str:
    """Every command's help, as it prints it."""
    blocks = [f"## {context.command_path}\n\n```text\n{context.get_help()}\n```\n" for context in _contexts()]
    return (
        f"# Commands\n\nWhat `litmine COMMAND --help` prints, {WIDTH} columns wide. Written by `make docs`.\n\n"
        + "\n".join(blocks)
    )


def _contexts(command: click.Command = cli, parent: click.Context | None = None) -> Iterator[click.Context]:
    name = "litmine" if parent is None else command.name
    # A width given twice: help wraps to neither the terminal's width nor click's own limit.
    context = click.Context(
        command, parent, name, terminal_width=WIDTH, max_content_width=WIDTH, help_option_names=HELP_OPTIONS
    )
    yield context
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            subcommand = command.get_command(context, child)
            if subcommand is not None and not subcommand.hidden:
                yield from _contexts(subcommand, context)


def tables_page() -> str:
    """The views with their sentences and columns, then each stored table with its columns."""
    rows = "".join(f"| [`{name}`](#view-{name}) | {sentence} |\n" for name, sentence in view_descriptions().items())
    views = "\n".join(_view(name, columns) for name, columns in view_columns().items())
    macros = "".join(f"- `{name}`: {sentence}\n" for name, sentence in macro_descriptions().items())
    tables = "\n".join(_table(name) for name in TABLES)
    return (
        "# Views and columns\n\n"
        "Written from `schemas/` by `make docs`. Offsets are code points, from 0, the end exclusive:\n"
        "`substr(text, start_char + 1, end_char - start_char) = mention`.\n\n"
        f"## Views: what `litmine sql` shows\n\n| view | what it shows |\n|---|---|\n{rows}\n{views}\n"
        f"## Macros\n\n{macros}\n"
        "## Files: what the lake stores\n\nColumns are only added, and an id is never reused, so that a file of any"
        f" age can be read.\n\n{tables}"
    )


def view_columns() -> dict[str, list[tuple[str, str, str]]]:
    """The columns of each view: name, DuckDB's type, and what the column holds (empty where nothing explains it)."""
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake.create(Path(folder) / "lake")
        with connect(lake.path) as connection:
            columns = {
                name: connection.execute(f"DESCRIBE SELECT * FROM {name}").fetchall() for name in view_descriptions()
            }
    return {
        name: [(column, kind.lower(), _explanation(name, column)) for column, kind, *_ in described]
        for name, described in columns.items()
    }


def _explanation(view: str, column: str) -> str:
    """The sentence of a view's column: its own, that of the stored column of its name, or the general one."""
    base = view.removeprefix("all_")
    if own := VIEW_COLUMNS.get(f"{view}.{column}") or VIEW_COLUMNS.get(f"{base}.{column}"):
        return own
    tables = [*STORED.get(base, ()), base] if base in STORED or base in TABLES else ["articles"]
    for table in tables:
        if table in TABLES:
            for field in table_declaration(table)["fields"]:
                if field["name"] == column:
                    return str(field["doc"])
    return VIEW_COLUMNS.get(column, "")


def _view(name: str, columns: Sequence[tuple[str, str, str]]) -> str:
    rows = "".join(f"| `{column}` | {kind} | {doc} |\n" for column, kind, doc in columns)
    return f"### View {name}\n\n| column | type | what it holds |\n|---|---|---|\n{rows}"


def _table(name: str) -> str:
    declared = table_declaration(name)
    rows = "".join(_rows(declared["fields"]))
    head = "| id | column | type | null | what it holds |\n|---|---|---|---|---|"
    return f"### Table {name}\n\n{declared['doc']}\n\n{head}\n{rows}"


def _rows(fields: list[dict[str, Any]], prefix: str = "") -> Iterator[str]:
    for field in fields:
        null = "no" if field["required"] else "yes"
        path = prefix + field["name"]
        yield f"| {field['id']} | `{path}` | {_type(field['type'])} | {null} | {field['doc']} |\n"
        yield from _rows(_nested(field["type"]), f"{path}.")


def _nested(declared: Any) -> list[dict[str, Any]]:
    while isinstance(declared, dict) and declared["type"] == "list":
        declared = declared["element"]
    fields: list[dict[str, Any]] = declared["fields"] if isinstance(declared, dict) and "fields" in declared else []
    return fields


def _type(declared: Any) -> str:
    if isinstance(declared, str):
        return declared
    match declared["type"]:
        case "list":
            return f"list of {_type(declared['element'])}"
        case "map":
            return f"map of {_type(declared['key'])} to {_type(declared['value'])}"
        case kind:
            return str(kind)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the pages, or compare them; 1 when one is stale."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a page is stale")
    check = parser.parse_args(arguments).check
    stale = []
    for name, page in (("cli.md", cli_page()), ("tables.md", tables_page())):
        path = DOCS / name
        if path.is_file() and path.read_text(encoding="utf-8") == page:
            continue
        stale.append(f"docs/{name}")
        if not check:
            path.write_text(page, encoding="utf-8", newline="\n")
    if check and stale:
        print(f"{' and '.join(stale)} stale; run `make docs`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
