"""Serve the application with uvicorn on one address of this machine."""

import secrets
import socket
from contextlib import closing

import uvicorn

from litmine.errors import SettingError
from litmine.explore.app import create_app
from litmine.explore.queries import RequestLimits
from litmine.explore.security import LOOPBACK_NAMES, TOKEN_PARAMETER
from litmine.explore.services import Services
from litmine.lake.lake import Lake

_MAX_CONNECTIONS = 200
_KEEP_ALIVE_SECONDS = 15


class ExploreServer:
    """A server that listens; `url` is where to find it, with the token if it has one."""

    def __init__(
        self, lake: Lake, host: str, port: int, token: str | None = None, limits: RequestLimits | None = None
    ) -> None:
        """Listen on `host` and `port`; port 0 takes any free one.

        Another host than the loopback interface gets a token, a random one unless given. Raises SettingError when the
        address cannot be used.
        """
        is_loopback = host in LOOPBACK_NAMES
        self.token = token if is_loopback else token or secrets.token_urlsafe(24)
        self._socket = _listen(host, port)
        self.port = int(self._socket.getsockname()[1])
        shown = f"[{host}]" if ":" in host else host
        query = f"/?{TOKEN_PARAMETER}={self.token}" if self.token else "/"
        self.url = f"http://{shown}:{self.port}{query}"
        config = uvicorn.Config(
            create_app(Services.open(lake, limits), self.token),
            log_level="warning",
            access_log=False,
            server_header=False,
            limit_concurrency=_MAX_CONNECTIONS,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=3,
        )
        self._server = uvicorn.Server(config)

    def run(self) -> None:
        """Serve until Ctrl-C or `stop`."""
        with closing(self._socket):
            self._server.run([self._socket])

    def stop(self) -> None:
        """End `run`, from another thread."""
        self._server.should_exit = True


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise SettingError(
            f"{host}:{port} cannot be used ({error.strerror or error}); choose another --port or --host"
        ) from error
    return listening
