"""A parser of its own for the one address that decides who submits.

The standard library's reads `a@x(<b@y>)` as an address of y (CVE-2023-27043) and takes the first of
several. Here whatever two readers could read differently is no address at all, and says why.
"""

from __future__ import annotations

import contextlib
import re
from functools import lru_cache

from msgspec import Struct, field

from watcher.headers.decoding import decode, decode_bytes

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
_WORD_END = re.compile(r'[\s<>(),;:"\\]')
_FOLD = re.compile(rb"\r?\n(?=[ \t])")
_LONGEST_HEADER = 4_000
_LONGEST_LOCAL = 64
_LONGEST_DOMAIN = 253
_MOST_RECIPIENTS = 200
_LIKE_AN_ADDRESS = re.compile(rf"[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~.-]{{1,64}}@{_LABEL}(?:\.{_LABEL})+")
_COMMENT_FORBIDS = '<>@",;:\\('


class _NoAddress(Exception):
    """What is wrong with it, in words."""


@lru_cache(maxsize=256)  # the same few people write again and again, and each mail's author is asked for several times
def mailbox(raw: bytes | str) -> tuple[str | None, str | None]:
    """The one address of a header's value, its domain in lower case; or None and the problem in words."""
    if len(raw) > _LONGEST_HEADER:
        return None, "the address header is too long"
    try:
        text = _text(raw)
        address = _Mailbox(text).read()
        _refuse_another(text, address)
        return address, None
    except _NoAddress as problem:
        return None, str(problem)


def mailboxes(raw: bytes | str) -> tuple[str, ...]:
    """All addresses of a list such as To; what is no plain address is left out."""
    try:
        items = _split(_text(raw))
    except _NoAddress:
        return ()
    found = []
    for item in items[:_MOST_RECIPIENTS]:
        with contextlib.suppress(_NoAddress):
            found.append(_Mailbox(item).read())
    return tuple(found)


def _refuse_another(text: str, address: str) -> None:
    """An address of somebody else that quotation marks or encoded words hide from us, and show to people."""
    for shown in _LIKE_AN_ADDRESS.findall(decode(text)):
        if shown.lower() != address.lower():
            raise _NoAddress("the name is the address of somebody else")


def _text(raw: bytes | str) -> str:
    data = raw if isinstance(raw, bytes) else raw.encode("utf-8", "surrogatepass")
    data = _FOLD.sub(b"", data).strip(b" \t\r\n")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        # The second byte of a GBK character may be a backslash: whoever reads bytes would see an escape.
        if b"\\" in data:
            raise _NoAddress("the address header mixes an unknown character set with escapes") from error
        text = decode_bytes(data)
    if _CONTROL.search(text):
        raise _NoAddress("the address header holds control characters")
    return text


def _split(text: str) -> list[str]:
    """At the commas of the top level; a group's name and its end count as commas."""
    items, current, quoted, angle, comment, escaped = [], "", False, False, 0, False
    for character in text:
        if escaped:
            escaped = False
        elif character == "\\" and (quoted or comment):
            escaped = True
        elif quoted:
            quoted = character != '"'
        elif comment:
            comment += {"(": 1, ")": -1}.get(character, 0)
        elif character in '"(':
            quoted, comment = character == '"', int(character == "(")
        elif character in "<>":
            angle = character == "<"
        elif character in ",;:" and not angle:
            if character != ":":
                items.append(current)
            current = ""
            continue
        current += character
    return [item for item in (*items, current) if item.strip()]


class _Mailbox(Struct):
    """Reads ``phrase <address>`` or ``address`` from left to right."""

    text: str
    at: int = 0
    phrase: list[str] = field(default_factory=list)

    def read(self) -> str:
        address: str | None = None
        while self.at < len(self.text):
            character = self.text[self.at]
            if character == "<":
                if address is not None:
                    raise _NoAddress("there is more than one address")
                address = self._angle()
            elif character == "(":
                self._comment()
            elif character in " \t":
                self.at += 1
            elif address is not None:
                raise _NoAddress(_what_follows(character))
            else:
                self._part(character)
        return self._alone() if address is None else self._agreeing(address)

    def _part(self, character: str) -> None:
        if character == '"':
            self._quoted()
        elif character in ",;:>)\\":
            raise _NoAddress(_what_is(character))
        else:
            end = _WORD_END.search(self.text, self.at + 1)
            stop = end.start() if end else len(self.text)
            self.phrase.append(self.text[self.at : stop])
            self.at = stop

    def _quoted(self) -> None:
        end = self.at + 1
        while end < len(self.text) and self.text[end] != '"':
            if self.text[end] == "\\":
                end += 1
                if self.text[end : end + 1] not in ('"', "\\"):
                    raise _NoAddress("the name before the address is escaped in a way that hides something")
            end += 1
        if end >= len(self.text):
            raise _NoAddress("a quotation mark is not closed")
        self.phrase.append('"')  # whatever it says, it is no address
        self.at = end + 1

    def _comment(self) -> None:
        end = self.text.find(")", self.at)
        if end < 0:
            raise _NoAddress("a bracket is not closed")
        if any(character in _COMMENT_FORBIDS for character in self.text[self.at + 1 : end]):
            raise _NoAddress("a remark in brackets looks like an address")
        self.phrase.append("()")
        self.at = end + 1

    def _angle(self) -> str:
        end = self.text.find(">", self.at)
        if end < 0:
            raise _NoAddress("an angle bracket is not closed")
        inner, self.at = self.text[self.at + 1 : end].strip(" \t"), end + 1
        return _address(inner)

    def _alone(self) -> str:
        """Without angle brackets the address stands alone, or with a remark after it."""
        words = [word for word in self.phrase if word != "()"]
        if len(words) != 1 or (self.phrase[0] == "()"):
            raise _NoAddress("there is no address" if "@" not in "".join(words) else "the address is not plain")
        if f"{words[0]}(" in self.text:
            raise _NoAddress("the address is not plain")
        return _address(words[0])

    def _agreeing(self, address: str) -> str:
        """Many mailers write the address as the name, too; another address there is a trick."""
        for word in self.phrase:
            if "@" in word and word.lower() != address.lower():
                raise _NoAddress("there is more than one address")
        return address


def _address(text: str) -> str:
    local, at, domain = text.rpartition("@")
    if not at:
        raise _NoAddress("there is no address")
    if not local or not domain:
        raise _NoAddress("there is nothing on one side of the @")
    if not text.isascii():
        raise _NoAddress("the address holds letters that are not ASCII")
    if "=?" in local:
        raise _NoAddress("the address is written as an encoded word")
    if len(local) > _LONGEST_LOCAL or len(domain) > _LONGEST_DOMAIN:
        raise _NoAddress("the address is too long")
    if _LOCAL.fullmatch(local) is None or _DOMAIN.fullmatch(domain) is None:
        raise _NoAddress("the address is not plain")
    return f"{local}@{domain.lower()}"


def _what_is(character: str) -> str:
    if character in ":;":
        return "it is a group and not an address"
    return "there is more than one address" if character == "," else "the address is not plain"


def _what_follows(character: str) -> str:
    return "there is more than one address" if character == "," else "something follows the address"


def named_address(text: str) -> tuple[str, str]:
    """Name and address of ``发票助手 <fapiao@corp.example>``, as the configuration has it; the name may be empty.

    It is no header: commas and brackets in the name need no quotation marks, and have no meaning.
    """
    name, _, address = text.rpartition("<")
    return name.strip().strip('"'), address.rstrip("> ").strip()
