"""The web servers of the configuration, beside what they are for: their clocks and their certificates.

Each is asked once for its root (HEAD /), which no service does anything at, whatever it answers. One that cannot be
reached is passed over: the check of what it is needed for says so.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct

from watcher.checks.clock import clock_findings
from watcher.findings import About
from watcher.model import Finding
from watcher.tls import RENEW, ends_at, ends_soon, trusting_on_the_web

_SECONDS = 8.0


class Address(Struct, frozen=True):
    """A web server, and the file with the authority that vouches for it, where one is configured."""

    root: str  # https://host:port/
    ca_file: Path | None

    @property
    def name(self) -> str:
        return urlsplit(self.root).netloc


class Seen(Struct, frozen=True, kw_only=True):
    """What a server told."""

    name: str
    ahead_seconds: float | None
    certificate_ends: datetime | None


def address_of(url: str, ca_file: Path | None = None) -> Address | None:
    """The server of an address; None for what is no web address. User names and passwords are left out."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host:
        return None
    named = f"[{host}]" if ":" in host else host
    return Address(f"{parts.scheme}://{named}{f':{port}' if port else ''}/", ca_file)


def server_findings(addresses: Iterable[Address | None], now: datetime | None = None) -> list[Finding]:
    """Certificates that end within 14 days, and what the clocks say of ours."""
    seen = _all_seen(list(dict.fromkeys(each for each in addresses if each is not None)))
    moment = now or datetime.now(UTC)
    endings = ((each.name, ends_soon(each.certificate_ends, moment)) for each in seen)
    certificates = [About(f"server {name}").note(told, RENEW) for name, told in endings if told is not None]
    ahead = {each.name: each.ahead_seconds for each in seen if each.ahead_seconds is not None}
    return [*certificates, *clock_findings(ahead)]


def _all_seen(addresses: Sequence[Address]) -> list[Seen]:
    found: dict[Address, Seen] = {}

    def look(address: Address) -> None:
        with contextlib.suppress(OSError, ValueError):  # requests' errors are among these
            found[address] = _seen(address)

    threads = [threading.Thread(target=look, args=(each,), daemon=True) for each in addresses]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(3 * _SECONDS)
    return [found[address] for address in addresses if address in found]


def _seen(address: Address) -> Seen:
    from requests.utils import get_environ_proxies

    from watcher.http_session import HttpSessions

    with HttpSessions(address.root, address.ca_file).new() as session:
        begun = time.time()
        answer = session.head(address.root, timeout=_SECONDS, allow_redirects=False)
        ahead = _ahead(answer.headers.get("Date"), begun)
    ending = None if get_environ_proxies(address.root) else _certificate_ends(address)
    return Seen(name=address.name, ahead_seconds=ahead, certificate_ends=ending)


def _ahead(date: str | None, begun: float) -> float | None:
    """The server's clock less ours: it wrote down the second at some time between question and answer."""
    if date is None:
        return None
    try:
        told = parsedate_to_datetime(date)
    except ValueError:
        return None
    moment = told if told.tzinfo else told.replace(tzinfo=UTC)
    return moment.timestamp() + 0.5 - (begun + time.time()) / 2


def _certificate_ends(address: Address) -> datetime | None:
    parts = urlsplit(address.root)
    if parts.scheme != "https" or parts.hostname is None:
        return None
    context = trusting_on_the_web(address.ca_file)
    with (
        contextlib.suppress(OSError, ssl.SSLError),
        socket.create_connection((parts.hostname, parts.port or 443), timeout=_SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=parts.hostname) as encrypted,
    ):
        return ends_at(encrypted)
    return None
