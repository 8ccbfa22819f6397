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
import traceback
from datetime import UTC, datetime
from types import TracebackType

from watcher.config.sections import Log
from watcher.secrecy import KnownSecrets

_PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}
_COLOURS = {logging.DEBUG: "2", logging.INFO: "32", logging.WARNING: "33", logging.ERROR: "31", logging.CRITICAL: "31"}
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
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
    _leave_out_what_no_line_shows()
    logging.getLogger("watcher").setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.ERROR)


def _leave_out_what_no_line_shows() -> None:
    """The switches of logging's own documentation: to find out who logs costs more than the rest of a record."""
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None  # noqa: SLF001 - it is one of them: then no frame is looked for


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


class _StandardErrorHandler(logging.Handler):
    """Whatever standard error is at the time: a line that shows progress takes its place for a while."""

    def __init__(self, known: KnownSecrets) -> None:
        super().__init__()
        self._known = known

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stderr.write(self._known.hidden(self.format(record)) + "\n")
            sys.stderr.flush()
        except Exception:  # noqa: BLE001 - logging must not stop what it tells of
            self.handleError(record)


def _formatter(section: Log) -> logging.Formatter:
    if section.format == "json":
        return JsonFormatter()
    if os.environ.get("JOURNAL_STREAM"):
        return JournalFormatter()
    return TerminalFormatter() if sys.stderr.isatty() else PlainFormatter()


def fields(record: logging.LogRecord) -> dict[str, object]:
    """What was given beside the sentence."""
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}


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
    given = " ".join([f"{name}={value}" for name, value in fields(record).items() if value is not None])
    message = record.getMessage()
    return _one_line(f"{message} [{given}]" if given else message)


class PlainFormatter(logging.Formatter):
    """``2026-11-23T09:00:00+00:00 WARNING A try failed … [booking=7]``."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        return f"{moment} {record.levelname} {sentence(record)}{self._trace(record)}"

    def _trace(self, record: logging.LogRecord) -> str:
        """Indented, because the text of an exception may come from outside and must not look like a record."""
        lines = self.formatException(record.exc_info).split("\n") if record.exc_info else []
        return "".join(f"\n  {_one_line(line)}" for line in lines)


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
        return "\n".join(prefix + line for line in (sentence(record) + self._trace(record)).splitlines())


class JsonFormatter(logging.Formatter):
    """One JSON object a line: `ts`, `level`, `logger`, `message`, `fields`, and `traceback` where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, object] = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "fields": {name: value for name, value in fields(record).items() if value is not None},
        }
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return _escaped(json.dumps(entry, ensure_ascii=False, default=str))
