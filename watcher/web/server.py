"""The web server: waitress in threads of its own, which nothing that happens to it takes the daemon down with."""

from __future__ import annotations

import errno
import logging
import os
import socket
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from wsgiref.types import WSGIApplication

from watcher.errors import ListenFailed
from watcher.web.on_demand import OnDemand

if TYPE_CHECKING:
    from waitress.trigger import trigger

log = logging.getLogger(__name__)

LARGEST_BODY_BYTES = 64 * 1024  # of a form of ours: a few names and numbers
_LARGEST_HEADER_BYTES = 32 * 1024
THREADS = 8
_CONNECTIONS = 100
_SILENT_SECONDS = 30  # after which a connection that says nothing is closed
_AGAIN_SECONDS = 10.0
_BACKLOG = 128
_LOOP_SECONDS = 5  # how often silent connections are looked for; new ones wake the loop


class Server:
    """Listens at `listen` (``host:port``) from `start` to `stop`, as soon as that can be had."""

    def __init__(
        self,
        listen: str,
        make_application: Callable[[], WSGIApplication],
        *,
        heard: Callable[[str | None], None] = lambda _: None,
    ) -> None:
        """`make_application` is called for the first request.

        `heard` is told why it cannot listen, and None once it does.
        """
        self._heard = heard
        self._listen = listen
        self._application = OnDemand(make_application)
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._waker: trigger | None = None  # while the loop runs
        self._address: str | None = None
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)

    @property
    def address(self) -> str | None:
        """``host:port`` where it listens; None: it does not yet."""
        return self._address

    def start(self) -> None:
        """Returns at once: what a server needs is loaded, and a port that is taken waited for, in its own thread."""
        self._thread.start()

    def stop(self) -> None:
        """What is being answered gets some seconds."""
        self._stopped.set()
        with self._lock:
            if self._waker is not None:
                self._waker.pull_trigger()
        self._thread.join()

    def _run(self) -> None:
        try:
            if sockets := self._sockets():
                self._serve(self._application, sockets)
        except Exception:  # the page is a convenience: work goes on without it
            log.exception("The web server fell over; the page is away until the daemon is started again.")
        finally:
            self._address = None
            if self._stopped.is_set():
                self._heard(None)  # nobody wants it any more

    def _sockets(self) -> list[socket.socket]:
        """The listening sockets, once they can be had; none: it is to stop."""
        said = None
        while not self._stopped.is_set():
            try:
                found = listening(self._listen)
                self._heard(None)
                return found
            except ListenFailed as error:
                self._heard(str(error))
                if str(error) != said:
                    log.error("The page cannot be served; it is tried again.", extra={"detail": str(error)})
                said = str(error)
                self._stopped.wait(_AGAIN_SECONDS)
        return []

    def _serve(self, application: WSGIApplication, sockets: list[socket.socket]) -> None:
        from waitress import wasyncore
        from waitress.server import create_server
        from waitress.trigger import trigger

        watched: dict[Any, Any] = {}
        server = create_server(
            application,
            map=watched,
            sockets=sockets,
            threads=THREADS,
            ident="invoice-watcher",
            connection_limit=_CONNECTIONS,
            channel_timeout=_SILENT_SECONDS,
            max_request_body_size=LARGEST_BODY_BYTES,
            max_request_header_size=_LARGEST_HEADER_BYTES,
            asyncore_use_poll=True,  # select() knows no descriptor above 1023, and the daemon may have many
            log_socket_errors=False,  # people close their browsers
            clear_untrusted_proxy_headers=False,  # nothing is decided by them, but they are logged
        )
        with self._lock:
            self._waker = trigger(watched)
        self._address = _shown(sockets[0])
        log.info("The page is served.", extra={"address": self._address})
        try:
            while not self._stopped.is_set():
                _make_room(watched)
                wasyncore.loop(timeout=_LOOP_SECONDS, use_poll=True, map=watched, count=1)
        finally:
            server.task_dispatcher.shutdown()
            with self._lock:
                self._waker = None
                wasyncore.close_all(watched, ignore_all=True)


def _make_room(watched: dict[Any, Any]) -> None:
    """Let the oldest connections go on which nothing is asked, where one more would be too many.

    Those that wait, or say a byte now and then, so keep nobody out, also while the clock is set back, by which waitress
    closes them. One that is still sending is spared as long as there are others.
    """
    from waitress.channel import HTTPChannel

    while len(watched) >= _CONNECTIONS:
        idle = [each for each in watched.values() if isinstance(each, HTTPChannel) and not each.requests]
        if not idle:
            return
        min(idle, key=lambda each: each.total_outbufs_len > 0).handle_close()  # of equal ones the first, the oldest


def listening(listen: str) -> list[socket.socket]:
    """Sockets that listen at every address that the host's name stands for. Raises ListenFailed."""
    host, _, port = listen.rpartition(":")
    try:
        found = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except UnicodeError as error:
        raise ListenFailed(f"{listen}: no host can have this name") from error
    except OSError as error:
        raise ListenFailed(f"{listen}: no such host is known: {error.strerror}") from error
    sockets: list[socket.socket] = []
    failures: list[OSError] = []
    for family, _, _, _, address in found:
        try:
            sockets.append(socket.create_server(address, family=family, backlog=_BACKLOG))
        except OSError as error:
            failures.append(error)
    # A machine without IPv6 has a localhost with it: the other address is enough. A taken one is not ours.
    if not sockets or any(error.errno == errno.EADDRINUSE for error in failures):
        for each in sockets:
            each.close()
        raise ListenFailed(f"{listen}: {os.strerror(failures[0].errno or 0)}") from failures[0]
    return sockets


def _shown(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
