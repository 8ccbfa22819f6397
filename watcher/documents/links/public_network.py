"""Connections to public addresses alone, each to exactly the address that was looked at.

A name may lead anywhere: to this machine, to the company's network, to a cloud's metadata. So it is
resolved here, what it resolves to is judged, and no second look-up can put another address in its place.
"""

from __future__ import annotations

import ipaddress
import queue
import socket
import threading
from collections.abc import Callable, Sequence
from typing import TypeAlias

from watcher.deadline import Deadline, started
from watcher.documents.links.results import NotHad
from watcher.model import Reason

_CONNECT_SECONDS = 10.0
_FAIR_SECONDS = 3.0  # less than that says nothing of the host
_REST_SECONDS = 60.0

LookUp: TypeAlias = Callable[[str, int], Sequence[str]]
"""The addresses of a host, as texts. Raises OSError."""

Connect: TypeAlias = Callable[[str, int, float], socket.socket]
"""Connects to an address and a port within seconds. Raises OSError."""

_IPV4_NOT_PUBLIC = [
    ipaddress.IPv4Network(written)
    for written in (
        "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 "
        "192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 "
        "168.63.129.16/32"  # Azure's host, which looks public and is not
    ).split()
]
# All that is allotted to hosts; IPv4 in disguise, NAT64, local and multicast addresses lie outside.
_IPV6_PUBLIC = ipaddress.IPv6Network("2000::/3")
_IPV6_NOT_PUBLIC = [
    ipaddress.IPv6Network(written)
    for written in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")  # Teredo and other uses, examples, 6to4
]


def is_public(address: str) -> bool:
    """Whether it is a host on the internet, and nothing else that an address may be. No address is not."""
    try:
        read = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(read, ipaddress.IPv4Address):
        return not any(read in network for network in _IPV4_NOT_PUBLIC)
    return read.scope_id is None and read in _IPV6_PUBLIC and not any(read in network for network in _IPV6_NOT_PUBLIC)


def look_up(host: str, port: int) -> list[str]:
    """What the system resolves a name to."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError("not a host name") from error
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def connect(address: str, port: int, seconds: float) -> socket.socket:
    return socket.create_connection((address, port), timeout=seconds)


class PublicNetwork:
    """The internet. Both parts are replaced in tests alone, which cannot go there; the judgement stays between them.

    A host that could not be reached is left alone for a minute, so that many links to it cost one wait.
    """

    def __init__(self, *, look_up: LookUp = look_up, connect: Connect = connect) -> None:
        self._look_up = look_up
        self._connect = connect
        self._lock = threading.Lock()
        self._resting: dict[str, Deadline] = {}  # by host

    def open(self, host: str, port: int, deadline: Deadline) -> socket.socket:
        """A connected socket. Raises NotHad: REFUSED where no address is public, UNREACHABLE where none answers."""
        self._raise_if_resting(host)
        until = deadline.within(_CONNECT_SECONDS)
        had_time = until.remaining() >= _FAIR_SECONDS
        try:
            return self._open(host, port, until)
        except NotHad as failure:
            if failure.reason is Reason.LINK_UNREACHABLE and had_time:
                with self._lock:
                    self._resting[host] = Deadline(_REST_SECONDS)
            raise

    def _raise_if_resting(self, host: str) -> None:
        with self._lock:
            self._resting = {name: rest for name, rest in self._resting.items() if rest.remaining()}
            if host in self._resting:
                raise NotHad(Reason.LINK_UNREACHABLE, "it could not be reached a moment ago", again=True)

    def _open(self, host: str, port: int, until: Deadline) -> socket.socket:
        public = [address for address in self._addresses(host, port, until) if is_public(address)]
        if not public:
            raise NotHad(Reason.LINK_REFUSED, "its name leads to no public address")
        failure: OSError | None = None
        for left, address in zip(range(len(public), 0, -1), public, strict=True):
            try:
                return self._connect(address, port, max(until.remaining() / left, 0.001))
            except OSError as error:
                failure = error
        raise NotHad(Reason.LINK_UNREACHABLE, "it cannot be connected to", again=True) from failure

    def _addresses(self, host: str, port: int, until: Deadline) -> Sequence[str]:
        """In a thread of its own: the system's look-up knows no deadline."""
        answers: queue.SimpleQueue[Sequence[str] | OSError] = queue.SimpleQueue()

        def ask() -> None:
            try:
                answers.put(self._look_up(host, port))
            except OSError as error:
                answers.put(error)

        try:
            started(threading.Thread(target=ask, name="resolve", daemon=True))
        except OSError as error:
            raise NotHad(Reason.LINK_UNREACHABLE, f"{error.strerror}", again=True) from error
        try:
            answer = answers.get(timeout=max(until.remaining(), 0.001))
        except queue.Empty as error:
            raise NotHad(Reason.LINK_UNREACHABLE, "the name server does not answer", again=True) from error
        if isinstance(answer, OSError):
            raise NotHad(Reason.LINK_UNREACHABLE, "its name cannot be resolved", again=True) from answer
        return answer
