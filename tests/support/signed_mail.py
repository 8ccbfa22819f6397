"""Mails that are signed with DKIM by a key made for the test, and the DNS records of that key."""

from __future__ import annotations

import base64
import subprocess
from dataclasses import dataclass, field

import dkim

BODY = b"\r\nPlease book this.\r\n"


@dataclass(frozen=True, slots=True)
class Key:
    """An RSA key: its private half in PEM, and what stands in DNS."""

    private: bytes
    record: bytes


def make_key(bits: int = 2048) -> Key:
    """A new key, by the openssl command."""
    private = _openssl("genrsa", "-traditional", str(bits))
    public = _openssl("rsa", "-pubout", "-outform", "DER", given=private)
    return Key(private=private, record=b"v=DKIM1; k=rsa; p=" + base64.b64encode(public))


def _openssl(*arguments: str, given: bytes | None = None) -> bytes:
    return subprocess.run(["openssl", *arguments], input=given, capture_output=True, check=True).stdout


def mail(*headers: str, sender: str = "Li <li@corp.example>", body: bytes = BODY) -> bytes:
    """An unsigned mail, extra headers on top."""
    lines = [*headers, f"From: {sender}", "To: fapiao@corp.example", "Subject: invoice", "Message-ID: <1@corp.example>"]
    return "\r\n".join(lines).encode() + b"\r\n" + body


def signed(
    message: bytes,
    key: Key,
    *,
    domain: str = "corp.example",
    selector: str = "s1",
    identity: str | None = None,
    headers: tuple[str, ...] = ("from", "to", "subject"),
    length: bool = False,
    extra: bytes = b"",
    algorithm: bytes = b"rsa-sha256",
) -> bytes:
    """The mail with a signature on top; `extra` are further tags of it (``x=1``)."""
    signer = _Signer(message, extra=extra)
    made: bytes = signer.sign(
        selector.encode(),
        domain.encode(),
        key.private,
        signature_algorithm=algorithm,
        identity=identity.encode() if identity is not None else None,
        canonicalize=(b"relaxed", b"relaxed"),
        include_headers=[name.encode() for name in headers],
        length=length,
    )
    return made + message


def sealed(
    message: bytes, key: Key, domain: str = "gw.example", *, headers: tuple[str, ...] = ("from", "subject")
) -> bytes:
    """The mail with an ARC set on top, which repeats the Authentication-Results of that domain; selector ``arc``."""
    lines: list[bytes] = dkim.ARC(message).sign(
        b"arc", domain.encode(), key.private, domain.encode(), include_headers=[name.encode() for name in headers]
    )
    assert len(lines) == 3, "it brings no Authentication-Results of that domain, or its chain is broken"
    return b"".join(lines) + message


class _Signer(dkim.DKIM):  # type: ignore[misc]  # dkimpy has no types
    """Adds tags that dkimpy itself never writes."""

    def __init__(self, message: bytes, *, extra: bytes) -> None:
        super().__init__(message)
        self._extra = extra

    def gen_header(self, fields, *arguments, **keywords):  # type: ignore[no-untyped-def]
        name, _, value = self._extra.partition(b"=")
        if name:
            fields.insert(1, (name, value))
        return super().gen_header(fields, *arguments, **keywords)


@dataclass(slots=True)
class Names:
    """Name servers of the test: TXT records by name. A record that is an exception is raised."""

    records: dict[str, bytes | Exception] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def __call__(self, name: str) -> bytes | None:
        self.asked.append(name)
        found = self.records.get(name)
        if isinstance(found, Exception):
            raise found
        return found
