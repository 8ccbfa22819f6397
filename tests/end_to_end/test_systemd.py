"""The service under a real systemd: installed by the installer, on a machine that boots for these tests alone.

One machine for all of them, in this order, because a boot and an installation cost more than the tests do.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import signal
import subprocess
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.archives import zipped
from tests.support.cores import GIVEN, cores_of, shared_core
from tests.support.invoice_files import Paper, invoice_page
from tests.support.invoice_files import pdf as invoices
from tests.support.machine import Machine, booted, hanging
from tests.support.rar_files import rar5, seven_zip
from tests.support.waiting import wait_for
from tests.support.workplace import pdf
from watcher.sandbox.endpoint import RECOGNITION_PATH

PROJECT = Path(__file__).resolve().parents[2]
UNIT = "invoice-watcher.service"
BRANCH = "invoice-watcher@branch.service"  # another instance
TEAM = "invoice-watcher@team.service"  # and one for a tree that people of a group share
WAITING = "invoice-watcher@waiting.service"  # and one whose journal cannot be had
SHARE = "/mnt/share/invoices"  # as shared-folders.conf has it
PORT = 8700  # of the machine's own loopback
PATIENCE_SECONDS = 120.0
STOP_S, START_S = 3, 15  # of the unit's time limits, as they are set here
SLOWLY_S = 2 * STOP_S
POSTED = "A document is posted."
READY = "ready: 1 source; gate open"

CONFIGURATION = f"""
journal: {{journal}}
recognition:
  url: http://127.0.0.1:{PORT}{RECOGNITION_PATH}
  timeout: 30s
  headers: {{{{X-Key: {{{{credential: endpoint-key}}}}}}}}
stores:
  default: {{{{type: objects, service: fs, options: {{{{root: /var/lib/invoice-watcher/{{state}}store}}}}}}}}
folders:
  - name: shared
    path: {{tree}}/inbox
    done: {{tree}}/done
    error: {{tree}}/error
    user_code: {{{{from: subfolder}}}}
    poll: 1s
    settle: 0s
"""

# The installer's Python, whose new environments have the libraries in them already: pip then finds all that the locks
# name. (With --exhaustive pip fetches and checks each, as for everybody else.)
PYTHON = """#!/bin/sh
set -e
case "$*" in
"-m venv "*)
    /usr/bin/python3 -m venv --without-pip "$3"
    tar -C /run/packages -cf - --null -T /run/trial/packages | tar -xf - -C "$3"/lib/python3.*/site-packages
    ;;
*) exec /usr/bin/python3 "$@" ;;
esac
"""


@pytest.fixture(scope="module")
def python(request: pytest.FixtureRequest) -> str:
    """What a shell is to set for the installer, so that it takes the Python above where that will do."""
    fetched = request.config.getoption("--exhaustive") or sysconfig.get_python_version() != _python_of_the_system()
    return "" if fetched else "PYTHON=/run/trial/python3 "


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory, python: str) -> Iterator[Machine]:
    """Booted, with the endpoint running on it, and the service installed and started."""
    folder = tmp_path_factory.mktemp("machine")
    trial = folder / "trial"
    trial.mkdir()
    (trial / "python3").write_text(PYTHON, encoding="utf-8")
    (trial / "python3").chmod(0o755)
    (trial / "packages").write_bytes(b"\0".join(_libraries()))
    bound = {"/run/project": PROJECT, "/run/trial": trial, "/run/packages": Path(sysconfig.get_path("purelib"))}
    with booted(folder, f"{python}/run/project/install.sh", bound) as made:
        _prepare(made)
        yield made


@pytest.fixture(scope="module", autouse=True)
def hanging_branch(machine: Machine) -> Iterator[None]:
    """The other instance has a thread that hangs, from the first test on: it takes a while until it is late."""
    with hanging(machine.process(BRANCH), "look-shared"):
        yield


def _python_of_the_system() -> str:
    asked = ["/usr/bin/python3", "-c", "import sysconfig; print(sysconfig.get_python_version())"]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()


def _libraries() -> Iterator[bytes]:
    """The files of all that the installer installs, below the folder of libraries."""
    locks = "".join((PROJECT / f"requirements-{lock}.lock").read_text(encoding="utf-8") for lock in ("run", "build"))
    wanted = {name.lower().replace("_", "-") for name in re.findall(r"(?m)^([\w.-]+)==", locks)} | {"pip"}
    for found in importlib.metadata.distributions(path=[sysconfig.get_path("purelib")]):
        if found.name.lower().replace("_", "-") in wanted:
            yield from (str(file).encode() for file in found.files or () if not str(file).startswith(".."))


def _prepare(machine: Machine) -> None:
    _configure(machine, "config")
    _configure(machine, "branch", state="branch/", tree="/srv/branch")
    _configure(machine, "team", state="team/", tree=SHARE)
    _configure(machine, "waiting", journal="postgresql://127.0.0.1:1/nobody")
    for tree in ("/srv/invoices", "/srv/branch", SHARE):
        machine.run("mkdir", "-p", *(f"{tree}/{folder}" for folder in ("inbox/903851", "done", "error")))
    machine.run("chown", "-R", "invoice-watcher:", "/srv/invoices", "/srv/branch")
    _drop_in(machine, BRANCH, "[Service]\nReadWritePaths=/srv/branch\n")
    _share(machine)
    machine.path("/etc/invoice-watcher/credentials/endpoint-key").write_text("secret", encoding="ascii")
    for unit in (UNIT, BRANCH):
        _drop_in(machine, unit, "[Service]\nRestartSec=500ms\nWatchdogSec=4s\n")
    _drop_in(machine, UNIT, f"[Service]\nTimeoutStopSec={STOP_S}s\n")
    _drop_in(machine, WAITING, f"[Service]\nTimeoutStartSec={START_S}s\nWatchdogSec=4s\n")
    machine.run("systemctl", "daemon-reload")
    machine.run(
        "systemd-run", "--unit=endpoint", "/opt/invoice-watcher/bin/invoice-watcher", "sandbox", f"--port={PORT}"
    )
    machine.run("systemctl", "start", UNIT, BRANCH, TEAM)
    machine.run("systemctl", "start", "--no-block", WAITING)


def _configure(
    machine: Machine, name: str, *, state: str = "", tree: str = "/srv/invoices", journal: str = "", more: str = ""
) -> None:
    journal = journal or f"sqlite:////var/lib/invoice-watcher/{state}journal.db"
    written = machine.path(f"/etc/invoice-watcher/{name}.yaml")
    written.write_text(CONFIGURATION.format(state=state, tree=tree, journal=journal) + more, encoding="utf-8")


def _share(machine: Machine) -> None:
    """A tree of other people, who are in a group of their own, and whose folders give it to nobody."""
    machine.run("groupadd", "accounting")
    machine.run("chgrp", "-R", "accounting", SHARE)
    machine.run("chmod", "-R", "2770", SHARE)
    for shipped in ("shared-folders.conf", "one-core.conf"):
        text = machine.run("cat", f"/opt/invoice-watcher/current/systemd/{shipped}").stdout
        _drop_in(machine, TEAM, text)


def _drop_in(machine: Machine, unit: str, text: str) -> None:
    folder = machine.path(f"/etc/systemd/system/{unit}.d")
    folder.mkdir(exist_ok=True)
    (folder / f"{len(list(folder.iterdir()))}.conf").write_text(text, encoding="utf-8")


def _wait_for_status(machine: Machine, unit: str, text: str) -> None:
    wait_for(
        lambda: machine.shows(unit, "StatusText") == text, PATIENCE_SECONDS,
        f"{unit} to say {text!r}: {machine.said(unit)}", every=0.2,
    )  # fmt: skip


def test_what_is_installed_runs_and_says_so(machine: Machine) -> None:
    for unit in (UNIT, BRANCH, TEAM):
        assert machine.shows(unit, "ActiveState") == "active"
        _wait_for_status(machine, unit, READY)
    # The secret is root's alone, and the daemon has it all the same.
    assert machine.path("/etc/invoice-watcher/credentials").stat().st_mode & 0o777 == 0o700
    # Each instance has a journal of its own, which is nobody else's.
    for journal in ("journal.db", "branch/journal.db"):
        status = machine.path(f"/var/lib/invoice-watcher/{journal}").stat()
        assert (status.st_mode & 0o777, status.st_uid != 0) == (0o600, True)


def test_what_is_dropped_is_looked_into_and_put_into_done(machine: Machine) -> None:
    # Given files that take the daemon's children to be opened: one that is cut in two, and archives of other programs
    four = invoices(*(invoice_page(Paper(number=f"2611700000123456789{number}")) for number in range(4)))
    dropped = {
        "four.zip": zipped(("four.pdf", four)),
        "seven.7z": seven_zip(("seven.pdf", pdf("seven"))),
        "rar.rar": rar5(("rar.pdf", pdf("rar"))),
    }
    inbox, done = machine.path("/srv/invoices/inbox/903851"), machine.path("/srv/invoices/done/903851")
    # When they are dropped
    for name, content in dropped.items():
        (inbox / name).write_bytes(content)
    # Then each is booked and moved
    wait_for(
        lambda: all((done / name).is_file() for name in dropped), PATIENCE_SECONDS,
        f"the files in done: {machine.said(UNIT)}", every=0.2,
    )  # fmt: skip
    listed = [json.loads(line) for line in machine.run("invoice-watcher", "list", "--json").stdout.splitlines()]
    documents = {one["name"]: one["outcome"] for each in listed for one in each["documents"]}
    assert documents == dict.fromkeys(("four p1-3.pdf", "four p4.pdf", "seven.pdf", "rar.pdf"), "done")


def test_a_note_in_a_share_of_other_people_can_be_read_by_them(machine: Machine) -> None:
    # Given a file of theirs of which nobody can say whose it is
    machine.path(f"{SHARE}/a.pdf").write_bytes(pdf("a"))
    machine.run("chgrp", "accounting", f"{SHARE}/a.pdf")
    machine.run("chmod", "660", f"{SHARE}/a.pdf")
    machine.run("mv", f"{SHARE}/a.pdf", f"{SHARE}/inbox/a.pdf")
    # When it is answered
    note = machine.path(f"{SHARE}/error/a.pdf.txt")
    wait_for(note.is_file, PATIENCE_SECONDS, f"the note: {machine.said(TEAM)}", every=0.2)
    # Then the note is their group's, as the file is
    listed = machine.run("stat", "--format=%G %a", f"{SHARE}/error/a.pdf.txt", f"{SHARE}/error/a.pdf").stdout
    assert listed == "accounting 660\naccounting 660\n"


def test_people_of_the_group_can_enter_the_folders_that_are_made_for_what_is_done(machine: Machine) -> None:
    # Given a folder of theirs with setgid, which the unit may not set
    machine.path(f"{SHARE}/inbox/903851/b.pdf").write_bytes(pdf("b"))
    # When what is in it is answered
    done = machine.path(f"{SHARE}/done/903851")
    wait_for((done / "b.pdf").is_file, PATIENCE_SECONDS, f"the file in done: {machine.said(TEAM)}", every=0.2)
    # Then the new folder is open to the same people
    assert machine.run("stat", "--format=%G %a", f"{SHARE}/done/903851").stdout == "accounting 770\n"


@pytest.mark.skipif(len(GIVEN) < 2, reason="this machine has one core")
def test_threads_keep_to_one_core_where_the_drop_in_lets_them(machine: Machine) -> None:
    wait_for(lambda: shared_core(machine.process(TEAM)), PATIENCE_SECONDS, "threads on one core", every=0.2)
    assert all(cores == GIVEN for cores in cores_of(machine.process(UNIT)).values())


def test_a_reload_takes_the_new_configuration_without_a_new_process(machine: Machine) -> None:
    process = machine.process(UNIT)
    _configure(machine, "config", more="folders_are_wrong: 1\n")
    # A wrong one is told where the reload was asked for, and in the journal
    assert machine.run("systemctl", "reload", UNIT, check=False).returncode != 0
    assert "folders_are_wrong" in machine.said(UNIT)
    assert machine.shows(UNIT, "ActiveState") == "active"
    # A right one is in use as soon as it is said to be
    _configure(machine, "config", more="log: {level: debug}\n")
    assert machine.run("systemctl", "reload", UNIT, check=False).returncode == 0, machine.said(UNIT)
    wait_for(lambda: machine.said(UNIT).count("The daemon is ready.") == 2, PATIENCE_SECONDS, "the reload", every=0.2)
    _wait_for_status(machine, UNIT, READY)
    assert machine.process(UNIT) == process


def test_a_daemon_that_is_killed_is_started_again(machine: Machine) -> None:
    process = machine.process(UNIT)
    os.kill(process, signal.SIGKILL)
    wait_for(
        lambda: machine.process(UNIT) not in (process, 0) and machine.shows(UNIT, "ActiveState") == "active",
        PATIENCE_SECONDS, "a new process", every=0.2,
    )  # fmt: skip
    assert machine.shows(UNIT, "NRestarts") == "1"


def test_a_stop_is_given_the_time_that_requests_under_way_need(machine: Machine) -> None:
    # Given a request to which the answer takes longer than systemd would wait
    body = json.dumps({"latency": SLOWLY_S})
    control = f"http://127.0.0.1:{PORT}/sandbox/behave"
    ask = "import sys, urllib.request as r; r.urlopen(r.Request(sys.argv[1], sys.argv[2].encode(), method='POST'))"
    machine.run("python3", "-c", ask, control, body)
    posted = machine.said(UNIT).count(POSTED)
    machine.path("/srv/invoices/inbox/903851/slow.pdf").write_bytes(pdf("slow"))
    wait_for(lambda: machine.said(UNIT).count(POSTED) > posted, PATIENCE_SECONDS, "the request", every=0.2)
    # When the service is stopped
    machine.run("systemctl", "stop", UNIT)
    # Then it has ended by itself, and what was answered meanwhile is done
    assert machine.shows(UNIT, "Result") == "success"
    assert machine.path("/srv/invoices/done/903851/slow.pdf").is_file()


def test_a_start_is_given_the_time_for_which_its_journal_is_waited_for(machine: Machine) -> None:
    begun = int(machine.shows(WAITING, "InactiveExitTimestampMonotonic")) / 1e6
    wait_for(lambda: time.monotonic() > begun + 1.5 * START_S, PATIENCE_SECONDS, "more than the time for a start")
    assert [machine.shows(WAITING, what) for what in ("ActiveState", "NRestarts")] == ["activating", "0"]
    assert machine.shows(WAITING, "StatusText").startswith("the journal is waited for")
    machine.run("systemctl", "stop", WAITING)
    assert machine.shows(WAITING, "Result") == "success"


def test_a_configuration_that_is_wrong_at_the_start_is_no_reason_to_start_again(machine: Machine) -> None:
    _configure(machine, "config", more="folders_are_wrong: 1\n")
    assert machine.run("systemctl", "start", UNIT, check=False).returncode != 0
    assert [machine.shows(UNIT, what) for what in ("ExecMainStatus", "SubState", "NRestarts")] == ["78", "failed", "0"]


def test_a_daemon_of_which_a_thread_hangs_is_started_again_and_the_journal_says_why(machine: Machine) -> None:
    wait_for(lambda: machine.shows(BRANCH, "NRestarts") == "1", PATIENCE_SECONDS, "the watchdog", every=0.2)
    said = machine.said(BRANCH)
    assert re.search(r"A worker gives no sign of life.*worker=look-shared.*stands_at=.* wait", said), said
    assert "Watchdog timeout" in said
    # What hung was left behind, the rest ended in order, and the new one works.
    assert "The daemon stops. [reason=terminated]" in said
    _wait_for_status(machine, BRANCH, READY)


def test_a_version_that_does_not_start_gives_way_to_the_one_before(machine: Machine, python: str) -> None:
    # Given a newer version whose daemon ends at once, and instances that run
    release = machine.run("readlink", "-f", "/opt/invoice-watcher/current").stdout
    machine.run("mkdir", "/var/tmp/newer")
    parts = "install.sh watcher systemd pyproject.toml LICENSE README.md config.example.yaml"
    locks = ("requirements-build.lock", "requirements-run.lock")
    machine.run("cp", "-R", *(f"/run/project/{part}" for part in (*parts.split(), *locks)), "/var/tmp/newer")
    with machine.path("/var/tmp/newer/watcher/cli/running.py").open("a", encoding="utf-8") as module:
        module.write("\n\ndef run_daemon(path: Path) -> int:\n    raise SystemExit('it has to end')\n")
    # When it is installed
    done = machine.run("sh", "-c", f"{python}/var/tmp/newer/install.sh", check=False)
    # Then the one before is there again, at work, and it is said why
    assert (done.returncode, done.stdout.count("Restarting ")) == (1, 2), done.stdout + done.stderr
    assert "it has to end" in done.stderr
    assert "was put back" in done.stderr
    assert machine.run("readlink", "-f", "/opt/invoice-watcher/current").stdout == release
    for unit in (BRANCH, TEAM):
        _wait_for_status(machine, unit, READY)
