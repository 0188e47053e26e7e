"""The command group `litmine`, and the conversion of errors to a message and an exit code."""

import errno
import os
import sys
from collections import UserDict
from io import StringIO
from typing import Any

import click

from litmine import interrupts
from litmine.cli.console import print_message
from litmine.errors import DONE, FAILED, INTERRUPTED, LitmineError
from litmine.specs import import_object
from litmine.versions import __version__

# Only stdout: write errors of the lake and of `-o` are LitmineErrors, and click handles a closed pipe.
_STDOUT_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_SHOWN_NAME = 100

# Where each command is defined.
_COMMANDS = {
    "fetch": "litmine.cli.fetch:fetch",
    "import": "litmine.cli.import_files:import_",
    "annotate": "litmine.cli.annotate:annotate",
    "run": "litmine.cli.run:run",
    "ask": "litmine.cli.ask:ask",
    "sql": "litmine.cli.sql:sql",
    "discover": "litmine.cli.discover:discover",
    "explore": "litmine.cli.explore:explore",
    "report": "litmine.cli.report:report",
    "export": "litmine.cli.export:export",
    "status": "litmine.cli.status:status",
    "doctor": "litmine.cli.doctor:doctor",
    "compact": "litmine.cli.compact:compact",
    "models": "litmine.cli.models:models",
    "vocabulary": "litmine.cli.vocabulary:vocabulary",
    "corpora": "litmine.cli.corpora:corpora",
    "train": "litmine.cli.train:train",
    "evaluate": "litmine.cli.evaluate:evaluate",
    "schema": "litmine.cli.schema:schema",
    "sample": "litmine.cli.sample:sample",
    "rehearse": "litmine.cli.rehearse:rehearse",
}


class _LazyCommands(UserDict[str, Any]):
    """Commands by name, each imported when it is looked up: importing all of them takes longer than most queries."""

    def __getitem__(self, name: str) -> click.Command:
        command: click.Command = import_object(super().__getitem__(name))
        return command


class _InterruptedError(Exception):
    """Ctrl-C in a command. Click would print an empty line for `KeyboardInterrupt`, also where nobody pressed a key."""


class _Commands(click.Group):
    """A group whose commands end with `_InterruptedError` after Ctrl-C."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            raise _InterruptedError from error


@click.group(
    cls=_Commands,
    commands=_LazyCommands(_COMMANDS),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="litmine")
def cli() -> None:
    """Mine PubMed abstracts for diseases, chemicals, genes and species, and query the results with SQL.

    \b
    litmine fetch --query "penicillin allergy"
    litmine annotate
    litmine sql "select mention, count(*) from entities group by 1 order by 2 desc limit 10"
    """


def main() -> None:
    """Run the command line and exit with its exit code (see `litmine.errors`)."""
    try:
        interrupts.use(interrupts.RAISE, interrupts.stop)
        code = cli.main(prog_name="litmine", standalone_mode=False)
    except LitmineError as error:
        print_message(f"litmine: {error}")
        code = error.exit_code
    except click.ClickException as error:
        shown = StringIO()
        error.show(shown)
        print_message(shown.getvalue().rstrip("\n"))
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt, _InterruptedError):
        if sys.stderr.isatty():
            click.echo(err=True)  # the terminal shows ^C
        print_message(interrupts.MESSAGE)
        interrupts.forget_interrupt()
        code = INTERRUPTED
    except OSError as error:
        print_message(f"litmine: {_os_error_message(error)}")
        code = FAILED
    if interrupts.IS_COMMAND:
        # The work is done. Python's own end would print a traceback.
        interrupts.use(interrupts.IGNORE, interrupts.RAISE)
    _report_passed_over()
    sys.exit(code if isinstance(code, int) else DONE)


def _os_error_message(error: OSError) -> str:
    """The message for an error of the system that no command handles. Raises the error if it is a bug of litmine's."""
    if error.errno == errno.ENAMETOOLONG:
        return f"{str(error.filename)[:_SHOWN_NAME]}... is too long for the name of a file; choose another one"
    if error.errno not in _STDOUT_FULL:
        raise error
    # Discard the rest, or Python reports the same error again when it flushes stdout at exit.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return f"cannot write to stdout ({error.strerror}); free some disk space and run the command again"


def _report_passed_over() -> None:
    """Name what litmine did not open in a lake. The module is loaded if a command read a lake."""
    folders = sys.modules.get("litmine.lake.folders")
    for path, reason in folders.passed_over.items() if folders else ():
        print_message(f"note: {path} {reason}")
