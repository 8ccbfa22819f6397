"""The daemon's hold on one child process."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import watcher
from watcher.documents.inspection.answers import FAILED, LARGEST_ANSWER

# The modules are found where this process finds them, whatever was done to its path; nothing else of it is inherited.
_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv.pop()); "
    "from watcher.documents.inspection.child import main; main()"
)


class ChildFailed(Exception):
    """No answer: the child died, it took too long, or it could make nothing of the document.

    `is_over` where it cannot be asked again.
    """

    def __init__(self, cause: str, *, is_over: bool) -> None:
        super().__init__(cause)
        self.is_over = is_over


class Child:
    """One process, asked by one thread at a time. Raises OSError where it cannot be started."""

    def __init__(self, *, memory_limit: int) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        lifeline, self._lifeline = os.pipe()
        paths = [str(Path(watcher.__file__).resolve().parent.parent), *filter(None, sys.path)]
        try:
            self._process: subprocess.Popen[bytes] = subprocess.Popen(  # noqa: S603 - this program itself
                [sys.executable, "-I", "-S", "-c", _START, str(lifeline), str(memory_limit), json.dumps(paths)],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[lifeline],
                env={},
                cwd="/",
                start_new_session=True,
            )
        except BaseException:
            self._socket.close()
            os.close(self._lifeline)
            raise
        finally:
            theirs.close()
            os.close(lifeline)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, request: Mapping[str, object], document: int, *, seconds: float) -> Answers:
        """Sends a request with the descriptor of its document; all answers have to come within that time."""
        answers = Answers(self._socket, time.monotonic() + seconds)
        try:
            self._socket.settimeout(seconds)
            socket.send_fds(self._socket, [json.dumps(request).encode()], [document])
        except OSError as error:
            raise ChildFailed("died", is_over=True) from error
        return answers

    def end(self) -> None:
        """Kills it, whatever it does, and waits until it is gone. May be called by another thread, and again."""
        self._process.kill()
        self._process.wait()

    def release(self) -> None:
        """Ends it and closes what was open for it. Not while another thread asks."""
        self.end()
        self._socket.close()
        os.close(self._lifeline)


class Answers:
    """The packets that come back for a request."""

    def __init__(self, channel: socket.socket, deadline: float) -> None:
        self._socket = channel
        self._deadline = deadline

    def next(self) -> tuple[bytes, list[int]]:
        """A packet and its descriptors, which the caller closes. Raises ChildFailed."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise ChildFailed("took too long", is_over=True)
        self._socket.settimeout(left)
        try:
            data, descriptors, flags, _ = socket.recv_fds(self._socket, LARGEST_ANSWER, 1, socket.MSG_CMSG_CLOEXEC)
        except TimeoutError as error:
            raise ChildFailed("took too long", is_over=True) from error
        except OSError as error:
            raise ChildFailed("died", is_over=True) from error
        if not data or data.startswith(FAILED) or flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC):
            for descriptor in descriptors:
                os.close(descriptor)
            raise _failure(data)
        return data, descriptors


def _failure(data: bytes) -> ChildFailed:
    if not data:
        return ChildFailed("died", is_over=True)
    name = data[1:80].decode("ascii", "replace")
    if data.startswith(FAILED) and name.isidentifier():
        return ChildFailed(name, is_over=False)
    return ChildFailed("spoke nonsense", is_over=True)
