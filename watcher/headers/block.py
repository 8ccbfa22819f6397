"""A mail's header block as fields, and what the program wants to know of them."""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Mapping

from msgspec import Struct

from watcher.headers.address import mailbox, mailboxes
from watcher.headers.decoding import decode

OWN_MARK = "X-Invoice-Watcher"  # a header that replies of this program bear

_FIELD = re.compile(rb"([!-9;-~]{1,200})[ \t]*:(.*)", re.DOTALL)
_LAST_LINE_END = re.compile(rb"\n\r?\Z")
_UNFOLDED_END = re.compile(rb"\n(?![ \t])")  # of a line that nothing continues
_MBOX_LINE = re.compile(rb">?From [ \t]*(?![ \t:])")  # but for "From :", which is a field to many a reader
_ID_CHARACTERS = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.:\[\]-]"
_MESSAGE_ID = re.compile(rf"<{_ID_CHARACTERS}{{1,240}}@{_ID_CHARACTERS}{{1,240}}>")
_MOST_REFERENCES = 20
_RECIPIENT_FIELDS = ("to", "cc", "delivered-to", "x-original-to")


class MailHeader(Struct, frozen=True, kw_only=True):
    """The fields of a header block in their order: name in lower case, value as it came (folded, undecoded).

    `doubtful`: other readers may see other fields in it, because a line is none, or holds what some take for a line's
    end. `firsts`: of each name the value that stands first; some thirty are asked for of each mail.
    """

    fields: tuple[tuple[str, bytes], ...]
    firsts: Mapping[str, bytes]
    doubtful: bool = False

    def all(self, name: str) -> tuple[bytes, ...]:
        wanted = name.lower()
        if wanted not in self.firsts:
            return ()
        return tuple([value for field, value in self.fields if field == wanted])

    def first(self, name: str) -> bytes | None:
        return self.firsts.get(name.lower())

    @property
    def subject(self) -> str | None:
        """Decoded, and not cleaned."""
        value = self.first("subject")
        return None if value is None else decode(value)

    @property
    def message_id(self) -> str | None:
        """``<left@right>`` in plain ASCII, safe to stand in a header of ours; else None."""
        value = (self.first("message-id") or b"").decode("ascii", "replace").strip()
        return value if _MESSAGE_ID.fullmatch(value) else None

    @property
    def references(self) -> tuple[str, ...]:
        """The ids of the thread, oldest first: at most 20, the first and the latest ones."""
        value = self.first("references") or self.first("in-reply-to") or b""
        found = tuple(dict.fromkeys(_MESSAGE_ID.findall(value.decode("ascii", "replace"))))
        return found if len(found) <= _MOST_REFERENCES else (found[0], *found[1 - _MOST_REFERENCES :])

    @property
    def from_address(self) -> str | None:
        """The author: there is one From header and it has one plain address. Nothing proves it yet."""
        return self._author()[0]

    @property
    def from_problem(self) -> str | None:
        """Why there is no `from_address`."""
        return self._author()[1]

    @property
    def recipients(self) -> tuple[tuple[str, str], ...]:
        """Every address that the mail says it went to, behind the field that says so: each pair once."""
        found = ((name, address) for name in _RECIPIENT_FIELDS for raw in self.all(name) for address in mailboxes(raw))
        return tuple(dict.fromkeys(found))

    def _author(self) -> tuple[str | None, str | None]:
        values = self.all("from")
        if not values:
            return None, "there is no From header"
        if len(values) > 1:
            return None, "there is more than one From header"
        return mailbox(values[0])


def read_header(block: bytes) -> MailHeader:
    """The fields up to the first empty line. Lines that are no field are passed over, with what continues them."""
    head = _head(block.removeprefix(BOM_UTF8))
    fields, doubtful = [], _has_odd_line_ends(head)
    for line in _UNFOLDED_END.split(head) if head else ():
        found = _FIELD.fullmatch(line)
        if found is None:
            doubtful = True
        else:
            fields.append((found[1].decode("ascii").lower(), found[2].strip(b" \t\r\n")))
    return MailHeader(fields=tuple(fields), firsts=dict(reversed(fields)), doubtful=doubtful)


def _head(block: bytes) -> bytes:
    """What stands before the first empty line, without the line that mboxes put above it."""
    first, _, others = block.partition(b"\n")
    if _MBOX_LINE.match(first):
        block = others
    if block.startswith((b"\n", b"\r\n")) or block == b"\r":
        return b""
    ends = [at for at in (block.find(b"\n\n"), block.find(b"\n\r\n")) if at >= 0]
    return block[: min(ends)] if ends else _LAST_LINE_END.sub(b"", block)


def _has_odd_line_ends(head: bytes) -> bool:
    """Whether it holds what some readers take for a line's end; asked of the whole, because it hardly ever does."""
    carriage_returns = head.count(b"\r\n") + head.endswith(b"\r")
    return head.count(b"\r") != carriage_returns or any(odd in head for odd in (b"\0", b"\x0b", b"\x0c"))
