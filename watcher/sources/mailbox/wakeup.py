"""A bell that another thread rings, and that can be listened to together with a socket."""

from __future__ import annotations

import contextlib
import os
import select
import threading


class Wakeup:
    """Rung once or more, it ends one wait: the present one, or else the next."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._lock = threading.Lock()
        self._closed = False

    def fileno(self) -> int:
        return self._read

    def give(self) -> None:
        """From any thread."""
        with self._lock:
            if not self._closed:
                with contextlib.suppress(BlockingIOError):
                    os.write(self._write, b"!")

    def take(self) -> None:
        """What was rung so far is heard."""
        with self._lock:
            if not self._closed:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._read, 65536)

    def wait(self, seconds: float) -> None:
        with self._lock:
            if self._closed:
                return
            # A copy, so that closing from another thread does not let go of what is listened to.
            listening = os.dup(self._read)
        try:
            poller = select.poll()
            poller.register(listening, select.POLLIN)
            poller.poll(max(0.0, seconds) * 1000)
        finally:
            os.close(listening)
        self.take()

    def close(self) -> None:
        with self._lock:
            if not self._closed:
                self._closed = True
                os.close(self._read)
                os.close(self._write)
