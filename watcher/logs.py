"""How log records look: one sentence, then its fields.

Under systemd each line begins with its priority for the journal (``<N>``), on a terminal with a
coloured level, elsewhere with time and level; or everything is one JSON object a line.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from watcher.config.sections import Log
from watcher.secrecy import KnownSecrets

_PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}
_COLOURS = {logging.DEBUG: "2", logging.INFO: "32", logging.WARNING: "33", logging.ERROR: "31", logging.CRITICAL: "31"}
_STANDARD_VALUES = vars(logging.makeLogRecord({}))  # where nothing is known
_STANDARD = frozenset(_STANDARD_VALUES) | {"message", "asctime", "taskName"}
_JSON = json.JSONEncoder(ensure_ascii=False, default=str)
_MICROSECONDS = 1_000_000  # of a second
# Libraries speak at length of what their callers handle; and at the lower levels of every address and header.
_QUIET = ("apscheduler", "watchdog", "urllib3", "alembic", "imap_tools", "dkim", "tzlocal", "waitress")


def set_up(section: Log, known: KnownSecrets) -> None:
    """Send all records to standard error in the form that the configuration asks for, without what is `known`.

    Libraries are heard from a warning on, whatever the level: what they tell below may be a secret that is not known.
    """
    handler = _StandardErrorHandler(known)
    handler.setFormatter(_formatter(section))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    level = logging.getLevelNamesMapping()[section.level.upper()]
    root.setLevel(max(level, logging.WARNING))
    logging.setLogRecordFactory(_Record)
    logging._srcfile = None  # noqa: SLF001 - a switch of logging's documentation: no frame is looked for
    logging.getLogger("watcher").setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.ERROR)


def conceal_tracebacks(known: KnownSecrets) -> None:
    """Let what Python prints of an error that nobody expected have no secret in it either, whatever thread it is in."""

    def show(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
        told = "".join(traceback.format_exception(kind, error, trace))
        sys.stderr.write(known.hidden(told))

    def show_of_thread(failure: threading.ExceptHookArgs) -> None:
        if failure.exc_type is not SystemExit:
            show(failure.exc_type, failure.exc_value, failure.exc_traceback)

    sys.excepthook = show
    threading.excepthook = show_of_thread
    sys.unraisablehook = lambda failure: show(failure.exc_type, failure.exc_value, failure.exc_traceback)


class _Record(logging.LogRecord):
    """What a line shows. To find out the rest, as of what thread and file it is, costs more than to write the line."""

    def __init__(
        self, name: str, level: int, _path: str, _line: int, msg: object, args: Any, exc_info: Any, *_: Any, **__: Any
    ) -> None:
        """As logging makes one, with what more it may know."""
        self.name = name
        self.levelno = level
        self.levelname = logging.getLevelName(level)
        self.msg = msg
        self.args = args[0] if args and len(args) == 1 and isinstance(args[0], Mapping) and args[0] else args
        self.exc_info = exc_info
        self.created = time.time()


for _name, _value in _STANDARD_VALUES.items():
    setattr(_Record, _name, _value)  # so that it still has all that a record has


class _StandardErrorHandler(logging.Handler):
    """Whatever standard error is at the time: a line that shows progress takes its place for a while."""

    def __init__(self, known: KnownSecrets) -> None:
        super().__init__()
        self._known = known

    def handle(self, record: logging.LogRecord) -> bool:
        """Written and out before it returns. Threads wait for each other while they write, not while they format."""
        try:
            line = self._known.hidden(self.format(record)) + "\n"
            self.acquire()
            try:
                sys.stderr.write(line)
                sys.stderr.flush()
            finally:
                self.release()
        except Exception:  # noqa: BLE001 - logging must not stop what it tells of
            self.handleError(record)
        return True

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """What logging itself would print has the line's values as they came, secrets among them."""
        with suppress(Exception):
            sys.stderr.write(f"A line of {record.name} could not be written: {type(sys.exception()).__name__}\n")
            sys.stderr.flush()


def _formatter(section: Log) -> logging.Formatter:
    if section.format == "json":
        return JsonFormatter()
    if os.environ.get("JOURNAL_STREAM"):
        return JournalFormatter()
    return TerminalFormatter() if sys.stderr.isatty() else PlainFormatter()


def _one_line(text: str) -> str:
    """Nothing that came from outside can begin a line of its own, or steer a terminal."""
    if text.isprintable():  # as nearly all is
        return text
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def _escaped(line: str) -> str:
    """JSON in which what steers a terminal or turns the direction of writing is an escape, and so what it was."""
    if line.isprintable():
        return line
    return "".join(character if character.isprintable() else json.dumps(character)[1:-1] for character in line)


def sentence(record: logging.LogRecord) -> str:
    """The message and its fields on one line."""
    items = vars(record).items()
    given = [f"{name}={value}" for name, value in items if name not in _STANDARD and value is not None]
    message = record.getMessage()
    return _one_line(f"{message} [{' '.join(given)}]" if given else message)


class _Moments:
    """Moments in the words of ISO 8601, in UTC. What a second is called is kept until the next: many lines share it."""

    def __init__(self) -> None:
        self._known: tuple[float, str] | None = None

    def named(self, moment: float) -> str:
        """``2026-11-23T09:00:00.000+00:00``; what is less than a millisecond is left out."""
        second, part = divmod(moment, 1.0)
        microseconds = round(part * _MICROSECONDS)
        if microseconds == _MICROSECONDS:
            second, microseconds = second + 1.0, 0
        known = self._known
        if known is None or known[0] != second:
            self._known = known = (second, datetime.fromtimestamp(second, UTC).isoformat()[:-6])
        return f"{known[1]}.{microseconds // 1000:03}+00:00"


class PlainFormatter(logging.Formatter):
    """``2026-11-23T09:00:00.000+00:00 WARNING A try failed … [booking=7]``."""

    def __init__(self) -> None:
        super().__init__()
        self._moments = _Moments()

    def format(self, record: logging.LogRecord) -> str:
        return f"{self._moments.named(record.created)} {record.levelname} {sentence(record)}{self._trace(record)}"

    def _trace(self, record: logging.LogRecord) -> str:
        """Indented, because the text of an exception may come from outside and must not look like a record."""
        if not record.exc_info:
            return ""
        return "".join([f"\n  {_one_line(line)}" for line in self.formatException(record.exc_info).split("\n")])


class TerminalFormatter(PlainFormatter):
    """The time of day and a coloured level, for a person who watches."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).astimezone().strftime("%H:%M:%S")
        colour = _COLOURS.get(record.levelno, "0")
        return (
            f"\x1b[2m{moment}\x1b[0m \x1b[{colour}m{record.levelname:7}\x1b[0m {sentence(record)}{self._trace(record)}"
        )


class JournalFormatter(PlainFormatter):
    """``<4>A try failed …``: journald takes the priority off and adds its own time; each line needs its own."""

    def format(self, record: logging.LogRecord) -> str:
        prefix = f"<{_PRIORITIES.get(record.levelno, 6)}>"
        return prefix + sentence(record) + self._trace(record).replace("\n", "\n" + prefix)


class JsonFormatter(logging.Formatter):
    """One JSON object a line: `ts`, `level`, `logger`, `message`, `fields`, and `traceback` where there is one."""

    def __init__(self) -> None:
        super().__init__()
        self._moments = _Moments()

    def format(self, record: logging.LogRecord) -> str:
        items = vars(record).items()
        entry: dict[str, object] = {
            "ts": self._moments.named(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "fields": {name: value for name, value in items if name not in _STANDARD and value is not None},
        }
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return _escaped(_JSON.encode(entry))
