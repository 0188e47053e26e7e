"""The command `ask`: answer one question from the lake's articles."""

import sys
from dataclasses import replace

import click

from litmine.cli.console import print_message
from litmine.cli.options import (
    batch_tokens_option,
    lake_option,
    precision_option,
    reader_option,
    top_k_option,
    where_option,
)
from litmine.errors import NEW_GAPS
from litmine.lake.paths import LakePath


@click.command()
@click.argument("question")
@lake_option
@click.option(
    "--type",
    "question_type",
    type=click.Choice(["factoid", "list", "yesno"]),
    help="Question type.  [default: guessed from the question]",
)
@reader_option
@top_k_option
@where_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Output format; json has every answer with its offsets.",
)
@click.option(
    "--verdict",
    is_flag=True,
    help="Also print the reader's yes or no for a yes/no question, which is little better than chance.",
)
@precision_option
@batch_tokens_option
@click.pass_context
def ask(
    ctx: click.Context,
    question: str,
    lake: LakePath,
    question_type: str | None,
    reader: str,
    top_k: int,
    where: str | None,
    form: str,
    verdict: bool,
    precision: str,
    batch_tokens: int | None,
) -> None:
    """Answer a question from the lake's articles. Each answer has its evidence sentence and number of papers.

    \b
    litmine ask "What can cause an anaphylactic reaction?"
    litmine ask "Is aspirin effective in preeclampsia?" --where "year >= 2015" --top-k 20

    litmine retrieves the best matching articles, without retracted ones, retraction notices, errata and expressions of
    concern, and the reader extracts answers from them. Beside each answer stands the article's publication type.
    For a yes/no question, litmine shows the sentences with the question's words and gives no verdict without --verdict.
    The lake keeps the results: if the question is asked again, the reader reads only new articles.
    """
    from litmine.cli.answer_output import print_json, print_text
    from litmine.cli.answering import answer_with_progress
    from litmine.cli.yesno_output import CAVEAT, keep_relevant_verdicts, print_support, support_record
    from litmine.lake.hashing import question_digest
    from litmine.lake.lake import Lake
    from litmine.pipeline.answer import QuestionRun, explain_nothing_retrieved
    from litmine.pipeline.count_format import format_count
    from litmine.pipeline.ranked_answers import load_answers
    from litmine.pipeline.supporting_sentences import find_support
    from litmine.runtime.executor import Executor
    from litmine.sources.question_types import is_english
    from litmine.sources.questions import parse_question

    asked = parse_question(question, question_type=question_type or "")
    if verdict and asked.question_type != "yesno":
        raise click.UsageError(
            f"--verdict needs a yes/no question, and this is a {asked.question_type} question; set --type yesno if"
            " that is wrong"
        )
    asked = replace(asked, question_id=f"ask-{question_digest(asked) & (1 << 64) - 1:016x}")
    opened = Lake(lake)
    result = answer_with_progress(
        opened, QuestionRun([asked], reader, top_k, where, "ask", asked.text), Executor(), precision, batch_tokens
    )
    for sentence in result.gap_lines():
        print_message(sentence)
    guessed = " (guessed; set --type if wrong)" if asked.guessed else ""
    retrieved = format_count(result.retrieved, "articles") if result.retrieved else "no articles"
    newly_read = f"{result.pairs:,}" if result.pairs else "none"
    print_message(
        f"{asked.question_type} question{guessed}: {retrieved} retrieved, {newly_read} newly read by {result.model}"
    )
    if not is_english(asked.text):
        print_message("the question does not look like English, the only language that search and built-in reader know")
    if not result.retrieved:
        print_message(explain_nothing_retrieved(opened, asked.text, where))
    found, more = load_answers(opened, asked.question_id), {}
    if asked.question_type == "yesno":
        support = find_support(opened, asked)
        found = keep_relevant_verdicts(found, support) if verdict and support.relevant else []
        more = {**support_record(support), **({"caveat": CAVEAT} if verdict else {})}
        if form == "text":
            print_support(support, sys.stdout)
        if found:
            print_message(CAVEAT)
    if form == "json":
        print_json(asked, result.model, result.retrieved, found, more)
    else:
        print_text(asked, found, sys.stdout)
    if result.new_gaps:
        ctx.exit(NEW_GAPS)
