"""The secrets that this process has in hand, and what is said without them.

Servers repeat what they were sent: in refusals, in error pages, in the address of a failed request. So secrets are
looked for where foreign text comes in, and once more where text leaves the process.
"""

from __future__ import annotations

import base64
import re
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from html.entities import codepoint2name
from typing import overload
from urllib.parse import unquote

HIDDEN = "***"
SHORTEST = 6  # characters: what is shorter is no secret, and would blot out words and numbers
_SIGNATURE = 16  # characters that the shortest value of a signed address has which is worth hiding
_MOST_PASSING = 64  # tokens and the like that were issued to us; a day has twelve of them


class KnownSecrets:
    """Safe for many threads. `lasting` are of the configuration; what `learn` is told is forgotten one day."""

    def __init__(self, lasting: Iterable[str] = ()) -> None:
        self._lock = threading.Lock()
        self._lasting = frozenset(lasting)
        self._passing: OrderedDict[str, None] = OrderedDict()
        self._patterns = _patterns(self._lasting)

    def learn(self, *secrets: str | None) -> None:
        """Of secrets that were read again, or issued by a server. None and what is known are passed over."""
        with self._lock:
            new = {secret for secret in secrets if secret and secret not in self._lasting} - set(self._passing)
            if not new:
                return
            self._passing.update(dict.fromkeys(new))
            while len(self._passing) > _MOST_PASSING:
                self._passing.popitem(last=False)
            self._patterns = _patterns(self._lasting.union(self._passing))

    @overload
    def hidden(self, text: str) -> str: ...
    @overload
    def hidden(self, text: None) -> None: ...
    def hidden(self, text: str | None) -> str | None:
        """The text with ``***`` for every known secret of at least SHORTEST characters, however it is encoded."""
        if text is None:
            return None
        for pattern in self._patterns:
            text = pattern.sub(HIDDEN, text)
        return text


def _patterns(secrets: Iterable[str]) -> tuple[re.Pattern[str], ...]:
    """The longest first: a secret may be part of another."""
    wanted = sorted({secret for secret in secrets if len(secret) >= SHORTEST}, key=lambda each: (-len(each), each))
    return tuple(re.compile("|".join(_forms(secret))) for secret in wanted)


def _forms(secret: str) -> Iterator[str]:
    """As text with any character escaped, in hexadecimal, and in base64.

    A login sends it behind a user name, so that in base64 it may begin at each of three positions.
    """
    data = secret.encode("utf-8", "surrogatepass")
    yield "".join(map(_spelled, secret))
    yield f"(?i:{data.hex()})"
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for ahead in range(3):
            text = encode(b"\0" * ahead + data).decode()
            # Without the characters at both ends that other bytes have a share in.
            yield re.escape(text[-(-ahead * 8 // 6) : (ahead + len(data)) * 8 // 6])


def _spelled(character: str) -> str:
    """A pattern for a character as addresses, JSON (within JSON), HTML and Python write it."""
    if character.isascii() and character.isalnum():
        return character
    data = character.encode("utf-8", "surrogatepass")
    units = character.encode("utf-16-be", "surrogatepass")
    forms = [
        r"\\*" + re.escape(character),
        "(?i:" + "".join(f"%(?:25)*{byte:02x}" for byte in data) + ")",
        "(?i:" + "".join(rf"\\+u{units[at : at + 2].hex()}" for at in range(0, len(units), 2)) + ")",
        "(?i:" + "".join(rf"\\+x{byte:02x}" for byte in data) + ")",
        f"(?i:&(?:amp;)*#(?:0*{ord(character)}|x0*{ord(character):x});)",
        re.escape(data.decode("latin-1")),
    ]
    if name := {ord("'"): "apos"}.get(ord(character)) or codepoint2name.get(ord(character)):
        forms.append(f"&(?:amp;)*{name};")
    if character == " ":
        forms.append(r"\+")
    return f"(?:{'|'.join(forms)})"


def without_query(text: str, url: str) -> str:
    """The text without the query of a signed URL, which endpoints repeat in their answers, whole or in parts.

    For as long as it is valid, whoever reads it can fetch the document. It is looked for as it is, and as JSON (within
    JSON) and HTML write it.
    """
    query = url.partition("?")[2]
    if not query:
        return text
    values = [value for _, _, value in (each.partition("=") for each in query.split("&")) if len(value) >= _SIGNATURE]
    whole = (query, *_escaped(query, "&", "\\u0026"), *_escaped(query, "&", "&amp;"))
    for form in (*whole, *values, *(unquote(value) for value in values)):
        text = text.replace(form, HIDDEN)
    return text


def _escaped(query: str, character: str, escape: str) -> list[str]:
    """JSON that escapes one of these signs escapes the others too; within JSON the backslash is doubled."""
    once = query.replace(character, escape)
    both = once.replace("=", "\\u003d")
    return [once, both, once.replace("\\", "\\\\"), both.replace("\\", "\\\\")]
