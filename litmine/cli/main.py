"""The command group `litmine`, and the conversion of errors to a message and an exit code."""

import errno
import os
import sys

import click

from litmine.cli.annotate import annotate
from litmine.cli.ask import ask
from litmine.cli.compact import compact
from litmine.cli.console import print_message
from litmine.cli.corpora import corpora
from litmine.cli.doctor import doctor
from litmine.cli.evaluate import evaluate
from litmine.cli.export import export
from litmine.cli.fetch import fetch
from litmine.cli.import_files import import_
from litmine.cli.models import models
from litmine.cli.rehearse import rehearse
from litmine.cli.run import run
from litmine.cli.sample import sample
from litmine.cli.schema import schema
from litmine.cli.sql import sql
from litmine.cli.status import status
from litmine.cli.train import train
from litmine.cli.vocabulary import vocabulary
from litmine.errors import DONE, FAILED, INTERRUPTED, LitmineError
from litmine.versions import __version__

# Only stdout: write errors of the lake and of `-o` are LitmineErrors, and click handles a closed pipe.
_STDOUT_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="litmine")
def cli() -> None:
    """Mine PubMed abstracts for diseases, chemicals, genes and species, and query the results with SQL.

    \b
    litmine fetch --query "penicillin allergy"
    litmine annotate
    litmine sql "select mention, count(*) from entities group by 1 order by 2 desc limit 10"
    """


for command in (
    fetch,
    import_,
    annotate,
    run,
    ask,
    sql,
    export,
    status,
    doctor,
    compact,
    models,
    vocabulary,
    corpora,
    train,
    evaluate,
    schema,
    sample,
    rehearse,
):
    cli.add_command(command)


def main() -> None:
    """Run the command line and exit with its exit code (see `litmine.errors`)."""
    try:
        code = cli.main(prog_name="litmine", standalone_mode=False)
    except LitmineError as error:
        print_message(f"litmine: {error}")
        code = error.exit_code
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        print_message("litmine: interrupted; finished work is kept, and the same command continues from there")
        code = INTERRUPTED
    except OSError as error:
        if error.errno not in _STDOUT_FULL:
            raise
        print_message(
            f"litmine: cannot write to stdout ({error.strerror}); free some disk space and run the command again"
        )
        # Discard the rest, or Python reports the same error again when it flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = FAILED
    sys.exit(code if isinstance(code, int) else DONE)
