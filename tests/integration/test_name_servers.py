"""TXT records from a real name server on the loopback interface."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import dns.flags
import dns.message
import dns.rcode
import dns.resolver
import dns.rrset
import pytest

from watcher.errors import DirectoryUnavailable
from watcher.people.names import look_up_text

RECORDS = {
    "one._domainkey.corp.example.": ['"v=DKIM1; p=" "abc"'],
    "several._domainkey.corp.example.": ['"a note"', '"v=DKIM1; p=abc"'],
    "_dmarc.corp.example.": ['"v=spf1 -all"', '"v=DMARC1; p=none"'],
    "two._domainkey.corp.example.": ['"v=DKIM1; p=abc"', '"v=DKIM1; p=def"'],
}
ALIASES = {
    "alias._domainkey.corp.example.": "one._domainkey.corp.example.",
    "dangling._domainkey.corp.example.": "none._domainkey.corp.example.",
    "circle._domainkey.corp.example.": "circle._domainkey.corp.example.",
}


def _answer(query: dns.message.Message) -> dns.message.Message | None:
    name = query.question[0].name.to_text()
    answer = dns.message.make_response(query)
    answer.flags |= dns.flags.RA
    for _ in range(20):
        if name not in ALIASES:
            break
        answer.answer.append(dns.rrset.from_text(name, 60, "IN", "CNAME", ALIASES[name]))
        name = ALIASES[name]
    if name in RECORDS:
        answer.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", *RECORDS[name]))
    elif name.startswith("silent."):
        return None
    elif name.startswith("broken."):
        answer.set_rcode(dns.rcode.SERVFAIL)
    elif not name.startswith("empty."):
        answer.set_rcode(dns.rcode.NXDOMAIN)
    return answer


@pytest.fixture
def name_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The only name server that this machine knows."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            data, client = server.recvfrom(4096)
            if not data:
                return
            answer = _answer(dns.message.from_wire(data))
            if answer is not None:
                server.sendto(answer.to_wire(), client)

    def configured(resolver: dns.resolver.Resolver, _file: str) -> None:
        resolver.nameservers, resolver.port = ["127.0.0.1"], server.getsockname()[1]

    monkeypatch.setattr(dns.resolver.Resolver, "read_resolv_conf", configured)
    monkeypatch.setattr("watcher.people.names._LOOK_UP_SECONDS", 0.5)
    thread = threading.Thread(target=serve)
    thread.start()
    yield
    server.sendto(b"", server.getsockname())
    thread.join()
    server.close()


@pytest.mark.usefixtures("name_server")
@pytest.mark.parametrize(
    ("name", "record"),
    [
        ("one._domainkey.corp.example", b"v=DKIM1; p=abc"),
        ("several._domainkey.corp.example", b"v=DKIM1; p=abc"),
        ("two._domainkey.corp.example", None),
        ("none._domainkey.corp.example", None),
        ("_dmarc.corp.example", b"v=DMARC1; p=none"),
        ("alias._domainkey.corp.example", b"v=DKIM1; p=abc"),
        ("dangling._domainkey.corp.example", None),
        ("empty.corp.example", None),
        ("x" * 64 + ".corp.example", None),
        ("x..corp.example", None),
    ],
)
def test_a_name_has_one_record_or_none(name: str, record: bytes | None) -> None:
    assert look_up_text(name) == record


@pytest.mark.usefixtures("name_server")
@pytest.mark.parametrize("name", ["broken.corp.example", "silent.corp.example", "circle._domainkey.corp.example"])
def test_a_name_server_that_fails_leaves_it_open(name: str) -> None:
    with pytest.raises(DirectoryUnavailable):
        look_up_text(name)
