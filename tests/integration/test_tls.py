"""No client speaks to a server that is not who it says, and each believes a private authority by its `ca_file`."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.support.raw_server import RawServer, answer
from tests.support.servers.certificates import Certificate, another_certificate, make_certificate
from tests.support.servers.slapd import BASE, PASSWORD, READER, Slapd
from watcher.bootstrap.adapters import build_adapters, build_directory
from watcher.config.sections import Auth, Configuration, Directory, HttpStore, Mailbox, Recognition, Smtp
from watcher.errors import ConfigurationError
from watcher.model import Finding
from watcher.recognition.client import HttpRecogniser
from watcher.recognition.token import TokenSource
from watcher.replies.mailer import SmtpMailer
from watcher.secrecy import KnownSecrets
from watcher.sources.mailbox import MailboxSource
from watcher.stores.upload import HttpStore as UploadStore

CANARY = "what only the right server may see"
BODY = {"resCode": 200000, "data": {"access_token": "t", "code": "1", "attachment_url": "https://files.example/a"}}

Check = Callable[[int, Path | None], list[Finding]]
Offer = Callable[[socket.socket], None]


# ------------------------------------------------------------------------------------ the clients


def _recognition(port: int, ca_file: Path | None) -> list[Finding]:
    headers = {"X-Key": CANARY.replace(" ", "-")}
    section = Recognition.model_validate({"url": f"https://localhost:{port}/", "headers": headers, "ca_file": ca_file})
    client = HttpRecogniser(section, timezone=ZoneInfo("UTC"), token=None)
    try:
        return client.check()
    finally:
        client.close()


def _token(port: int, ca_file: Path | None) -> list[Finding]:
    given = {"token_url": f"https://localhost:{port}/", "client_id": "us", "client_secret": CANARY}
    section = Recognition.model_validate({"url": "http://127.0.0.1:9/", "auth": given})
    token = TokenSource(Auth.model_validate(given), ca_file=ca_file)
    client = HttpRecogniser(section, timezone=ZoneInfo("UTC"), token=token)
    try:
        return client.check()[:1]
    finally:
        client.close()
        token.close()


def _store(port: int, ca_file: Path | None) -> list[Finding]:
    section = HttpStore.model_validate({"type": "http", "url": f"https://localhost:{port}/", "ca_file": ca_file})
    store = UploadStore("platform", section, token=None)
    try:
        return store.check()
    finally:
        store.close()


def _http_directory(port: int, ca_file: Path | None) -> list[Finding]:
    url = f"https://localhost:{port}/{{address}}"
    http = {"url": url, "headers": {"X-Key": CANARY.replace(" ", "-")}, "ca_file": ca_file}
    return build_directory(Directory.model_validate({"http": http})).check()[-1:]


def _ldap(port: int, ca_file: Path | None) -> list[Finding]:
    ldap = {"url": f"ldaps://localhost:{port}", "bind_dn": READER, "password": CANARY, "base": BASE, "ca_file": ca_file}
    return build_directory(Directory.model_validate({"ldap": ldap})).check()[-1:]


def _imap(port: int, ca_file: Path | None, *, tls: str, **login: Any) -> list[Finding]:
    given = {"name": "m", "host": "localhost", "port": port, "tls": tls, "username": "us", "ca_file": ca_file}
    given |= login or {"password": CANARY}
    source = MailboxSource(Mailbox.model_validate(given), own_addresses=[], timeout_seconds=5)
    try:
        return source.check()
    finally:
        source.close()


def _smtp(port: int, ca_file: Path | None, *, tls: str) -> list[Finding]:
    given = {"host": "localhost", "port": port, "tls": tls, "username": "us", "password": CANARY, "ca_file": ca_file}
    mailer = SmtpMailer(Smtp.model_validate({**given, "from": "us@corp.example"}), timeout_seconds=5)
    try:
        return mailer.check()
    finally:
        mailer.close()


def _oauth(imap_port: int, port: int, ca_file: Path | None) -> list[Finding]:
    oauth2 = {"token_url": f"https://localhost:{port}/", "client_id": "us", "client_secret": CANARY, "ca_file": ca_file}
    return _imap(imap_port, None, tls="none", oauth2=oauth2)


# ------------------------------------------------------------------------------------ the servers


def _at_once(connection: socket.socket) -> None:
    """TLS from the first byte."""


def _by_imap(connection: socket.socket) -> None:
    connection.sendall(b"* OK [CAPABILITY IMAP4rev1 STARTTLS] hello\r\n")
    while command := connection.recv(1000):
        tag, verb = command.split()[:2]
        if verb == b"CAPABILITY":
            connection.sendall(b"* CAPABILITY IMAP4rev1 STARTTLS\r\n")
        connection.sendall(tag + b" OK done\r\n")
        if verb == b"STARTTLS":
            return


def _by_smtp(connection: socket.socket) -> None:
    connection.sendall(b"220 hello\r\n")
    while command := connection.recv(1000):
        if command.startswith(b"STARTTLS"):
            connection.sendall(b"220 go on\r\n")
            return
        connection.sendall(b"250-hello\r\n250 STARTTLS\r\n")


def _serving(offer: Offer, context: ssl.SSLContext) -> RawServer:
    """Any of the servers; what it is told over TLS is in its `requests`."""

    def behave(connection: socket.socket, server: RawServer) -> None:
        offer(connection)
        with context.wrap_socket(connection.dup(), server_side=True) as secured:
            heard = secured.recv(4096)
            server.requests.append(heard)
            if b"HTTP/1.1" in heard:
                secured.sendall(answer(json.dumps(BODY).encode(), headers="Content-Type: application/json\r\n"))

    return RawServer(behave)


CLIENTS: dict[str, tuple[Check, Offer, str]] = {
    "recognition": (_recognition, _at_once, "recognition.ca_file"),
    "token": (_token, _at_once, "recognition.ca_file"),
    "store": (_store, _at_once, "stores.platform.ca_file"),
    "directory.http": (_http_directory, _at_once, "directory.http.ca_file"),
    "directory.ldap": (_ldap, _at_once, "directory.ldap.ca_file"),
    "imap": (partial(_imap, tls="implicit"), _at_once, "ca_file"),
    "imap with STARTTLS": (partial(_imap, tls="starttls"), _by_imap, "ca_file"),
    "smtp": (partial(_smtp, tls="implicit"), _at_once, "smtp.ca_file"),
    "smtp with STARTTLS": (partial(_smtp, tls="starttls"), _by_smtp, "smtp.ca_file"),
}
OVER_HTTP = ("recognition", "token", "store", "directory.http")


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def contexts(good: Certificate) -> dict[str, ssl.SSLContext]:
    old = good.server_context()
    old.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    other = another_certificate(good, "other", host="other.example")
    expired = another_certificate(good, "expired", host="localhost", expired=True)
    return {
        "good": good.server_context(),
        "for another host": other.server_context(),
        "expired": expired.server_context(),
        "of an old TLS": old,
    }


@pytest.mark.parametrize(
    ("check", "greeting", "told"),
    [
        (partial(_imap, tls="implicit"), b"* OK hello\r\n", "the server speaks no TLS at this port; see port and tls"),
        (partial(_smtp, tls="implicit"), b"220 hello\r\n", "it speaks no TLS at this port"),
    ],
    ids=["imap", "smtp"],
)
def test_a_server_that_greets_in_plain_text_where_tls_is_wanted_is_told_as_that(
    check: Check, greeting: bytes, told: str
) -> None:
    def greet(connection: socket.socket, _server: RawServer) -> None:
        connection.sendall(greeting)
        while connection.recv(1000):
            pass

    with RawServer(greet) as server:
        (finding,) = check(server.port, None)

    assert (finding.ok, finding.message.endswith(told)) == (False, True), finding
    assert "tls" in str(finding.mend)


@pytest.mark.parametrize("name", OVER_HTTP)
def test_a_private_authority_is_believed_by_its_ca_file(
    name: str, good: Certificate, contexts: dict[str, ssl.SSLContext]
) -> None:
    check, offer, _ = CLIENTS[name]
    with _serving(offer, contexts["good"]) as server:
        (finding,) = check(server.port, good.ca_file)

        assert finding.ok, finding
        assert server.requests


@pytest.mark.parametrize("name", CLIENTS)
@pytest.mark.parametrize("fault", ["of an unknown authority", "for another host", "expired"])
def test_a_certificate_that_proves_nothing_is_refused_and_check_says_what_to_do(
    name: str, fault: str, good: Certificate, contexts: dict[str, ssl.SSLContext]
) -> None:
    check, offer, mend = CLIENTS[name]
    ca_file = None if fault == "of an unknown authority" else good.ca_file
    with _serving(offer, contexts.get(fault, contexts["good"])) as server:
        (finding,) = check(server.port, ca_file)

        assert not finding.ok
        assert "certificate is not trusted" in finding.message
        assert {"for another host": "mismatch", "expired": "expired"}.get(fault, "unable to get") in finding.message
        assert mend in f"{finding.mend} {finding.message}"
    assert not any(server.requests)


@pytest.mark.parametrize("name", CLIENTS)
def test_less_than_tls_1_2_is_refused(name: str, good: Certificate, contexts: dict[str, ssl.SSLContext]) -> None:
    check, offer, _ = CLIENTS[name]
    with _serving(offer, contexts["of an old TLS"]) as server:
        (finding,) = check(server.port, good.ca_file)

        assert not finding.ok
    assert not any(server.requests)


# --------------------------------------------------------------------------------------- STARTTLS


def _plainly_imap(connection: socket.socket, server: RawServer) -> None:
    connection.sendall(b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hello\r\n")
    while command := connection.recv(1000):
        server.requests.append(command)
        connection.sendall(b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n" + command.split()[0] + b" OK done\r\n")


def _known_already(connection: socket.socket, server: RawServer) -> None:
    connection.sendall(b"* PREAUTH [CAPABILITY IMAP4rev1 STARTTLS] you are known\r\n")
    while command := connection.recv(1000):
        server.requests.append(command)
        connection.sendall(b"* CAPABILITY IMAP4rev1 STARTTLS\r\n" + command.split()[0] + b" OK done\r\n")


def _plainly_smtp(connection: socket.socket, server: RawServer) -> None:
    connection.sendall(b"220 hello\r\n")
    while command := connection.recv(1000):
        server.requests.append(command)
        connection.sendall(b"250-hello\r\n250 AUTH PLAIN LOGIN\r\n")


@pytest.mark.parametrize(
    ("check", "behave"),
    [(_imap, _plainly_imap), (_imap, _known_already), (_smtp, _plainly_smtp)],
    ids=["IMAP without STARTTLS", "IMAP that says we are logged in", "SMTP without STARTTLS"],
)
def test_where_starttls_is_stripped_nothing_secret_is_said(check: Any, behave: Any) -> None:
    with RawServer(behave) as server:
        (finding,) = check(server.port, None, tls="starttls")

        assert not finding.ok
    said = b"".join(server.requests).upper()
    assert not any(word in said for word in (b"LOGIN", b"AUTH", b"SELECT", b"MAIL FROM", CANARY.upper().encode()))


# ------------------------------------------------------------------------------------- the others


def test_an_ldap_server_of_a_private_authority_is_believed_by_its_ca_file() -> None:
    with Slapd([("li", "li@corp.example", "903851", "zh")]) as server:
        ldap = {"url": server.tls_url, "bind_dn": READER, "password": PASSWORD, "base": BASE, "ca_file": server.ca_file}
        person = build_directory(Directory.model_validate({"ldap": ldap})).by_address("li@corp.example")

        assert person is not None
        assert person.user_code == "903851"


def test_the_token_server_of_a_mailbox_has_a_ca_file_of_its_own(
    good: Certificate, contexts: dict[str, ssl.SSLContext]
) -> None:
    with RawServer(_plainly_imap) as imap, _serving(_at_once, contexts["good"]) as server:
        (finding,) = _oauth(imap.port, server.port, None)
        assert "certificate is not trusted" in finding.message
        assert "oauth2.ca_file" in finding.message
        assert not any(server.requests)

        _oauth(imap.port, server.port, good.ca_file)
        assert any(server.requests)


def test_a_password_in_netrc_reaches_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, contexts: dict[str, ssl.SSLContext], good: Certificate
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine localhost login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    for name in OVER_HTTP:
        with _serving(_at_once, contexts["good"]) as server:
            CLIENTS[name][0](server.port, good.ca_file)
        assert server.requests
        assert b"authorization" not in b"".join(server.requests).lower(), name


_OBJECTS = """
import sys
from watcher.config.sections import ObjectsStore as Section
from watcher.stores.objects import ObjectsStore
options = {"bucket": "b", "region": "r", "endpoint": sys.argv[1], "access_key_id": "k", "secret_access_key": "s"}
section = {"type": "objects", "service": "s3", "options": options | {"disable_config_load": "true"}}
(finding,) = ObjectsStore("default", Section.model_validate(section)).check()
print(finding.message, finding.mend)
"""


@pytest.mark.parametrize("named", [True, False])
def test_an_object_store_of_a_private_authority_is_believed_by_ssl_cert_file(
    named: bool, good: Certificate, contexts: dict[str, ssl.SSLContext]
) -> None:
    environment = {**os.environ, **({"SSL_CERT_FILE": str(good.ca_file)} if named else {})}
    with _serving(_at_once, contexts["good"]) as server:
        command = [sys.executable, "-c", _OBJECTS, f"https://localhost:{server.port}"]
        said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

        assert bool(server.requests) == named
    assert ("certificate" not in said) if named else ("UnknownIssuer" in said and "$SSL_CERT_FILE" in said)


def _endpoint_alone(url: str) -> Configuration:
    stores = {"default": {"type": "resolve", "base_url": "https://files.example.com/"}}
    return Configuration.model_validate(
        {"journal": "sqlite:////nowhere/j.db", "recognition": {"url": url}, "stores": stores}
    )


def test_authorities_of_the_environment_that_cannot_be_used_are_told_before_the_daemon_is_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "missing.pem"))

    with pytest.raises(ConfigurationError, match=r"recognition: ca_file .*missing\.pem cannot be used"):
        build_adapters(_endpoint_alone("https://openapi.example.com/ocr"), KnownSecrets())


def test_authorities_are_not_asked_for_where_nothing_is_encrypted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "missing.pem"))

    adapters = build_adapters(_endpoint_alone("http://127.0.0.1:9/ocr"), KnownSecrets())

    assert adapters.recogniser.endpoint == "http://127.0.0.1:9/ocr"
