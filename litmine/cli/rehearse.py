"""The command `rehearse`: run another litmine command against a fake PubMed server on this machine."""

import os
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path
from subprocess import Popen
from threading import Event
from typing import TYPE_CHECKING

import click

from litmine.cli.console import print_message
from litmine.cli.number_types import DecimalNumber, WholeNumber
from litmine.errors import DONE, SettingError
from litmine.pipeline.count_format import format_count, format_nonzero
from litmine.resources import packaged_path

if TYPE_CHECKING:
    from litmine.fake_pubmed.request_log import RequestLog

_LITMINE = (sys.executable, "-c", "from litmine.cli.main import main; main()")
_HOST = "127.0.0.1"


@click.command(context_settings={"allow_interspersed_args": False})
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@click.option(
    "--records",
    "paths",
    metavar="PATH",
    multiple=True,
    type=click.Path(path_type=Path),
    help="PubMed XML to serve records from, plain or gzip: a file, or a folder with files. Repeatable.  [default: the"
    " sample records]",
)
@click.option(
    "--up-to",
    type=WholeNumber(min=1),
    metavar="N",
    help="Number of records to serve; renumbered copies make up the rest.  [default: all records, without copies]",
)
@click.option(
    "--faults",
    type=DecimalNumber(0, 1),
    default=0.0,
    metavar="SHARE",
    help="Share of requests that fail, from 0 to 1.",
)
@click.option(
    "--withdrawn",
    type=WholeNumber(min=0),
    default=0,
    metavar="N",
    help="Number of records that the server counts but never returns.",
)
@click.option(
    "--key", metavar="TEXT", help="A made-up API key for the command, which allows 10 requests per second instead of 3."
)
@click.option(
    "--seed",
    type=WholeNumber(min=0),
    metavar="N",
    default=0,
    show_default=True,
    help="Random seed of dates, faults and copies.",
)
@click.option(
    "--port", type=WholeNumber(0, 65535), metavar="N", default=0, help="Port of the server.  [default: a free port]"
)
@click.pass_context
def rehearse(
    ctx: click.Context,
    command: tuple[str, ...],
    paths: tuple[Path, ...],
    up_to: int | None,
    faults: float,
    withdrawn: int,
    key: str | None,
    seed: int,
    port: int,
) -> None:
    """Run a litmine command against a fake PubMed server. At the end, print what the server received.

    \b
    litmine rehearse -- fetch --query "cells" --lake trial
    litmine rehearse --up-to 25000 --faults 0.25 --withdrawn 5 -- fetch --query "all[sb]" --lake trial
    litmine rehearse

    The server listens on this machine only. It has real records and PubMed's limits; with --faults it also fails as
    PubMed does. The command finds it through LITMINE_EUTILS_URL and does not get your NCBI_API_KEY. Queries may use
    words, phrases, AND, OR, NOT, parentheses, dates and PMIDs. The exit code is that of the command. Without a command,
    the server runs until Ctrl-C.
    """
    from litmine.fake_pubmed.archive import RecordArchive
    from litmine.fake_pubmed.faults import FaultInjector
    from litmine.fake_pubmed.server import serve

    archive = RecordArchive(paths or (_sample_records(),), up_to, seed=seed)
    archive.withdraw(_evenly_spaced(sorted(archive.pmids), withdrawn))
    with serve(archive, FaultInjector(faults, seed=seed), port=port) as server:
        copies = f", {archive.copies:,} of them renumbered copies" if archive.copies else ""
        print_message(f"{len(archive):,} records{copies}; none is PubMed's current data")
        code = _run(command, server.url, key) if command else _wait(server.url)
    print_message(_server_summary(server.log))
    ctx.exit(code)


def _sample_records() -> Path:
    folder = packaged_path("sample_data/pubmed")
    if not folder.is_dir():
        raise SettingError("this installation has no sample records; name PubMed XML with --records PATH")
    return folder


def _evenly_spaced(pmids: list[int], count: int) -> list[int]:
    """`count` of the PMIDs, evenly spaced. Raises SettingError when there are fewer."""
    if count > len(pmids):
        raise SettingError(f"--withdrawn {count:,} is more than the {len(pmids):,} records; lower it, or raise --up-to")
    return [pmids[i * len(pmids) // count] for i in range(count)]


def _run(command: tuple[str, ...], url: str, key: str | None) -> int:
    """Run `litmine COMMAND` with this process's stdout and stderr; returns its exit code."""
    environment = {name: value for name, value in os.environ.items() if name != "NCBI_API_KEY"}
    environment["LITMINE_EUTILS_URL"] = url
    for name in ("no_proxy", "NO_PROXY"):
        environment[name] = ",".join(filter(None, (environment.get(name), _HOST)))
    if key is not None:
        environment["NCBI_API_KEY"] = key
    with Popen((*_LITMINE, *command), env=environment) as child:
        while True:
            try:
                code = child.wait()
                break
            except KeyboardInterrupt:  # Ctrl-C reaches the command too; wait for its end
                continue
    return code if code >= 0 else 128 - code


def _wait(url: str) -> int:
    """Print the server's address and wait for Ctrl-C."""
    with suppress(KeyboardInterrupt):
        click.echo(url)
        print_message("set LITMINE_EUTILS_URL to this address; Ctrl-C stops the server")
        Event().wait()
    return DONE


def _server_summary(log: "RequestLog") -> str:
    """What the server received and sent, in at most three lines."""
    if not log.requests:
        return "the server received no requests"
    faults, repeated = log.by_fault(), sum(times > 1 for times in log.fetch_counts().values())
    rates = {
        "in the busiest second": log.peak_per_second(),
        "with an API key": sum(request.has_key for request in log.requests),
        "over the rate limit": log.rate_limited(),
    }
    lines = [f"{_format_kinds('requests', log.by_utility())}: {format_nonzero(rates)}"]
    if faults:
        lines.append(f"{_format_kinds('faults', faults)} injected")
    sent = f"{format_count(log.records_sent(), 'records')} sent"
    lines.append(sent + (f", {format_count(repeated, 'PMIDs')} requested more than once" if repeated else ""))
    return "\n".join(lines)


def _format_kinds(plural: str, counts: Counter[str]) -> str:
    """`5 requests (4 efetch, 1 esearch)`."""
    return f"{format_count(counts.total(), plural)} ({format_nonzero(dict(counts.most_common()))})"
