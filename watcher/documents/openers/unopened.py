"""Files in a text that are written in what nobody uses any more, yEnc and BinHex: they are told, and not opened."""

from __future__ import annotations

import re
from collections.abc import Iterator

from watcher.documents import words
from watcher.documents.unpacking import Allowance, Refusal
from watcher.headers import decode_bytes
from watcher.model import Reason
from watcher.spool import Spooled

_FOUND = re.compile(
    rb"^(?:=ybegin [^\r\n]{0,200}?size=[0-9]+[^\r\n]{0,200}? name=(?P<name>[^\r\n]{1,255})"
    rb"|\(This file must be converted with BinHex[^\r\n]{0,80}\s{1,20}:(?P<code>[!-r]{10,200}))",
    re.MULTILINE,
)
_BINHEX = b"!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr"


def unopened(content: Spooled, allowance: Allowance) -> Iterator[Refusal]:
    """Each that somebody would miss, once: yEnc has a large file in several pieces. The others are left out."""
    with content.whole() as data:
        found = {_name_and_form(each): None for each in _FOUND.finditer(data)}
    for name, form in found:
        allowance.count_entry()
        if not name or allowance.is_claimed(name):
            yield Refusal(name=name or None, reason=Reason.UNREADABLE, message=words.unsupported(form))
        else:
            allowance.leave_out(b"", 0, name=name)


def _name_and_form(found: re.Match[bytes]) -> tuple[str, str]:
    if found["name"]:
        return decode_bytes(found["name"]).strip(' \t"'), "yEnc"
    return _binhex_name(found["code"]), "BinHex"


def _binhex_name(code: bytes) -> str:
    """What comes first in it: how long the name is, and the name. Empty where it is no such code."""
    values = [_BINHEX.find(sign) for sign in code[: len(code) // 4 * 4]]
    if -1 in values:
        return ""
    bits = "".join(f"{value:06b}" for value in values)
    raw = int(bits, 2).to_bytes(len(bits) // 8, "big")
    return decode_bytes(raw[1 : 1 + raw[0]])
