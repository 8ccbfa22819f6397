"""A program that works on a file for us can neither grow nor write nor go on, and is gone in the end."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from watcher.documents import confined as module
from watcher.documents.confined import Confined, Stopped, confined
from watcher.spool import Spooled


@pytest.fixture
def given() -> Iterator[Spooled]:
    content = Spooled([b"given", b" to it"])
    yield content
    content.close()


def _run(given: Spooled, *command: str, seconds: float = 5) -> tuple[bytes, bool, bytes]:
    """What it puts out, whether it ended well, and what it complained of."""
    with confined(command, given.file(), seconds=seconds, spend=lambda _: None) as program:
        output = b"".join(iter(program.read, b""))
        return (output, *program.finish())


def test_it_reads_the_whole_file_and_its_output_comes_back(given: Spooled) -> None:
    given.file().read(4)
    assert _run(given, "cat") == (b"given to it", True, b"")


def test_much_that_it_complains_of_does_not_stop_it(given: Spooled) -> None:
    noise = "i=0; while [ $i -lt 20000 ]; do echo complaint >&2; i=$((i+1)); done; echo out"
    output, is_well, said = _run(given, "sh", "-c", noise)
    assert (output, is_well, len(said)) == (b"out\n", True, 4096)


def test_one_that_computes_for_too_long_is_stopped(given: Spooled) -> None:
    with pytest.raises(Stopped):
        _run(given, "sh", "-c", "while :; do :; done", seconds=1)


def test_one_that_does_nothing_for_too_long_is_stopped(given: Spooled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LONGEST_SECONDS", 0.2)
    with pytest.raises(Stopped):
        _run(given, "sleep", "100")


def test_it_cannot_take_all_memory(given: Spooled) -> None:
    _output, is_well, said = _run(given, "python3", "-c", "bytearray(10**9)")
    assert not is_well
    assert b"MemoryError" in said


def test_it_cannot_write_a_file(given: Spooled, tmp_path: Path) -> None:
    file = tmp_path / "written"
    assert not _run(given, "sh", "-c", f"echo x > {file}")[1]
    assert file.read_bytes() == b""


def test_it_has_no_terminal_and_nothing_of_our_surroundings(given: Spooled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "x")
    output, is_well, _said = _run(given, "sh", "-c", "env; (: < /dev/tty) 2>/dev/null && exit 1; exit 0")
    assert b"SECRET" not in output
    assert is_well


def test_it_is_gone_when_nobody_reads_on(given: Spooled) -> None:
    with confined(["yes"], given.file(), seconds=5, spend=lambda _: None) as program:
        assert program.read()
        running: Confined = program
    with pytest.raises(ProcessLookupError):
        os.kill(running._process.pid, 0)


def test_what_feeds_it_has_nothing_of_our_surroundings_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_SECRET", "canary")
    content = Spooled([bytes(10**6)])  # more than a pipe takes, so that it waits
    with confined(["sleep", "100"], content.file(), seconds=5, spend=lambda _: None, piped=True) as program:
        assert program._feeder is not None
        environment = Path(f"/proc/{program._feeder.pid}/environ").read_bytes()
    content.close()
    assert b"canary" not in environment
