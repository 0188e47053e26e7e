"""Write down every attempt of a process to reach another machine (see `tests/cli/test_network.py`).

Python imports this module at its start if `PYTHONPATH` names this folder. `LITMINE_TEST_NETWORK` is the file to write.
"""

import os
import sys
from typing import Any

_EVENTS = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto")
_HERE = ("127.0.0.1", "::1", "localhost", "")


def _record(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in _EVENTS:
        return
    address = arguments[1] if event in ("socket.connect", "socket.sendto") else arguments[0]
    host = address[0] if isinstance(address, tuple) else address
    # A path or bytes name a socket of this machine.
    is_local = event in ("socket.connect", "socket.sendto") and not isinstance(address, tuple)
    if not is_local and host is not None and host not in _HERE:
        with open(os.environ["LITMINE_TEST_NETWORK"], "a", encoding="utf-8") as file:  # noqa: PTH123
            file.write(f"{event} {host}\n")


sys.addaudithook(_record)
