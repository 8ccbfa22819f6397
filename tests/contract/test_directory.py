"""What every ports.Directory promises, wherever it looks."""

from __future__ import annotations

import http.server
import json
import threading
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.servers import slapd
from tests.support.servers.process import free_port
from watcher.bootstrap.adapters import build_directory
from watcher.config.sections import Directory as Section
from watcher.errors import DirectoryUnavailable
from watcher.model import Person
from watcher.ports import Directory

PEOPLE = [
    ("li", "li@corp.example", "903851", "zh-CN"),
    ("smith", "smith@corp.example", "000042", "en"),
    ("guest", "guest@corp.example", "", ""),
]
DELEGATE = "assistant@corp.example"


@dataclass(frozen=True, slots=True)
class Subject:
    """A directory that knows Li and Smith, and one of the same kind that cannot be reached."""

    directory: Directory
    broken: Directory


class _Service(http.server.BaseHTTPRequestHandler):
    """GET /by-mail/ADDRESS, with a header that must be there."""

    def do_GET(self) -> None:
        address = urllib.parse.unquote(self.path.removeprefix("/by-mail/"))
        found = next((person for person in PEOPLE if person[1] == address), None)
        status, body = (200, {"data": {"code": found[2] or None, "lang": found[3]}}) if found else (404, {})
        if self.headers["X-Key"] != "the key":
            status, body = 403, {}
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class' name
        pass


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Service) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/by-mail/{{address}}"
        server.shutdown()


@pytest.fixture(scope="module")
def ldap() -> Iterator[slapd.Slapd]:
    with slapd.Slapd(PEOPLE) as server:
        yield server


def _opened(**section: Any) -> Directory:
    return build_directory(Section.model_validate({"delegates": [DELEGATE], **section}))


def _ldap(url: str, **changes: Any) -> dict[str, Any]:
    return {"url": url, "bind_dn": slapd.READER, "password": slapd.PASSWORD, "base": slapd.BASE, **changes}


@pytest.fixture(params=["file", "http", "ldap"])
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Subject:
    nowhere = f"127.0.0.1:{free_port()}"
    if request.param == "file":
        path = tmp_path / "employees.csv"
        rows = "".join(f"{mail},{code},{uid},{language}\n" for uid, mail, code, language in PEOPLE if code)
        path.write_text("email,user_code,name,language\n" + rows)
        return Subject(_opened(file=path), _opened(file=tmp_path / "missing.csv"))
    if request.param == "http":
        url = request.getfixturevalue("service")
        broken = {"url": f"http://{nowhere}/{{address}}"}
        return Subject(_opened(http={"url": url, "headers": {"X-Key": "the key"}}), _opened(http=broken))
    server = request.getfixturevalue("ldap")
    return Subject(_opened(ldap=_ldap(server.url)), _opened(ldap=_ldap(f"ldap://{nowhere}")))


def test_an_employee_is_found_by_address_whatever_its_case(subject: Subject) -> None:
    for address in ("li@corp.example", "LI@Corp.Example", " li@corp.example "):
        person = subject.directory.by_address(address)

        assert person is not None
        assert (person.user_code, person.language) == ("903851", "zh")


def test_an_employee_number_keeps_its_zeros(subject: Subject) -> None:
    person = subject.directory.by_address("smith@corp.example")

    assert person is not None
    assert person.user_code == "000042"


@pytest.mark.parametrize(
    "address",
    ["nobody@corp.example", "guest@corp.example", "*", "", "li@corp.example/../smith@corp.example", "l*@corp.example",
     "li@corp.example)(uid=*", "xli@corp.example", "li@corp.example?x=1", "镕@corp.example", "../li@corp.example",
     "x/../li@corp.example", "..%2fli@corp.example", "%6ci@corp.example", "#/../li@corp.example", "li@corp.example#x",
     "x&mail=li@corp.example", "li\\2a@corp.example", "li@corp.example\\00", "*)(mail=li@corp.example",
     "li@corp.example\0", "li @corp.example", "\uff4ci@corp.example"],
)  # fmt: skip
def test_whom_it_does_not_have_is_nobody(subject: Subject, address: str) -> None:
    assert subject.directory.by_address(address) is None


def test_unknown_codes_and_logins_are_nobody(subject: Subject) -> None:
    assert subject.directory.by_code("1") is None
    assert subject.directory.by_login("root") is None


def test_delegates_are_those_of_the_configuration(subject: Subject) -> None:
    assert subject.directory.may_submit_for_others(DELEGATE.upper())
    assert not subject.directory.may_submit_for_others("li@corp.example")


def test_where_it_cannot_be_told_it_is_not_guessed(subject: Subject) -> None:
    with pytest.raises(DirectoryUnavailable):
        subject.broken.by_address("li@corp.example")


def test_check_tells_whether_it_can_be_used(subject: Subject) -> None:
    assert all(finding.ok for finding in subject.directory.check())
    assert [finding.ok for finding in subject.broken.check() if not finding.ok and finding.mend] == [False]


# ---------------------------------------------------------------------- what one kind adds


def test_the_file_and_the_rules_come_before_a_service(service: str, tmp_path: Path) -> None:
    path = tmp_path / "employees.csv"
    path.write_text("email,user_code\nli@corp.example,1\n")
    directory = _opened(
        file=path,
        rules=[{"match": "(smith)@corp.example", "user_code": r"\1"}],
        http={"url": service, "headers": {"X-Key": "wrong"}},
    )

    assert directory.by_address("li@corp.example") == Person(user_code="1")
    assert directory.by_address("smith@corp.example") == Person(user_code="smith")
    with pytest.raises(DirectoryUnavailable, match="HTTP 403"):
        directory.by_address("new@corp.example")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"password": "wrong"}, "refuses the login"),
        ({"base": "ou=none,dc=corp,dc=example"}, "no entry of that base"),
        ({"filter": "(mail={address}"}, "failed"),
    ],
)
def test_an_ldap_section_that_is_wrong_is_told(ldap: slapd.Slapd, changes: dict[str, Any], told: str) -> None:
    directory = _opened(ldap=_ldap(ldap.url, **changes))

    with pytest.raises(DirectoryUnavailable, match=told):
        directory.by_address("li@corp.example")
    assert told in next(finding.message for finding in directory.check() if not finding.ok)


def test_an_ldap_server_with_a_certificate_of_an_unknown_authority_is_not_believed(ldap: slapd.Slapd) -> None:
    with pytest.raises(DirectoryUnavailable):
        _opened(ldap=_ldap(ldap.tls_url)).by_address("li@corp.example")


def test_an_address_of_two_employees_belongs_to_nobody(ldap: slapd.Slapd) -> None:
    directory = _opened(ldap=_ldap(ldap.url, filter="(|(mail={address})(uid=smith))"))

    assert directory.by_address("li@corp.example") is None
