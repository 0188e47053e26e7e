"""The command `rehearse`: another command of litmine against E-utilities of its own."""

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
from litmine.errors import DONE, SettingError
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
    help="PubMed XML, plain or gzip, that has the records; a folder stands for all in it.  [default: sample_data/pubmed"
    " of a checkout]",
)
@click.option(
    "--up-to",
    type=click.IntRange(min=1),
    metavar="N",
    help="Serve N records, renumbered copies if there are not so many.  [default: as many as there are]",
)
@click.option(
    "--faults", type=click.FloatRange(0, 1), default=0.0, metavar="SHARE", help="Share of requests that fail, 0.25 say."
)
@click.option(
    "--withdrawn",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Records that PubMed counts and never gives.",
)
@click.option("--key", metavar="TEXT", help="A made-up API key for the command: 10 requests a second instead of 3.")
@click.option("--seed", type=int, default=0, show_default=True, help="Another seed, other dates, faults and copies.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port of the server.  [default: a free one]")
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
    """Run a command against a PubMed of litmine's own, and say what that saw of it.

    \b
    litmine rehearse -- fetch --query "cells" --lake trial
    litmine rehearse --up-to 25000 --faults 0.25 --withdrawn 5 -- fetch --query "all[sb]" --lake trial
    litmine rehearse

    The server listens on this machine only, has real records, PubMed's limits, and on demand its failures. The command
    finds it through LITMINE_EUTILS_URL; your own NCBI_API_KEY is kept from it. The exit code is the command's. Without
    a command the server goes on until Ctrl-C. Of PubMed's search language it knows words, phrases, AND, OR, NOT,
    parentheses, dates and PMIDs.
    """
    from litmine.fake_pubmed.archive import RecordArchive
    from litmine.fake_pubmed.faults import FaultInjector
    from litmine.fake_pubmed.server import serve

    archive = RecordArchive(paths or (_sample_records(),), up_to, seed=seed)
    archive.withdraw(_spread(sorted(archive.pmids), withdrawn))
    with serve(archive, FaultInjector(faults, seed=seed), port=port) as server:
        print_message(
            f"{len(archive):,} records, {archive.copies:,} of them renumbered copies; none is PubMed's current data"
        )
        code = _run(command, server.url, key) if command else _wait(server.url)
    print_message(_seen(server.log))
    ctx.exit(code)


def _sample_records() -> Path:
    folder = packaged_path("sample_data/pubmed")
    if not folder.is_dir():
        raise SettingError("there are no sample records beside this installation; name PubMed XML with --records PATH")
    return folder


def _spread(pmids: list[int], count: int) -> list[int]:
    """So many of them, evenly spread."""
    if count > len(pmids):
        raise SettingError(f"--withdrawn {count:,} of {len(pmids):,} records; name fewer, or more with --up-to")
    return [pmids[place * len(pmids) // count] for place in range(count)]


def _run(command: tuple[str, ...], url: str, key: str | None) -> int:
    """The exit code of `litmine COMMAND`, whose stdout and stderr are ours."""
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
            except KeyboardInterrupt:  # the command has been interrupted too, and takes its leave
                continue
    return code if code >= 0 else 128 - code


def _wait(url: str) -> int:
    click.echo(url)
    print_message("LITMINE_EUTILS_URL takes this address; Ctrl-C stops the server")
    with suppress(KeyboardInterrupt):
        Event().wait()
    return DONE


def _seen(log: "RequestLog") -> str:
    """What the server saw, a line for each kind of thing."""
    requests, faults = log.by_utility(), log.by_fault()
    keyed = sum(seen.keyed for seen in log.requests)
    repeated = sum(times > 1 for times in log.fetch_counts().values())
    return (
        f"requests: {_counted(requests)}; {keyed:,} with a key; at most {log.peak_per_second()} in any second;"
        f" {log.rate_limited():,} beyond the limit\n"
        f"faults given: {_counted(faults)}\n"
        f"records given: {log.records_sent():,}; {repeated:,} PMIDs were asked for more than once"
    )


def _counted(counts: Counter[str]) -> str:
    """`5 (4 efetch, 1 esearch)`."""
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in counts.most_common())
    return f"{counts.total():,} ({kinds})" if kinds else "0"
