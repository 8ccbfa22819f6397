"""Mails that are signed or sealed when there are keys, and who has these."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.hostile.case import FROM, Case, Expected, letter
from tests.support.signed_mail import Key, make_key
from tests.support.workplace import pdf

SAW = "dmarc=pass header.from=corp.example"
USUAL = ("from", "to", "subject", "date", "message-id")  # the fields that mail servers sign
LISTS, OTHER_LISTS = "lists.example", "lists.evil.example"  # the one seals for us


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """Whose private keys the attacker, or the true sender, has."""

    corp: Key = field(default_factory=make_key)
    evil: Key = field(default_factory=make_key)
    weak: Key = field(default_factory=lambda: make_key(512))

    @property
    def records(self) -> Mapping[str, bytes]:
        """What the name servers say."""
        return {
            "s1._domainkey.corp.example": self.corp.record,
            "s1._domainkey.mail.corp.example": self.corp.record,
            "weak._domainkey.corp.example": self.weak.record,
            "revoked._domainkey.corp.example": b"v=DKIM1; k=rsa; p=",
            "other._domainkey.corp.example": self.corp.record + b"; s=tlsrpt",
            "s1._domainkey.evil.example": self.evil.record,
            "s1._domainkey.corp.example.evil.example": self.evil.record,
            "s1._domainkey.example": self.evil.record,
            f"arc._domainkey.{LISTS}": self.corp.record,
            f"arc._domainkey.{OTHER_LISTS}": self.evil.record,
        }


@dataclass(frozen=True, slots=True)
class SignedCase:
    """A case whose mail is made when there are keys: from its name, and a mail that the name is the mark of."""

    name: str
    expected: Expected
    write: Callable[[Keys, bytes], bytes]
    head: tuple[str, ...] = (FROM,)

    def case(self, keys: Keys) -> Case:
        raw = self.write(keys, letter(self.name, *self.head))
        return Case(self.name, raw, self.expected, pdf(self.name))


def results_of(server: str, found: str) -> bytes:
    """A header of its results."""
    return f"Authentication-Results: {server}; {found}\r\n".encode()
