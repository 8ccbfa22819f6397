"""What makes a mail the same mail: its header block and size, under host and user name.

Neither UID nor UIDVALIDITY, folder or flags: servers renumber, and people move mail to and fro.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from functools import cached_property

from msgspec import Struct

from watcher.headers import MailHeader, read_header
from watcher.sources.mailbox.grammar import Value, number

KEY_PREFIX = "mail:"
HEADER_ITEMS = "BODY.PEEK[HEADER] RFC822.SIZE INTERNALDATE"

_YEARS = range(1971, 2201)  # servers write the first day or the last one that they know for a date that they lack
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_INTERNAL_DATE = re.compile(r"\s*(\d{1,2})-(\w{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)")


class Sighting(Struct, frozen=True, kw_only=True, dict=True):
    """A mail as it was seen in a folder."""

    uid: int
    header: bytes  # with the empty line, as the server gives it
    size: int  # RFC822.SIZE
    dated: Value  # INTERNALDATE, as it stands there

    @cached_property
    def fields(self) -> MailHeader:
        """Read once, for all who decide by it."""
        return read_header(self.header)

    @property
    def received_at(self) -> datetime | None:
        """With the server's offset; None where it tells no date of a mail."""
        return internal_date(self.dated)


class Account(Struct, frozen=True):
    """Whose mails they are."""

    host: str
    username: str

    def fingerprint(self, sighting: Sighting) -> str:
        """sha256 in hex. It must never change: every mail would be taken in again."""
        digest = hashlib.sha256(f"{self.host.lower()}\n{self.username}\n{sighting.size}\n".encode())
        digest.update(sighting.header)
        return digest.hexdigest()


def place(uidvalidity: str, uid: int) -> str:
    return f"{uidvalidity}:{uid}"


def uid_at(where: str, uidvalidity: str) -> int | None:
    """The UID that a place has in this state of the folder; None where it was numbered anew since."""
    validity, _, uid = where.rpartition(":")
    return int(uid) if validity == uidvalidity and uid.isdigit() else None


def sighting(attributes: Mapping[str, Value]) -> Sighting | None:
    """Of a FETCH response; None where it has not all that is needed, as unasked ones about flags have not."""
    uid, size = number(attributes.get("UID")), number(attributes.get("RFC822.SIZE"))
    header = attributes.get("BODY[HEADER]")
    if uid is None or size is None or not isinstance(header, bytes):
        return None
    return Sighting(uid=uid, header=header, size=size, dated=attributes.get("INTERNALDATE"))


def internal_date(value: Value) -> datetime | None:
    """``17-Jul-1996 02:44:25 -0700``, with its offset; None where it is something else, or no date of a mail."""
    found = _INTERNAL_DATE.match(value.decode("ascii", "replace")) if isinstance(value, bytes) else None
    try:
        return None if found is None or int(found[3]) not in _YEARS else _moment(found)
    except ValueError:
        return None


def _moment(found: re.Match[str]) -> datetime:
    offset = timedelta(hours=int(found[8]), minutes=int(found[9])) * (-1 if found[7] == "-" else 1)
    day, year, month = int(found[1]), int(found[3]), _MONTHS.index(found[2].lower()) + 1
    return datetime(year, month, day, int(found[4]), int(found[5]), int(found[6]), tzinfo=timezone(offset))
