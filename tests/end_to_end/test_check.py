"""`check` of a place where much is broken at once: all of it is found in one go, and in seconds."""

from __future__ import annotations

import json
import os
import pty
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support.imap_script import Refusal, ScriptedImap, silence
from tests.support.servers.smtp import SmtpSink
from tests.support.workplace import COMMAND, EMPLOYEES, Workplace, environment
from watcher.sandbox.endpoint import Endpoint

SECRET = "do-not-tell-anybody"
_COLUMNS = 80


def refuse_login(command: str) -> list[bytes]:
    raise Refusal(f"NO [AUTHENTICATIONFAILED] {command}")  # as servers do that repeat what they were sent


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Workplace, Endpoint]]:
    """One mailbox is in order, one refuses the login, one never says a word; and so on."""
    with ExitStack() as stack:
        endpoint = stack.enter_context(Endpoint())
        good = stack.enter_context(ScriptedImap())
        refusing = stack.enter_context(ScriptedImap({"LOGIN": refuse_login}))
        silent = stack.enter_context(silence())
        sink = stack.enter_context(SmtpSink())
        taken = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        place = Workplace(tmp_path_factory.mktemp("broken") / "work", endpoint).with_folder()
        ports = {"good": good.port, "refusing": refusing.port, "silent": silent.getsockname()[1]}
        for name, port in ports.items():
            username = f"{name}@corp.example"
            place.with_mailbox("127.0.0.1", port, username, SECRET, name=name, done="INBOX/done", error="INBOX/error")
        place.with_smtp(sink.host, sink.port)
        place.config["web"] = {"listen": f"127.0.0.1:{taken.getsockname()[1]}"}
        place.config["directory"]["delegates"] = ["nobody@corp.example"]
        place.config["folders"].append({"name": "gone", "path": str(place.root / "gone")})
        (place.root / "employees.csv").write_text(EMPLOYEES + "zhang@corp.example,1,张三,zh\nno address,2,,\n")
        (place.inbox / "unheard-of").mkdir()
        yield place.write(), endpoint
        assert sink.received == []
        assert endpoint.requests == ()


def test_everything_that_is_wrong_is_found_at_once_whoever_does_not_answer(
    broken: tuple[Workplace, Endpoint],
) -> None:
    place, _ = broken
    begun = time.monotonic()
    answer = place.command("check", "--json")
    seconds = time.monotonic() - begun

    found: list[dict[str, Any]] = [json.loads(line) for line in answer.stdout.splitlines()]
    wrong = {finding["subject"] for finding in found if not finding["ok"]}
    assert (answer.returncode, answer.stderr) == (1, "")
    assert wrong == {"directory", "mailbox refusing", "mailbox silent", "folder gone", "web"}
    assert len([finding for finding in found if finding["subject"] == "directory" and not finding["ok"]]) == 2
    assert any("nobody@corp.example" in finding["message"] for finding in found if finding["warning"])
    assert any("unheard-of" in finding["message"] for finding in found if finding["warning"])
    assert all(finding["mend"] for finding in found if not finding["ok"])
    assert {finding["subject"] for finding in found} >= {"clock", "system", "mailbox good", "journal", "smtp 127.0.0.1"}
    assert all(set(finding) == {"subject", "ok", "message", "mend", "warning"} for finding in found)
    assert SECRET not in answer.stdout
    assert seconds < 28


def test_a_terminal_shows_a_table_that_fits_it_with_what_is_waited_for_and_a_count(
    broken: tuple[Workplace, Endpoint],
) -> None:
    place, _ = broken
    status, shown = on_a_terminal(place.config_file)

    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    lines = [line.rstrip() for line in re.split(r"[\r\n]+", plain)]
    assert status == 1
    assert "waiting for mailbox silent" in plain
    assert max(map(len, lines)) <= _COLUMNS
    assert any(re.match(r"FAIL  mailbox refusing +127\.0\.0\.1: the login", line) for line in lines)
    assert any(line.strip().startswith("→ ") for line in lines)
    failed = [line for line in lines if line.startswith("FAIL")]
    assert len(failed) == 6, "\n".join(lines)
    assert re.fullmatch(r"6 things must be mended, \d+ warnings", lines[-2])


def on_a_terminal(config: Path) -> tuple[int, str]:
    """The exit status of `check`, and all that a terminal of 80 columns was sent."""
    ours, theirs = pty.openpty()
    variables = {**environment(), "TERM": "xterm-256color", "COLUMNS": str(_COLUMNS)}
    process = subprocess.Popen([COMMAND, "--config", config, "check"], stdout=theirs, stderr=theirs, env=variables)
    os.close(theirs)
    said = bytearray()
    try:
        while piece := os.read(ours, 65536):
            said += piece
    except OSError:  # how a terminal ends that nobody writes to any more
        pass
    os.close(ours)
    return process.wait(30), said.decode("utf-8", "replace")
