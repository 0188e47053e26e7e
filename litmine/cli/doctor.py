"""The command `doctor`: check the installation and the lake, and list problems with their remedies."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from litmine.cli.console import printable
from litmine.cli.options import lake_option
from litmine.errors import DONE, FAILED, LakeError
from litmine.lake.paths import LakePath, local_folder

if TYPE_CHECKING:
    from litmine.pipeline.doctor.finding import Finding


@click.command()
@lake_option
@click.option("--deep", is_flag=True, help="Also decode every file of the lake and check every offset.")
@click.option("--network", is_flag=True, help="Also send a request to PubMed.")
@click.option("--ray", is_flag=True, help="Also start Ray on this machine, run a task, and stop it.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Output format: one line per finding, or a JSON array.",
)
@click.pass_context
def doctor(ctx: click.Context, lake: LakePath, deep: bool, network: bool, ray: bool, form: str) -> None:
    """Check this machine and every file of the lake. Each problem is listed with its remedy.

    \b
    litmine doctor
    litmine doctor --deep --lake ./penicillin
    litmine doctor --network --ray --format json

    doctor changes nothing. The exit code is 1 if it finds something wrong.
    """
    findings = []
    for finding in _findings(lake, deep, network, ray):
        findings.append(finding)
        if form == "text":
            click.echo(f"{finding.level:5}  {printable(f'{finding.subject}: {finding.message}')}")
    if form == "json":
        click.echo(json.dumps([asdict(finding) for finding in findings], ensure_ascii=False, indent=1))
    ctx.exit(FAILED if any(finding.level == "wrong" for finding in findings) else DONE)


def _findings(lake: LakePath, deep: bool, network: bool, ray: bool) -> "Iterator[Finding]":
    from litmine.lake.lake import Lake
    from litmine.pipeline.doctor.environment import examine_environment
    from litmine.pipeline.doctor.examine import examine_lake
    from litmine.pipeline.doctor.finding import note, wrong

    folder = local_folder(lake)
    yield from examine_environment(folder.absolute(), network=network, ray=ray)
    if not (folder.exists() if folder == lake else lake.is_dir()):
        yield note("lake", f"{lake} does not exist; run `litmine import PATH` to create it")
        return
    try:
        opened = Lake(lake)
    except LakeError as error:
        yield wrong("lake", str(error))
        return
    yield from examine_lake(opened, deep=deep)
