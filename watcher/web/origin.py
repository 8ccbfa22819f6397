"""Whether a request was meant for us: pure rules on its headers.

A page elsewhere can have a browser ask us anything. It can read nothing of the answer, unless its own name is turned
to our address meanwhile (DNS rebinding): then the browser takes us for it, and Host has its name. Without a password
that would open everything, so that names are not believed then: nobody can turn an address.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit


def host_of(header: str) -> str:
    """The host in a Host header, in lower case, without its port."""
    try:
        return (urlsplit(f"//{header}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def is_certain_host(header: str, own: Collection[str]) -> bool:
    """Whether a Host header names an address, this machine itself, or one of its `own` names."""
    host = host_of(header)
    return host == "localhost" or host in {name.lower() for name in own} or _is_address(host)


def is_from_us(*, host: str, origin: str | None, fetch_site: str | None) -> bool:
    """Whether a POST was made by one of our own pages, as the browser says; a browser that says nothing is refused.

    Sec-Fetch-Site is the better word, because a proxy in front of us may have changed Host; it is not sent everywhere.
    """
    if fetch_site is not None:
        return fetch_site == "same-origin"
    if origin is None:
        return False
    try:
        return urlsplit(origin).netloc.lower() == host.lower()
    except ValueError:
        return False


def is_encrypted(origin: str | None) -> bool:
    """Whether the browser itself says that it speaks https, to whomever passes it on to us."""
    return origin is not None and origin.startswith("https://")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
