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
        for secret in self._patterns:
            if len(text) >= secret.shortest:
                text = secret.hidden(text)
        return text


class _Pattern:
    """Finds one secret, in whatever form.

    Hardly any text has a secret in it, and to search for the pattern costs eight times what it costs to search for
    some plain words. So it is seen first whether one of those is there which every form has one of.
    """

    def __init__(self, secret: str) -> None:
        data = secret.encode("utf-8", "surrogatepass")
        in_hexadecimal, in_base64 = data.hex(), tuple(_base64(data))
        spelled = "".join(map(_spelled, secret))
        self._pattern = re.compile("|".join((spelled, f"(?i:{in_hexadecimal})", *map(re.escape, in_base64))))
        self.shortest = len(secret)  # characters: no form has fewer
        # Escaping leaves letters and digits as they are; in hexadecimal, digits alone are the same in either case.
        word = max(re.findall("[0-9A-Za-z]+", secret), key=len, default="")
        number = max(re.findall("[0-9]+", in_hexadecimal), key=len, default="")
        self._words = tuple(dict.fromkeys((word, number, *in_base64)))

    def hidden(self, text: str) -> str:
        """`text` without it."""
        for word in self._words:
            if word in text:
                return self._pattern.sub(HIDDEN, text)
        return text


def _patterns(secrets: Iterable[str]) -> tuple[_Pattern, ...]:
    """The longest first: a secret may be part of another."""
    wanted = sorted({secret for secret in secrets if len(secret) >= SHORTEST}, key=lambda each: (-len(each), each))
    return tuple(map(_Pattern, wanted))


def _base64(data: bytes) -> Iterator[str]:
    """A login sends a secret behind a user name, so that it may begin at each of three positions."""
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for ahead in range(3):
            text = encode(b"\0" * ahead + data).decode()
            # Without the characters at both ends that other bytes have a share in.
            yield text[-(-ahead * 8 // 6) : (ahead + len(data)) * 8 // 6]


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
