"""Who asks whom, and how long it may take: the settings of the E-utilities, from the environment."""

import ipaddress
import os
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from litmine.errors import SettingError

NCBI = "https://eutils.ncbi.nlm.nih.gov/entrez/eutils/"

# The characters that mean themselves in a URL, so that the key looks the same wherever it could be echoed.
_KEY = re.compile(r"[A-Za-z0-9._~-]+")
_EMAIL = re.compile(r"[!-?A-~]+@[!-?A-~]+")
_PLAIN_URL = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class Access:
    """Where the E-utilities are, who asks, and for how long one question is asked.

    `connect_seconds` and `read_seconds` limit one step on the network, `body_seconds` a whole answer, `patience` (in
    seconds) the tries of one question. Raises SettingError for a value that makes no sense.
    """

    url: str = NCBI
    key: str | None = field(default=None, repr=False)
    email: str | None = None
    tool: str = "litmine"
    connect_seconds: float = 20.0
    read_seconds: float = 60.0
    body_seconds: float = 600.0
    patience: float = 180.0

    def __post_init__(self) -> None:
        _check_url(self.url)
        if self.key is not None and not _KEY.fullmatch(self.key):
            raise SettingError(
                "NCBI_API_KEY holds characters that no key has; copy it again from your NCBI account, or unset it"
            )
        if self.key is not None and urlsplit(self.url).scheme == "http" and not self.loopback:
            raise SettingError(
                f"the key would go to {self.host} unencrypted; give LITMINE_EUTILS_URL as https, or unset NCBI_API_KEY"
            )
        if self.email is not None and not _EMAIL.fullmatch(self.email):
            raise SettingError(f"NCBI_EMAIL is {self.email!r}, which is no e-mail address; correct it, or unset it")

    @property
    def per_second(self) -> int:
        """How many requests NCBI allows in a second."""
        return 3 if self.key is None else 10

    @property
    def host(self) -> str:
        """The server's name, with the port if the URL names one."""
        return urlsplit(self.url).netloc

    @property
    def loopback(self) -> bool:
        """Whether the server is on this machine, so that nothing sent to it travels."""
        name = urlsplit(self.url).hostname or ""
        try:
            return ipaddress.ip_address(name).is_loopback
        except ValueError:
            return name == "localhost"


def from_environment(**changes: Any) -> Access:
    """The settings of LITMINE_EUTILS_URL, NCBI_API_KEY and NCBI_EMAIL (empty means unset), then `changes`.

    Raises SettingError for a value that makes no sense; the key is never part of the sentence.
    """
    named = {"url": "LITMINE_EUTILS_URL", "key": "NCBI_API_KEY", "email": "NCBI_EMAIL"}
    found = {name: os.environ[variable].strip() for name, variable in named.items() if os.environ.get(variable)}
    return Access(**{**{name: value for name, value in found.items() if value}, **changes})


def _check_url(url: str) -> None:
    advice = "LITMINE_EUTILS_URL is the base of the E-utilities, such as " + NCBI
    try:
        parts = urlsplit(url)
        named = bool(parts.hostname) and parts.port != 0
    except ValueError:
        named = False
    if not named or not _PLAIN_URL.fullmatch(url) or parts.scheme not in ("http", "https"):
        raise SettingError(f"{advice}, with http or https and a host; correct it, or unset it")
    if parts.username is not None or "?" in url or "#" in url:
        raise SettingError(f"{advice}, without a user, a query or a fragment; correct it, or unset it")
