"""Tells who asks how this daemon fares; how it is asked stands in `watcher.presence`."""

from __future__ import annotations

import json
import logging
import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Self

from watcher.presence import Told, address_of, peer_of

log = logging.getLogger(__name__)

_AGAIN_SECONDS = 5.0
_ANSWER_SECONDS = 2.0
_BACKLOG = 16


class Listener:
    """Tells who asks, in a thread of its own, within the context; strangers hear only whether the daemon is ready."""

    def __init__(self, configuration: Path, tell: Callable[[], Told]) -> None:
        """`tell` gives the answer, with `ready` in it; it is called by one thread at a time."""
        self._address = address_of(configuration)
        self._tell = tell
        self._stopped = threading.Event()
        self._listening: socket.socket | None = None
        self._thread = threading.Thread(target=self._run, name="presence", daemon=True)

    def __enter__(self) -> Self:
        """Returns at once: whoever has the name is waited for."""
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stopped.set()
        if self._listening is not None:
            with suppress(OSError):
                self._listening.shutdown(socket.SHUT_RDWR)  # ends the wait for who asks
        self._thread.join(_ANSWER_SECONDS)

    def _run(self) -> None:
        told = False
        while not self._stopped.is_set():
            try:
                self._listen()
            except OSError as error:
                if not (told or self._stopped.is_set()):
                    log.warning(
                        "Nobody can ask this daemon whether it is ready; it is tried again.",
                        extra={"detail": error.strerror or type(error).__name__},
                    )
                told = True
                self._stopped.wait(_AGAIN_SECONDS)

    def _listen(self) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as listening:
            listening.bind(self._address)
            listening.listen(_BACKLOG)
            self._listening = listening
            while not self._stopped.is_set():
                connection, _ = listening.accept()
                with connection, suppress(OSError):
                    self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        connection.settimeout(_ANSWER_SECONDS)
        told = self._told()
        if peer_of(connection).user not in (0, os.geteuid()):
            told = {"ready": told["ready"]}
        connection.sendall(json.dumps(told).encode() + b"\n")

    def _told(self) -> Told:
        try:
            return self._tell()
        except Exception as error:  # who asks must hear that something is wrong, and not nothing
            log.exception("The daemon could not tell how it fares.")
            return {"ready": False, "missing": [f"an error of ours: {type(error).__name__}"]}
