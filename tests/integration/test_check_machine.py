"""What `check` says of servers' clocks and certificates, of the port of the pages, and of the unit."""

from __future__ import annotations

import os
import re
import socket
import ssl
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.config_files import written
from tests.support.servers.certificates import another_certificate, make_certificate
from tests.support.servers.local_http import LocalHttp
from tests.support.waiting import wait_for
from watcher.bootstrap.checks import findings
from watcher.checks.credentials import credentials_of_the_unit
from watcher.checks.machine import machine_findings
from watcher.checks.needs import Need, needs_of
from watcher.checks.people import delegate_findings, subfolder_findings
from watcher.checks.servers import Address, address_of, server_findings
from watcher.checks.service_unit import service_findings
from watcher.checks.unit_file import read_unit
from watcher.checks.web import web_findings
from watcher.config.load import load
from watcher.config.secret import Secret
from watcher.config.sections import Configuration
from watcher.model import Finding
from watcher.people import FileDirectory
from watcher.presence import NoAnswer, Told, ask
from watcher.secrecy import KnownSecrets
from watcher.service.presence import Listener
from watcher.service.vitals import Vitals


class Telling(LocalHttp):
    """Answers everything with 404, and with a clock that is so many seconds ahead."""

    def __init__(self, ahead: float = 0.0, *, context: ssl.SSLContext | None = None, alive: int = 404) -> None:
        self.asked: list[str] = []
        asked = self.asked

        class Answer(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                asked.append(f"{self.command} {self.path}")
                self.send_response_only(alive if self.path == "/livez" else 404)
                self.send_header("Date", format_datetime(datetime.now(UTC) + timedelta(seconds=ahead), usegmt=True))
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_HEAD  # noqa: N815 - as http.server calls it

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as it is there
                """Nothing: the test's output is for the test."""

        super().__init__(Answer)
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)

    @property
    def port(self) -> int:
        return self._server.server_port


# --------------------------------------------------------------------------------------------- servers


def test_a_clock_that_is_off_is_found_by_what_servers_tell_and_only_their_root_is_asked_for() -> None:
    began = time.monotonic()
    with Telling() as right, Telling(-90) as slow:
        both = server_findings([address_of(right.address("/ocr?secret=x")), address_of(slow.address("/token"))] * 2)
        (alone,) = server_findings([address_of(slow.address()), address_of("http://127.0.0.1:1/gone"), None])

    assert [(finding.ok, finding.warning) for finding in both] == [(True, False), (True, True)]
    behind = _seconds(rf"the clock of 127\.0\.0\.1:{slow.port} is (\d+) s behind ours", both[1].message)
    assert not alone.ok
    ahead = _seconds(r"(\d+) s ahead of that", alone.message)
    # A server writes the second down at some time between question and answer, and we write whole seconds.
    unknown = 0.5 + (time.monotonic() - began) / 2 + 0.5
    assert behind == pytest.approx(90, abs=unknown)
    assert ahead == pytest.approx(90, abs=unknown)
    assert right.asked == ["HEAD /"]


def _seconds(pattern: str, message: str) -> int:
    found = re.search(pattern, message)
    assert found, message
    return int(found[1])


def test_a_certificate_that_ends_soon_is_told_with_its_day(tmp_path: Path) -> None:
    authority = make_certificate(tmp_path)
    ending = another_certificate(authority, "soon", host="localhost", days=5.5)
    with Telling(context=ending.server_context()) as server:
        address = Address(f"https://localhost:{server.port}/", authority.ca_file)
        soon, clock = server_findings([address])
        (later,) = server_findings([address], now=datetime.now(UTC) - timedelta(days=20))

    assert (soon.subject, soon.ok, soon.warning) == (f"server localhost:{server.port}", True, True)
    assert "valid for 5 days more" in soon.message
    assert clock.subject == later.subject == "clock"


def test_an_address_that_cannot_be_has_no_server_to_look_at() -> None:
    assert [address_of(url) for url in ("https://[fe80::1", "https://h:99999", "ftp://h/", "")] == [None] * 4


# ------------------------------------------------------------------------------------------------ web


def test_the_port_of_the_pages_is_free_is_ours_or_is_somebody_elses() -> None:
    with Telling(alive=200) as ours, Telling() as others, socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        free = unused.getsockname()[1]
        unused.close()
        told = {
            name: web_findings(listen, lambda: True)[0]
            for name, listen in {
                "free": f"127.0.0.1:{free}",
                "ours": f"127.0.0.1:{ours.port}",
                "taken": f"127.0.0.1:{others.port}",
                "elsewhere": "192.0.2.1:8750",
                "nowhere": "a..b:8750",
            }.items()
        }

    assert {name: finding.ok for name, finding in told.items()} == {
        "free": True,
        "ours": True,
        "taken": False,
        "elsewhere": False,
        "nowhere": False,
    }
    assert str(others.port) in (told["taken"].mend or "")
    assert all(finding.mend for finding in told.values() if not finding.ok)


def test_a_port_is_ours_only_while_a_daemon_with_this_very_configuration_serves_its_page(tmp_path: Path) -> None:
    page = Vitals()
    with Telling(alive=200) as there:
        given = configuration(tmp_path, web={"listen": f"127.0.0.1:{there.port}", "password": "x"})
        file = tmp_path / "config.yaml"

        def told() -> Finding:
            return next(each for each in findings(given, KnownSecrets(), file) if each.subject == "web")

        nobody = told()
        with Listener(file, page.told):
            wait_for(lambda: _asked(file), what="the daemon to answer")
            ours = told()
            page.served("the port is taken")
            waiting = told()

    assert [ours.ok, nobody.ok, waiting.ok] == [True, False, False]
    assert nobody.message == waiting.message
    assert str(there.port) in (nobody.mend or "")


def _asked(file: Path) -> Told | None:
    try:
        return ask(file)
    except NoAnswer:
        return None


# ----------------------------------------------------------------------------------------------- unit


def unit(folder: Path, file: Path, *more: str) -> list[str]:
    """The folders of units, the first with one for this configuration and the others with drop-ins."""
    (folder / "etc").mkdir()
    text = f"[Service]\nExecStart=/opt/x/invoice-watcher --config {file} run\nUser=nobody\n"
    (folder / "etc" / "invoice-watcher.service").write_text(text + "ProtectSystem=strict\nProtectHome=yes\n")
    for number, setting in enumerate(more):
        drop_ins = folder / f"run{number}" / "invoice-watcher.service.d"
        drop_ins.mkdir(parents=True)
        (drop_ins / f"{number}.conf").write_text(f"[Service]\n{setting}\n")
    return [str(folder / "etc"), *(str(folder / f"run{number}") for number in range(len(more)))]


def test_what_the_unit_does_not_let_the_daemon_reach_is_named_with_the_line_to_write(tmp_path: Path) -> None:
    file, inbox, outbox = tmp_path / "config.yaml", tmp_path / "inbox", tmp_path / "link"
    inbox.mkdir()
    (tmp_path / "real").mkdir()
    outbox.symlink_to(tmp_path / "real")
    folders = unit(tmp_path, file, f"ReadWritePaths={inbox}")
    needs = [Need("path", str(inbox)), Need("done", str(outbox)), Need("journal", "/home/x/journal")]

    found = service_findings(needs, file, folders=folders)
    wrong = [finding for finding in found if "lets" in finding.message or "ReadWritePaths" in (finding.mend or "")]
    hidden = [finding for finding in found if "hides" in finding.message]

    assert [finding.ok for finding in (*wrong, *hidden)] == [False, False]
    assert f"ReadWritePaths={tmp_path / 'real'}," in (wrong[0].mend or "")
    assert str(inbox) not in wrong[0].message
    assert "/home/x/journal" in hidden[0].message


def test_secrets_that_systemd_gives_are_found_by_a_check_that_is_started_by_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    file, secret = tmp_path / "config.yaml", Secret.model_validate({"credential": "imap-password"})
    (tmp_path / "imap").write_text("from the file\n")
    folders = unit(tmp_path, file, f"LoadCredential=imap-password:{tmp_path / 'imap'}\nLoadCredential=by-itself")
    of_the_service = tmp_path / "credentials" / "invoice-watcher.service"

    with credentials_of_the_unit(file, folders=folders, running=str(tmp_path / "credentials")):
        stopped = secret.reveal()
    of_the_service.mkdir(parents=True)
    (of_the_service / "imap-password").write_text("from the running service")
    with credentials_of_the_unit(file, folders=folders, running=str(tmp_path / "credentials")):
        running = secret.reveal()
    with credentials_of_the_unit(tmp_path / "other.yaml", folders=folders):
        assert "CREDENTIALS_DIRECTORY" not in os.environ

    assert (stopped, running) == ("from the file", "from the running service")
    assert "CREDENTIALS_DIRECTORY" not in os.environ


def test_the_unit_that_comes_with_the_program_is_understood(tmp_path: Path) -> None:
    shipped = Path(__file__).resolve().parents[2] / "systemd" / "invoice-watcher.service"
    read = read_unit(shipped.name, [shipped.read_text(encoding="utf-8")])

    assert read.user == "invoice-watcher"
    assert read.instance_for("/etc/invoice-watcher/config.yaml") == ""
    for path in ("/var/lib/invoice-watcher", "/srv/invoices/inbox"):
        assert read.may_write(path), path
    for path in ("/var/lib/other", "/mnt/share", "/home/ann/inbox", "/tmp/inbox"):
        assert not read.may_write(path), path


def test_another_configuration_than_the_units_is_not_compared_with_it(tmp_path: Path) -> None:
    folders = unit(tmp_path, tmp_path / "config.yaml")

    found = service_findings([Need("path", "/home/x")], tmp_path / "other.yaml", folders=folders)

    assert all(finding.ok for finding in found)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can try what another user may")
def test_root_finds_out_what_the_daemons_user_may_not(tmp_path: Path) -> None:
    for folder in (tmp_path, *tmp_path.parents):
        if folder.owner() == "root" and not folder.stat().st_mode & 0o001:
            folder.chmod(0o755)
    file = tmp_path / "config.yaml"
    file.write_text("")
    private, public = tmp_path / "private", tmp_path / "public"
    private.mkdir(mode=0o700)
    public.mkdir()
    public.chmod(0o777)
    folders = unit(tmp_path, file, "ProtectSystem=no")
    needs = [
        Need("path", str(private)),
        Need("done", str(public / "not-made-yet")),
        Need("file", str(file), writes=False),
    ]

    (barred,) = [finding for finding in service_findings(needs, file, folders=folders) if not finding.ok]
    private.chmod(0o777)
    mended = service_findings(needs, file, folders=folders)

    assert f"the daemon's user nobody may not read or write: {private} (path)" in barred.message
    assert "setfacl" in (barred.mend or "")
    assert all(finding.ok for finding in mended)
    assert "nobody may read and write everything" in mended[-1].message


# --------------------------------------------------------------------------------- system and people


def configuration(tmp_path: Path, **more: Any) -> Configuration:
    (tmp_path / "employees.csv").write_text("email,user_code\na@corp.example,1\n")
    (tmp_path / "inbox").mkdir(exist_ok=True)
    section: dict[str, Any] = {
        "journal": "sqlite:///journal.db",
        "recognition": {"url": "http://127.0.0.1:1/"},
        "stores": {"default": {"type": "objects", "service": "fs", "options": {"root": str(tmp_path / "store")}}},
        "directory": {"file": "employees.csv", "delegates": ["a@corp.example", "b@corp.example"]},
        "folders": [{"name": "shared", "path": "inbox", "done": "inbox/done/{yyyy}", "error": str(tmp_path / "error")}],
    }
    return load(written(tmp_path, yaml.safe_dump(section | more)))


def test_everything_that_is_read_or_written_is_among_the_needs(tmp_path: Path) -> None:
    (tmp_path / "journal.db").touch()
    (tmp_path / "secret").write_text("x")
    http = {"url": "https://hr.example/{address}", "headers": {"X-Key": {"file": "secret"}}}
    given = configuration(tmp_path, directory={"file": "employees.csv", "http": http})

    needs = needs_of(given, tmp_path / "config.yaml")

    assert {(need.what, need.path.removeprefix(f"{tmp_path}"), need.writes) for need in needs} == {
        ("the configuration", "/config.yaml", False),
        ("a file that it names", "/employees.csv", False),
        ("a file that it names", "/secret", False),
        ("the journal's folder", "", True),
        ("journal", "/journal.db", True),
        ("path of the folder shared", "/inbox", True),
        ("done of the folder shared", "/inbox/done", True),
        ("error of the folder shared", "/error", True),
        ("root of the store default", "/store", True),
    }


@pytest.mark.parametrize("name", [f"{'x' * 300}.db", f"{'x' * 300}/journal.db"], ids=["file", "folder"])
def test_a_journal_whose_name_is_too_long_is_no_file_that_is_there(tmp_path: Path, name: str) -> None:
    given = configuration(tmp_path, journal=f"sqlite:///{name}")

    needs = needs_of(given, tmp_path / "config.yaml")

    assert [need.what for need in needs if "journal" in need.what] == ["the journal's folder"]


def test_folders_and_delegates_that_the_directory_does_not_know_are_told(tmp_path: Path) -> None:
    for name in ("1", "2", "done", ".hidden"):
        (tmp_path / "inbox" / name).mkdir(parents=True)
    given = configuration(tmp_path)
    directory = FileDirectory(given.directory)

    (delegates,) = delegate_findings(given, directory)
    (folders,) = subfolder_findings(given, directory)

    assert delegates.warning
    assert delegates.message.endswith(": b@corp.example")
    assert (folders.subject, folders.warning) == ("folder shared", True)
    assert folders.message.endswith(": 2")


@pytest.mark.parametrize(
    ("links", "folders", "wrong"),
    [
        ({"out": "inbox"}, [{"path": "inbox", "done": "out"}], ["folder f0: done"]),
        ({"out": "."}, [{"path": "inbox", "done": "done"}, {"path": "out/inbox"}], ["folder f1: path"]),
        ({"out": "inbox"}, [{"path": "inbox"}, {"path": "out/sub"}], ["folder f1: path"]),
        ({"store": "inbox/sub"}, [{"path": "inbox"}], ["store default: root"]),
        ({"out": "inbox/done"}, [{"path": "inbox", "done": "out/{yyyy}"}], []),
        ({"inbox/out": "elsewhere"}, [{"path": "inbox", "done": "inbox/out"}], []),
    ],
)
def test_folders_in_one_another_are_found_where_links_lead(
    tmp_path: Path, links: dict[str, str], folders: list[dict[str, str]], wrong: list[str]
) -> None:
    for name in ("inbox/sub", "inbox/done", "elsewhere"):
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
    for name, goal in links.items():
        (tmp_path / name).symlink_to(tmp_path / goal)
    store = {"type": "objects", "service": "fs", "options": {"root": str(tmp_path / "store")}}
    named = [{"name": f"f{number}", **folder} for number, folder in enumerate(folders)]
    given = configuration(tmp_path, folders=named, stores={"default": store})

    found = [
        finding for finding in findings(given, KnownSecrets(), tmp_path / "c.yaml") if "links lead" in finding.message
    ]

    assert [f"{finding.subject}: {finding.message.split(',')[0]}" for finding in found] == wrong
    assert all(not finding.ok and finding.mend for finding in found)


def test_too_few_files_and_too_little_room_for_temporary_ones_are_told(tmp_path: Path) -> None:
    recognition = {"url": "http://127.0.0.1:1/", "concurrency": 1024}
    limits = {"submission": "900GB", "document": "20MB"}
    versions, *wrong = machine_findings(configuration(tmp_path, recognition=recognition, limits=limits))
    small = machine_findings(configuration(tmp_path))

    assert "Python 3." in versions.message
    assert "temporary files" in wrong[-1].message
    assert "TMPDIR" in (wrong[-1].mend or "")
    assert not any("files open" in finding.message for finding in small)
