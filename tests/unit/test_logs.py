"""What a log line looks like, whatever it tells of."""

from __future__ import annotations

import ast
import json
import logging
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

import watcher
from watcher.logs import JournalFormatter, JsonFormatter, PlainFormatter, TerminalFormatter

FOREIGN = "a\n2026-11-23T09:00:00+00:00 ERROR forged\r\x1b[31m\u2028<3>forged"


def _fail() -> None:
    raise ValueError(FOREIGN)


def _record() -> logging.LogRecord:
    try:
        _fail()
    except ValueError:
        made = logging.getLogger("test").makeRecord(
            "test", logging.ERROR, __file__, 1, "It failed.", (), sys.exc_info(), extra={"name_given": FOREIGN}
        )
    return made


@pytest.mark.parametrize("formatter", [PlainFormatter(), TerminalFormatter()])
def test_nothing_from_outside_begins_a_line_of_the_log_or_steers_a_terminal(formatter: logging.Formatter) -> None:
    first, *trace = formatter.format(_record()).split("\n")
    assert "It failed. [name_given=a" in first
    assert trace
    assert all(line.startswith("  ") and line.isprintable() for line in trace)


def test_each_line_for_journald_has_its_priority_and_no_forged_one() -> None:
    lines = JournalFormatter().format(_record()).splitlines()
    assert all(line.startswith("<3>") for line in lines)
    assert all(line.startswith("<3>  ") for line in lines[1:])


def test_json_is_one_line_with_the_fields_and_the_traceback() -> None:
    line = JsonFormatter().format(_record())
    assert line.isprintable()
    entry = json.loads(line)
    assert list(entry) == ["ts", "level", "logger", "message", "fields", "traceback"]
    assert (entry["level"], entry["logger"], entry["message"]) == ("error", "test", "It failed.")
    assert entry["fields"] == {"name_given": FOREIGN}
    assert "ValueError" in entry["traceback"]


def test_a_moment_is_what_the_standard_library_says_of_it() -> None:
    formatter = JsonFormatter()
    made = logging.makeLogRecord({"msg": "It is said."})
    for made.created in (0.0, 1.0005, 1795707078.9994999, 1.9999999, 1795707078.0009996, 1795707077.5):
        expected = datetime.fromtimestamp(made.created, UTC).isoformat(timespec="milliseconds")
        assert json.loads(formatter.format(made))["ts"] == expected


def test_no_field_has_a_name_that_every_record_has_and_no_line_shows() -> None:
    standard = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}
    modules = [ast.parse(path.read_text()) for path in Path(watcher.__file__).parent.rglob("*.py")]
    calls = [node for module in modules for node in ast.walk(module) if isinstance(node, ast.Call)]
    given = [word.value for call in calls for word in call.keywords if word.arg == "extra"]
    names = {
        key.value for each in given if isinstance(each, ast.Dict) for key in each.keys if isinstance(key, ast.Constant)
    }
    assert "submission" in names
    assert not names & standard
