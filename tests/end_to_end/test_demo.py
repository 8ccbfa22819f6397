"""`invoice-watcher demo`, as a newcomer runs it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.waiting import wait_for

COMMAND = Path(sys.executable).with_name("invoice-watcher")
PATIENCE_SECONDS = 120


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Its folder is made below the test's."""
    return os.environ | {"TMPDIR": str(tmp_path), "COLUMNS": "200"}


def demo_folder(tmp_path: Path) -> Path:
    (folder,) = tmp_path.glob("invoice-watcher-demo-*")
    return folder


@contextmanager
def running(environment: dict[str, str], output: Path) -> Iterator[subprocess.Popen[bytes]]:
    # What a shell started in the background ignores SIGINT, and what we start would inherit that.
    ours = signal.signal(signal.SIGINT, signal.default_int_handler)
    with output.open("wb") as out:
        process = subprocess.Popen([COMMAND, "demo"], env=environment, stdout=out, stderr=out)
    signal.signal(signal.SIGINT, ours)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def daemons_of(folder: Path) -> list[int]:
    """Processes that run with the demo's configuration."""
    config = str(folder / "config.yaml").encode()
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            arguments = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if config in arguments and b"run" in arguments:
            found.append(int(path.parent.name))
    return found


def test_the_commands_that_it_shows_can_be_typed_where_the_program_is_not_on_the_path(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    done = subprocess.run(
        [COMMAND, "demo", "--exit"],
        env=environment | {"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )

    shown = re.findall(r"^  (\S.*) (list|show \w+|status|check)$", done.stdout, re.MULTILINE)
    assert [command.split()[0] for _, command in shown] == ["list", "show", "status", "check"]
    for line in (f"{start} {command}" for start, command in shown[:3]):
        typed = subprocess.run(["/bin/sh", "-c", line], env={"PATH": "/usr/bin:/bin"}, cwd="/", check=False, timeout=60)
        assert typed.returncode == 0, line


def test_every_sample_ends_as_it_should_and_the_demo_leaves(tmp_path: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        [COMMAND, "demo", "--exit"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    folder = demo_folder(tmp_path)
    assert sorted(str(path.relative_to(folder)) for path in (folder / "done").rglob("*.*")) == [
        "done/903851/办公用品发票.pdf",
        "done/903852/软件服务费.ofd",
    ]
    assert sorted(str(path.relative_to(folder)) for path in (folder / "error").rglob("*.*")) == [
        "error/903851/损坏的压缩包.zip",
        "error/903851/损坏的压缩包.zip.txt",
    ]
    assert len(list((folder / "replies").glob("*.eml"))) == 4
    assert len(list((folder / "replies").glob("*.html"))) == 4
    for where in ("replies", "done", "error", "journal.db", "daemon.log"):
        assert str(folder / where) in done.stdout
    assert daemons_of(folder) == []


def test_it_stays_up_takes_what_is_dropped_and_takes_its_daemon_along(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    output = tmp_path / "output"
    with running(environment, output) as demo:
        wait_for(lambda: "Staying up" in output.read_text() or demo.poll() is not None, PATIENCE_SECONDS, "the samples")
        assert demo.poll() is None, output.read_text()
        folder = demo_folder(tmp_path)
        invoice = (folder / "done" / "903851" / "办公用品发票.pdf").read_bytes()
        (folder / "inbox" / "903852" / "同一张.pdf").write_bytes(invoice)
        wait_for(lambda: "[closed] 903852/同一张.pdf" in output.read_text(), PATIENCE_SECONDS, "the dropped file")
        assert daemons_of(folder) != []
        demo.send_signal(signal.SIGINT)
        assert demo.wait(PATIENCE_SECONDS) == 0

    assert (folder / "done" / "903852" / "同一张.pdf").read_bytes() == invoice
    assert daemons_of(folder) == []
    assert "Traceback" not in output.read_text()


@pytest.mark.parametrize("package", ["pymap", "aiosmtpd"])
def test_a_missing_package_is_told_in_one_sentence(package: str, environment: dict[str, str]) -> None:
    script = f"import sys; sys.modules[{package!r}] = None; sys.argv[1:] = ['demo', '--exit']; import runpy; "
    script += "runpy.run_module('watcher', run_name='__main__')"

    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert re.fullmatch(r"invoice-watcher: the demo needs \S+, .* pip install 'invoice-watcher\[demo\]'\n", done.stderr)
