"""E-utilities settings: base URL, API key, e-mail address and time limits, read from the environment."""

import ipaddress
import os
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from litmine.errors import SettingError

NCBI_BASE_URL = "https://eutils.ncbi.nlm.nih.gov/entrez/eutils/"

# Only characters that URLs never escape, so that the key looks the same wherever a server may echo it.
_KEY = re.compile(r"[A-Za-z0-9._~-]+")
_EMAIL = re.compile(r"[!-?A-~]+@[!-?A-~]+")
_PRINTABLE_ASCII = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class EutilsSettings:
    """Where the E-utilities are, who calls them, and the time limits of a request. All times are in seconds.

    `connect_seconds` and `read_seconds` limit one network operation, `body_seconds` a whole response, and `patience`
    all attempts at one request. Raises SettingError for an invalid value.
    """

    url: str = NCBI_BASE_URL
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
                "NCBI_API_KEY contains characters that no API key has; copy it from your NCBI account, or unset it"
            )
        if self.key is not None and urlsplit(self.url).scheme == "http" and not self.is_loopback:
            raise SettingError(
                f"NCBI_API_KEY would be sent to {self.host} unencrypted; use https in LITMINE_EUTILS_URL, or unset"
                " NCBI_API_KEY"
            )
        if self.email is not None and not _EMAIL.fullmatch(self.email):
            raise SettingError(f"NCBI_EMAIL is {self.email!r}, which is not an e-mail address; correct it, or unset it")

    @property
    def per_second(self) -> int:
        """The number of requests that NCBI allows per second, with or without a key."""
        return 3 if self.key is None else 10

    @property
    def host(self) -> str:
        """The server's name, with the port if the URL has one."""
        return urlsplit(self.url).netloc

    @property
    def is_loopback(self) -> bool:
        """Whether the server runs on this machine, so that requests never cross a network."""
        name = urlsplit(self.url).hostname or ""
        try:
            return ipaddress.ip_address(name).is_loopback
        except ValueError:
            return name == "localhost"


def load_eutils_settings(**overrides: Any) -> EutilsSettings:
    """Settings from LITMINE_EUTILS_URL, NCBI_API_KEY and NCBI_EMAIL (empty means unset), then `overrides`.

    Raises SettingError for an invalid value; the message never contains the key.
    """
    variables = {"url": "LITMINE_EUTILS_URL", "key": "NCBI_API_KEY", "email": "NCBI_EMAIL"}
    values = {name: os.environ.get(variable, "").strip() for name, variable in variables.items()}
    return EutilsSettings(**{**{name: value for name, value in values.items() if value}, **overrides})


def _check_url(url: str) -> None:
    advice = "LITMINE_EUTILS_URL must be the base URL of the E-utilities, such as " + NCBI_BASE_URL
    try:
        parts = urlsplit(url)
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:
        has_host = False
    if not has_host or not _PRINTABLE_ASCII.fullmatch(url) or parts.scheme not in ("http", "https"):
        raise SettingError(f"{advice}, with http or https and a host; correct it, or unset it")
    if parts.username is not None or "?" in url or "#" in url:
        raise SettingError(f"{advice}, without a user, a query or a fragment; correct it, or unset it")
