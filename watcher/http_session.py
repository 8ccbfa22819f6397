"""Sessions of requests to one configured address."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies
from urllib3.connection import HTTPConnection, HTTPSConnection

from watcher.http_final import FinalResponse
from watcher.tls import trusting_on_the_web


class HttpSessions:
    """Proxies of the environment (HTTPS_PROXY, NO_PROXY) count as they are now, passwords in ~/.netrc never.

    `ca_file` has the authorities that alone are believed, else see `trusting_on_the_web`. Raises UnusableAuthorities.
    """

    def __init__(self, url: str, ca_file: Path | None) -> None:
        self._proxies = get_environ_proxies(url)
        self._context = trusting_on_the_web(ca_file) if needs_tls(url, self._proxies) else None

    def new(self) -> requests.Session:
        """A session, for one thread."""
        session = requests.Session()
        session.trust_env = False
        session.proxies = dict(self._proxies)
        for scheme in ("https://", "http://"):
            session.mount(scheme, VerifyingAdapter(self._context))
        return session


def needs_tls(url: str, proxies: dict[str, Any]) -> bool:
    """Whether anything on the way to the address speaks TLS."""
    return any(str(each).startswith("https:") for each in (url, *proxies.values()))


class _FinalHttp(HTTPConnection):
    response_class = FinalResponse


class _FinalHttps(HTTPSConnection):
    response_class = FinalResponse


class VerifyingAdapter(HTTPAdapter):
    """requests' adapter with one TLS context for all connections, which takes no interim answer for the final one."""

    def __init__(self, context: ssl.SSLContext | None, **more: Any) -> None:
        self._context = context
        super().__init__(**more)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **more: Any) -> None:  # noqa: FBT001, FBT002 - requests' signature
        super().init_poolmanager(connections, maxsize, block, ssl_context=self._context, **more)

    def proxy_manager_for(self, proxy: str, **more: Any) -> Any:
        return super().proxy_manager_for(proxy, ssl_context=self._context, proxy_ssl_context=self._context, **more)

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        pool.ConnectionCls = self.kind_for(pool.ConnectionCls)
        return pool

    def kind_for(self, kind: Any) -> Any:
        """The connections that are used instead of urllib3's `kind`."""
        return {HTTPConnection: _FinalHttp, HTTPSConnection: _FinalHttps}.get(kind, kind)

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """The context has the certificates: requests would add its own, and loading them costs 10 ms a connection."""
