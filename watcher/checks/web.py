"""Whether the pages can be had at their address, or are there already."""

from __future__ import annotations

import errno
import http.client
import socket
from collections.abc import Callable

from watcher.findings import About
from watcher.model import Finding

_SECONDS = 5.0
_ABOUT = About("web")
_ALIVE = (200, 503)
_OUR_ADDRESS = "name an address of this machine in web.listen"


def web_findings(listen: str, is_served: Callable[[], bool]) -> list[Finding]:
    """Of `web.listen`. The port is taken for a moment, unless somebody has it.

    `is_served` tells whether a daemon with this very configuration serves its page now.
    """
    host, _, port = listen.rpartition(":")
    bare = host.strip("[]")
    try:
        family, _, _, _, place = socket.getaddrinfo(bare, int(port), type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as taken:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind(place)
    except UnicodeError:
        return [_ABOUT.wrong(f"{listen} cannot be listened at: no host can have this name", _OUR_ADDRESS)]
    except OSError as error:
        return [_refused(listen, bare, int(port), error, is_served)]
    return [_ABOUT.well(f"{listen} is free for the pages")]


def _refused(listen: str, host: str, port: int, error: OSError, is_served: Callable[[], bool]) -> Finding:
    if error.errno == errno.EADDRINUSE:
        return _taken(listen, host, port, is_served)
    if error.errno == errno.EACCES:
        return _ABOUT.wrong(f"{listen}: ports below 1024 are for root", "name a higher port in web.listen")
    reason = error.strerror or type(error).__name__
    return _ABOUT.wrong(f"{listen} cannot be listened at: {reason}", _OUR_ADDRESS)


def _taken(listen: str, host: str, port: int, is_served: Callable[[], bool]) -> Finding:
    names = f"ss -ltnp 'sport = :{port}' names it"
    if not _is_a_page(host, port):
        mend = f"name another port in web.listen, or stop what has it: {names}"
        return _ABOUT.wrong(f"{listen} is taken by another program", mend)
    if is_served():
        return _ABOUT.well(f"{listen} answers as the pages of a running daemon do")
    mend = f"name another port in web.listen, unless this file is to take the place of that daemon's: {names}"
    return _ABOUT.wrong(f"{listen} is taken by the pages of a daemon with another configuration", mend)


def _is_a_page(host: str, port: int) -> bool:
    """Whether it has a /livez such as ours: of the port's other users few have any."""
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - what others may listen at
    connection = http.client.HTTPConnection(reached, port, timeout=_SECONDS)
    try:
        connection.request("GET", "/livez")
        return connection.getresponse().status in _ALIVE
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
