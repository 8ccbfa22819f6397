"""What posts documents, loaded when it is first needed: an HTTP library takes a tenth of the daemon's start."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from watcher.model import Exchange, Finding
from watcher.ports import Recogniser


class _Closable(Protocol):
    def close(self) -> None: ...


T = TypeVar("T", bound=_Closable)


class Late(Generic[T]):
    """Something that is built when it is first asked for, once for all threads; what its building raises is raised."""

    def __init__(self, build: Callable[[], T]) -> None:
        self._build = build
        self._built: T | None = None
        self._building = threading.Lock()

    def __call__(self) -> T:
        if self._built is None:
            with self._building:
                if self._built is None:
                    self._built = self._build()
        return self._built

    def close(self) -> None:
        """Let go of what it has, if it was built at all."""
        if self._built is not None:
            self._built.close()


class LateRecogniser:
    """ports.Recogniser: another one, which knows the same endpoint."""

    def __init__(self, endpoint: str, late: Late[Recogniser]) -> None:
        self.endpoint = endpoint
        self._late = late

    def prepare(self) -> None:
        """Load what the first `recognise` would have to wait for. Connects to nothing."""
        self._late()

    def recognise(
        self, attachment_url: str, biz_id: str, user_code: str | None, *, begun_at: float | None = None
    ) -> Exchange:
        """See ports.Recogniser."""
        return self._late().recognise(attachment_url, biz_id, user_code, begun_at=begun_at)

    def check(self) -> list[Finding]:
        """See ports.Recogniser."""
        return self._late().check()

    def close(self) -> None:
        self._late.close()
