"""URLs as this package uses them: https, a plain host name, and nothing that two programs read in two ways."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote, urljoin, urlsplit

from msgspec import Struct

HTTPS_PORT = 443

_LONGEST = 8192
_HOST = re.compile(r"(?=.{4,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
_DROPPED = re.compile(r"[\t\r\n]")
_UNSAFE = re.compile(r"[\x00-\x20\x7f\\]")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_KEPT = "!$&'()*+,;=:@/?%-._~[]"  # what stands as it is in a path or a query


class Address(Struct, frozen=True):
    """A URL that may be asked for, its parts encoded as they go over the wire."""

    host: str  # in lower case, a name and never a number
    port: int
    path: str  # "/" at least
    query: str = ""
    fragment: str = ""  # never sent; pages that run in a browser keep their parameters there

    @property
    def target(self) -> str:
        """What the request line has."""
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def authority(self) -> str:
        return self.host if self.port == HTTPS_PORT else f"{self.host}:{self.port}"

    @property
    def parameters(self) -> dict[str, str]:
        """Those of the query and of the fragment, decoded once; "+" stays, because tokens hold it."""
        _, _, in_fragment = self.fragment.partition("?")
        pairs = (piece.partition("=") for piece in f"{self.query}&{in_fragment}".split("&"))
        found: dict[str, str] = {}
        for name, _, value in pairs:
            if name:
                found.setdefault(_decoded(name), _decoded(value))
        return found

    def __str__(self) -> str:
        fragment = f"#{self.fragment}" if self.fragment else ""
        return f"https://{self.authority}{self.target}{fragment}"


class NotAnAddress(ValueError):
    """The text is no URL that is ever asked for."""


def read_address(text: str, base: Address | None = None) -> Address:
    """The address that a URL means, http raised to https. Raises NotAnAddress.

    Refused: other schemes, user names in it, hosts that are numbers or no plain ASCII names.
    """
    written = _DROPPED.sub("", text).strip()
    if len(written) > _LONGEST or _UNSAFE.search(written.replace(" ", "")):
        raise NotAnAddress("it is too long, or has control characters")
    try:
        whole = urlsplit(urljoin(str(base), written) if base is not None else written)
        port = whole.port
    except ValueError as error:
        raise NotAnAddress("it cannot be read") from error
    if whole.scheme.lower() not in ("http", "https") or "@" in whole.netloc:
        raise NotAnAddress("only https without a user name is asked for")
    host = (whole.hostname or "").rstrip(".")
    if _HOST.fullmatch(host) is None:
        raise NotAnAddress("its host is no plain name")
    if port is None or (whole.scheme.lower() == "http" and port == 80):  # noqa: PLR2004 - raised to https
        port = HTTPS_PORT
    try:
        return Address(host, port, _encoded(whole.path) or "/", _encoded(whole.query), _encoded(whole.fragment))
    except UnicodeEncodeError as error:
        raise NotAnAddress("it has what is no character") from error


def percent_encoded(text: str, safe: str = "") -> str:
    """What was no UTF-8 when it was decoded is the same bytes again."""
    return quote(text, safe=safe, errors="surrogateescape")


def _encoded(part: str) -> str:
    return percent_encoded(_BAD_ESCAPE.sub("%25", part), _KEPT)


def _decoded(part: str) -> str:
    return unquote(part, errors="surrogateescape")
