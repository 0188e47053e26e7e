"""Run litmine's commands one after another in one process, so that torch and DuckDB are imported once.

A line of JSON holds the arguments; a line of JSON answers with the exit code and what was printed.
"""

import json
import os
import sys
import tempfile
from typing import Any


def serve(answers: int) -> None:
    """Return the results on a separate file descriptor, because the commands use stdout and stderr."""
    from litmine.cli.main import main

    for line in sys.stdin:
        sys.argv = ["litmine", *json.loads(line)]
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            code: Any = 0
            try:
                main()
            except SystemExit as left:
                code = left.code
            sys.stdout.flush()
            sys.stderr.flush()
            printed = [(file.seek(0), file.read().decode())[1] for file in (out, err)]
        os.write(answers, json.dumps([code, *printed]).encode() + b"\n")


if __name__ == "__main__":
    serve(int(sys.argv[1]))
