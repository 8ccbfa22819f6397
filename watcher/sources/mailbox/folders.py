"""From the folder names of the configuration to the server's, and making what lacks."""

from __future__ import annotations

import contextlib

from watcher.errors import SourceUnavailable
from watcher.headers import clean
from watcher.sources.mailbox.connection import CommandRefused
from watcher.sources.mailbox.grammar import Value
from watcher.sources.mailbox.session import Session

SEPARATOR = "/"  # between the levels of a name in the configuration
_INBOX = "INBOX"


class Folders:
    """The folders of one session, as the configuration names them: ``发票/已处理``.

    The server's own delimiter and prefix are put in, so that the same configuration fits every server.
    A name that the server has exactly as it is written wins.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._names: dict[str, str] = {}
        self._delimiter, self._prefix = _conventions(session)

    def name(self, configured: str) -> str:
        """What to call it to the server, whether it is there or not."""
        if configured not in self._names:
            self._names[configured] = self._found_name(configured)
        return self._names[configured]

    def enter(self, configured: str) -> str:
        """Select it for writing, in its present state; its UIDVALIDITY."""
        name = self.name(configured)
        if self._session.selected == (name, False):
            self._session.noop()
            return self._session.uidvalidity
        return self._session.select(name, readonly=False)

    def exists(self, configured: str) -> bool:
        return _is_inbox(configured) or self._session.listed(self.name(configured)) is not None

    def make(self, configured: str) -> None:
        """Make it, each level above it first; what is there already is left as it is."""
        name = self.name(configured)
        levels = name.split(self._delimiter) if self._delimiter else [name]
        for depth in range(1, len(levels) + 1):
            self._make_one(self._delimiter.join(levels[:depth]) if self._delimiter else name)

    def _make_one(self, name: str) -> None:
        if _is_inbox(name) or not name or self._session.listed(name) is not None:
            return
        try:
            self._session.create(name)
        except CommandRefused as error:
            with contextlib.suppress(CommandRefused):
                if self._session.listed(name) is not None:  # somebody else was faster
                    return
            raise SourceUnavailable(
                f"the folder {clean(name)} cannot be made: {error}; make it by hand, or name one that is there"
            ) from error

    def _found_name(self, configured: str) -> str:
        translated = self._translated(configured)
        if translated == configured or _is_inbox(configured):
            return translated
        return configured if self._session.listed(configured) is not None else translated

    def _translated(self, configured: str) -> str:
        levels = [level for level in configured.split(SEPARATOR) if level]
        if levels and _is_inbox(levels[0]):
            levels[0] = _INBOX
        name = (self._delimiter or SEPARATOR).join(levels)
        bare = self._prefix.rstrip(self._delimiter or SEPARATOR)
        if not self._prefix or name.startswith(self._prefix) or name.upper() in (_INBOX, bare.upper()):
            return name
        return self._prefix + name


def _conventions(session: Session) -> tuple[str, str]:
    """Delimiter ("" where there are no levels) and the prefix of one's own folders."""
    namespace: tuple[bytes, bytes | None] | None = None
    with contextlib.suppress(CommandRefused):
        namespace = session.personal_namespace()
    if namespace is not None and namespace[1]:
        return _text(namespace[1]), _text(namespace[0])
    listed = session.listed("")
    return (_text(listed[1]) if listed is not None else ""), ""


def _text(value: Value) -> str:
    return value.decode("ascii", "replace") if isinstance(value, bytes) else ""


def _is_inbox(name: str) -> bool:
    return name.upper() == _INBOX
