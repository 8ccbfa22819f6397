"""How often a password may be tried."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import ip_address, ip_network

from msgspec import Struct

_FREE = 5  # wrong passwords that cost nothing: people mistype
_LONGEST_SECONDS = 60.0
_MOST_ADDRESSES = 1000
_IPV6_NETWORK_BITS = 64


class _Failures(Struct, frozen=True, kw_only=True):
    count: int
    until: float  # no password is looked at before


class Throttle:
    """Each wrong password of an address beyond a few doubles the time until its next is looked at, up to a minute."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._failures: OrderedDict[str, _Failures] = OrderedDict()

    def wait(self, address: str) -> float:
        """Seconds until a password from there is looked at again; 0: now."""
        with self._lock:
            failures = self._failures.get(address)
        return max(0.0, failures.until - self._seconds()) if failures is not None else 0.0

    def failed(self, address: str) -> None:
        with self._lock:
            known = self._failures.pop(address, None)
            count = known.count + 1 if known is not None else 1
            self._failures[address] = _Failures(count=count, until=self._seconds() + _pause(count))
            while len(self._failures) > _MOST_ADDRESSES:
                self._failures.popitem(last=False)

    def succeeded(self, address: str) -> None:
        with self._lock:
            self._failures.pop(address, None)


def counted_as(address: str) -> str:
    """Who an address counts as: of IPv6 its network, in which one machine takes whichever it likes."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if found.version == 4 or found.ipv4_mapped is not None:  # noqa: PLR2004 - the version of IP
        return address
    return str(ip_network((found.packed, _IPV6_NETWORK_BITS), strict=False))


def _pause(count: int) -> float:
    """Seconds, after so many failures. They may have come for days: 2 to the power of a thousand is no float."""
    return min(_LONGEST_SECONDS, 2.0 ** min(count - _FREE, 10)) if count >= _FREE else 0.0
