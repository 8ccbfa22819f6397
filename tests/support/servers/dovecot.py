"""Dovecot 2.3: a real IMAP server, rootless, with a maildir for whoever logs in."""

from __future__ import annotations

import contextlib
import grp
import imaplib
import json
import re
import secrets
import signal
import subprocess
import threading
import urllib.parse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

from imap_tools.imap_utf7 import utf7_decode, utf7_encode

from tests.support.servers.certificates import make_certificate
from tests.support.servers.process import (
    LOOPBACK,
    MissingProgram,
    Process,
    Served,
    accepts,
    as_servant,
    free_port,
    hand_over,
    program,
    servant,
    served_folder,
)

PASSWORD = "secret"

# What Dovecot 2.3 offers after the login; IMAP has no way to ask it for what is left when something is switched off.
CAPABILITIES = """
    IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE SORT SORT=DISPLAY THREAD=REFERENCES THREAD=REFS
    THREAD=ORDEREDSUBJECT MULTIAPPEND URL-PARTIAL CATENATE UNSELECT CHILDREN NAMESPACE UIDPLUS LIST-EXTENDED
    I18NLEVEL=1 CONDSTORE QRESYNC ESEARCH ESORT SEARCHRES WITHIN CONTEXT=SEARCH LIST-STATUS BINARY MOVE
    SNIPPET=FUZZY PREVIEW=FUZZY PREVIEW STATUS=SIZE SAVEDATE LITERAL+ NOTIFY SPECIAL-USE
"""

_CONFIGURATION = """
protocols = imap
listen = {host}
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
disable_plaintext_auth = no
auth_mechanisms = {mechanisms}
auth_failure_delay = 0
mail_max_userip_connections = 1000
mail_location = maildir:~/Maildir:LAYOUT=fs
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{key}
namespace inbox {{
  inbox = yes
  separator = {separator}
}}
{oauth2}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail/%u
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service imap-login {{
  chroot =
  service_count = 0
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
protocol imap {{
  imap_capability = {capabilities}
}}
"""

_OAUTH2 = """
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {folder}/oauth2.conf
}}
"""


class Message(NamedTuple):
    """What a mailbox has: flags without their order, keywords among them."""

    uid: int
    flags: frozenset[str]
    raw: bytes


class Dovecot(Served):
    """An IMAP server where every user exists and has the same `password`.

    `port` speaks plainly and STARTTLS, `tls_port` TLS from the start, by a certificate of `ca_file`.
    `without` are capabilities that are not offered; `oauth2` adds XOAUTH2, with tokens of `grant`.
    """

    def __init__(
        self, *, without: Sequence[str] = (), oauth2: bool = False, separator: str = "/", password: str = PASSWORD
    ) -> None:
        self._password = password
        self._program = _dovecot_2_3()
        self.host = LOOPBACK
        self.port = free_port()
        self.tls_port = free_port()
        self.folder = served_folder("dovecot")
        self._certificate = make_certificate(self.folder)
        self.ca_file = self._certificate.ca_file
        self._without = {name.upper() for name in without}
        self._tokens = TokenInfo() if oauth2 else None
        self._separator = separator
        self._process: Process | None = None
        self._configure()

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        if self._tokens is not None:
            self._tokens.close()

    def start(self) -> None:
        """Serve, on the same ports and with the same mail as before."""
        command = as_servant([str(self._program), "-F", "-c", str(self.folder / "dovecot.conf")])
        self._process = Process(command, log=self.folder / "output.log")
        self._process.wait_until(lambda: accepts(self.port) and accepts(self.tls_port))

    def stop(self) -> None:
        """Close every connection and serve no more; mail is kept until the end of the `with`."""
        if self._process is not None:
            self._process.stop()
        self._process = None

    @contextlib.contextmanager
    def silent(self) -> Iterator[None]:
        """Be connected, but say nothing until the end of the block."""
        assert self._process is not None, "this server is not started"
        self._process.signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.signal(signal.SIGCONT)

    def account(self) -> Account:
        """A new, empty one."""
        return Account(server=self, username=f"user-{secrets.token_hex(4)}@example.com", password=self._password)

    def grant(self, username: str, token: str | None = None) -> str:
        """A new access token for XOAUTH2, or this one."""
        assert self._tokens is not None, "this server was started without oauth2"
        return self._tokens.grant(username, token)

    def revoke(self, token: str) -> None:
        """Let a token be refused from now on."""
        assert self._tokens is not None, "this server was started without oauth2"
        self._tokens.revoke(token)

    @property
    def said(self) -> str:
        """The server's log."""
        return (self.folder / "dovecot.log").read_text(errors="replace")

    def _configure(self) -> None:
        user = servant()
        for name in ("mail", "run", "state"):
            (self.folder / name).mkdir()
            hand_over(self.folder / name)
        if self._tokens is not None:
            self._write("oauth2.conf", f"tokeninfo_url = {self._tokens.url}\nusername_attribute = email\n")
        self._write("dovecot.conf", _CONFIGURATION.format(
            host=self.host, folder=self.folder, port=self.port, tls_port=self.tls_port, user=user.pw_name,
            group=grp.getgrgid(user.pw_gid).gr_name, uid=user.pw_uid, gid=user.pw_gid, password=self._password,
            certificate=self._certificate.certificate, key=self._certificate.key, separator=self._separator,
            mechanisms="plain login xoauth2 oauthbearer" if self._tokens else "plain login",
            oauth2=_OAUTH2.format(folder=self.folder) if self._tokens else "",
            capabilities=" ".join(name for name in CAPABILITIES.split() if name not in self._without),
        ))  # fmt: skip

    def _write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.write_text(text)
        hand_over(path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A user of the server, seen by the test itself through plain imaplib."""

    server: Dovecot
    username: str
    password: str

    @contextlib.contextmanager
    def connection(self) -> Iterator[imaplib.IMAP4]:
        """A session of the test's own."""
        with imaplib.IMAP4(self.server.host, self.server.port, timeout=30) as imap:
            imap.login(self.username, self.password)
            yield imap

    def append(
        self, raw: bytes, folder: str = "INBOX", flags: Sequence[str] = (), received_at: datetime | None = None
    ) -> int:
        """Put a mail into a folder, which is made where it lacks; returns its UID."""
        with self.connection() as imap:
            if folder.upper() != "INBOX":
                imap.create(_quoted(folder))  # NO where it exists
            date = imaplib.Time2Internaldate(received_at) if received_at else ""
            data = _ok(imap.append(_quoted(folder), f"({' '.join(flags)})", date, raw))
        found = re.search(rb"APPENDUID \d+ (\d+)", data[0])
        assert found, f"no APPENDUID in {data[0]!r}"
        return int(found[1])

    def messages(self, folder: str = "INBOX") -> list[Message]:
        """What is in a folder, by UID; nothing of it is marked as seen. A folder that is not there has nothing."""
        with self.connection() as imap:
            if imap.select(_quoted(folder), readonly=True)[0] != "OK":
                return []
            data = _ok(imap.uid("FETCH", "1:*", "(UID FLAGS BODY.PEEK[])"))
        return [_message(part[0], part[1]) for part in data if isinstance(part, tuple)]

    def attributes(self, items: str, folder: str = "INBOX") -> list[bytes]:
        """A line of FETCH for each mail of a folder; none where there is no such folder."""
        with self.connection() as imap:
            if imap.select(_quoted(folder), readonly=True)[0] != "OK":
                return []
            data = _ok(imap.uid("FETCH", "1:*", items))
        return [line for line in data if isinstance(line, bytes)]

    def folders(self) -> list[str]:
        """The names of all folders, decoded."""
        with self.connection() as imap:
            lines = _ok(imap.list())
        return sorted(_folder_name(line) for line in lines if line)

    def create(self, folder: str) -> None:
        with self.connection() as imap:
            _ok(imap.create(_quoted(folder)))

    def rename(self, folder: str, name: str) -> None:
        with self.connection() as imap:
            _ok(imap.rename(_quoted(folder), _quoted(name)))

    def remove(self, folder: str) -> None:
        """With all that is in it."""
        with self.connection() as imap:
            _ok(imap.delete(_quoted(folder)))

    def move(self, uid: int, folder: str, target: str) -> None:
        """What a person does who drags a mail elsewhere."""
        self._on(folder, "MOVE", str(uid), _quoted(target))

    def flag(self, uid: int, *flags: str, folder: str = "INBOX") -> None:
        """Add flags and keywords."""
        self._on(folder, "STORE", str(uid), "+FLAGS", f"({' '.join(flags)})")

    def delete(self, uid: int, folder: str = "INBOX") -> None:
        self._on(folder, "STORE", str(uid), "+FLAGS", r"(\Deleted)")
        self._on(folder, "EXPUNGE", str(uid))

    def _on(self, folder: str, command: str, *arguments: str) -> None:
        with self.connection() as imap:
            _ok(imap.select(_quoted(folder)))
            _ok(imap.uid(command, *arguments))


class TokenInfo:
    """The tokeninfo endpoint that Dovecot asks whose an access token is."""

    def __init__(self) -> None:
        tokens: dict[str, str] = {}

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
                owner = tokens.get(query.get("access_token", [""])[0])
                body = json.dumps({"email": owner} if owner else {"error": "invalid_token"}).encode()
                self.send_response(200 if owner else 401)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
                """Nothing: the test's output is for the test."""

        self._tokens = tokens
        self._server = ThreadingHTTPServer((LOOPBACK, 0), Answer)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        self.url = f"http://{LOOPBACK}:{self._server.server_port}/tokeninfo?access_token="

    def grant(self, username: str, token: str | None = None) -> str:
        token = token or secrets.token_hex(16)
        self._tokens[token] = username
        return token

    def revoke(self, token: str) -> None:
        self._tokens.pop(token, None)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _dovecot_2_3() -> Path:
    found = program("dovecot", "dovecot-imapd")
    program("imap", "dovecot-imapd", Path("/usr/lib/dovecot"), Path("/usr/libexec/dovecot"))
    version = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout
    if not version.startswith("2.3."):
        raise MissingProgram("Dovecot 2.3", "dovecot-imapd")
    return found


def _quoted(folder: str) -> str:
    escaped = utf7_encode(folder).decode("ascii").replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _folder_name(line: bytes | tuple[bytes, bytes]) -> str:
    if isinstance(line, tuple):  # a name that came as a literal
        return utf7_decode(line[1])
    found = re.fullmatch(rb'\([^)]*\) (?:"(?:\\.|[^"])*"|NIL) (?:"((?:\\.|[^"])*)"|(\S+))', line)
    assert found, f"not an answer to LIST: {line!r}"
    return utf7_decode(found[2] or re.sub(rb"\\(.)", rb"\1", found[1]))


def _message(head: bytes, raw: bytes) -> Message:
    uid = re.search(rb"UID (\d+)", head)
    flags = re.search(rb"FLAGS \(([^)]*)\)", head)
    assert uid, f"no UID in {head!r}"
    assert flags, f"no FLAGS in {head!r}"
    return Message(int(uid[1]), frozenset(flags[1].decode("ascii").split()) - {r"\Recent"}, raw)


def _ok(answer: tuple[str, list[Any]]) -> list[Any]:
    status, data = answer
    assert status == "OK", f"the server said {status}: {data!r}"
    return data
