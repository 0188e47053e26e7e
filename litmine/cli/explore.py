"""The command `explore`: show the lake in a browser, and serve the JSON API."""

from contextlib import suppress

import click

from litmine.cli.console import print_message
from litmine.cli.number_types import WholeNumber
from litmine.cli.options import lake_option
from litmine.lake.paths import LakePath


@click.command()
@lake_option
@click.option("--port", type=WholeNumber(0, 65535), default=8765, show_default=True, help="Port; 0 takes a free one.")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on. Other machines reach another one than the default, and need the token that is printed.",
)
@click.option(
    "--token",
    metavar="TEXT",
    envvar="LITMINE_EXPLORE_TOKEN",
    help="Token that every request needs.  [env: LITMINE_EXPLORE_TOKEN; default: none on this machine, a random one"
    " elsewhere]",
)
@click.option("--open", "opens", is_flag=True, help="Open the page in the browser.")
def explore(lake: LakePath, port: int, host: str, token: str | None, opens: bool) -> None:
    """Show the lake in a browser: articles with their mentions, concepts, questions, SQL, and what the lake lacks.

    \b
    litmine explore --open
    litmine explore --lake ./penicillin --port 9000
    curl -s "http://127.0.0.1:8765/api/articles?q=penicillin+allergy"

    Programs use the JSON API under /api, described in /api/openapi.json; docs/explore.md has examples. Nothing is
    written into the lake but the search index, and the page loads nothing from other servers. Ctrl-C ends it.
    """
    from litmine.explore.server import ExploreServer
    from litmine.lake.lake import Lake

    server = ExploreServer(Lake(lake), host, port, token)
    print_message(f"the lake is at {server.url}")
    print_message("Ctrl-C ends it")
    if opens:
        import webbrowser

        webbrowser.open(server.url)
    with suppress(KeyboardInterrupt):  # the usual end
        server.run()
