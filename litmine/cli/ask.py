"""The command `ask`: one question, answered now."""

import sys
from dataclasses import replace

import click

from litmine.cli.console import say
from litmine.cli.options import (
    batch_tokens_option,
    lake_option,
    precision_option,
    reader_option,
    top_k_option,
    where_option,
)
from litmine.errors import NEW_GAPS
from litmine.lake.paths import Place


@click.command()
@click.argument("question")
@lake_option
@click.option(
    "--type",
    "question_type",
    type=click.Choice(["factoid", "list", "yesno"]),
    help="What is asked for; guessed from the words if not given.",
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
    help="For readers, or all of it for programs.",
)
@precision_option
@batch_tokens_option
@click.pass_context
def ask(
    ctx: click.Context,
    question: str,
    lake: Place,
    question_type: str | None,
    reader: str,
    top_k: int,
    where: str | None,
    form: str,
    precision: str,
    batch_tokens: int | None,
) -> None:
    """Answer a question from the lake's articles: each answer with its sentence, and how many papers agree.

    \b
    litmine ask "What can cause an anaphylactic reaction?"
    litmine ask "Is aspirin effective in preeclampsia?" --where "year >= 2015" --top-k 20

    The articles that match best are retrieved, retracted ones left out, and read; what was read before is not read
    again. The question and its answers stay in the lake, in the view `answers`.
    """
    from litmine.cli.answer_output import print_json, print_text, replies
    from litmine.cli.answering import answering
    from litmine.lake.hashing import question_digest
    from litmine.lake.lake import Lake
    from litmine.pipeline.answer import QuestionRun
    from litmine.runtime.executor import Workforce
    from litmine.sources.questions import as_question

    asked = as_question(question, question_type=question_type or "")
    asked = replace(asked, question_id=f"ask-{question_digest(asked) & (1 << 64) - 1:016x}")
    opened = Lake(lake)
    result = answering(
        opened, QuestionRun([asked], reader, top_k, where, "ask", asked.text), Workforce(), precision, batch_tokens
    )
    for sentence in result.unread():
        say(sentence)
    guessed = " (guessed; --type says it)" if asked.guessed else ""
    say(
        f"{asked.question_type} question{guessed}, {result.retrieved} articles retrieved, {result.pairs} read now,"
        f" by {result.model}"
    )
    found = replies(opened, asked.question_id)
    if form == "json":
        print_json(asked, result.model, result.retrieved, found)
    else:
        print_text(asked, found, sys.stdout)
    if result.new_gaps:
        ctx.exit(NEW_GAPS)
