"""The tags of a DKIM signature, and what it must cover to prove anything (RFC 6376, section 3.5).

Refused is what dkimpy lets pass and a proof of the author must not: a signature that leaves From or Subject out,
covers a part of the body (l=), has expired, uses SHA-1, or leaves room for a second header of a kind
that may stand there once, or for another reading of the body that it covers.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping

from watcher.headers import MailHeader, split_parameters

LARGEST_SIGNATURE_BYTES = 4_000  # dkimpy takes quadratic time on what stands in it

_ALGORITHMS = (b"rsa-sha256", b"ed25519-sha256")
_SELECTOR = re.compile(rb"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,200}[A-Za-z0-9_])?")
_ONCE = (
    *("from", "subject", "date", "message-id", "to", "cc", "reply-to"),
    *("content-type", "content-transfer-encoding", "mime-version"),
)
_TEXT = ("text/plain", "text/html")
# Of a multipart/digest a part without a type is a mail, and what nobody knows of may be read in any way.
_MULTIPART = tuple(f"multipart/{kind}" for kind in ("mixed", "alternative", "related", "signed", "report"))
_WORD = rb"[!#$%&'*+.0-9A-Z^_`a-z{|}~-]+"
_QUOTED = rb'"[\x20\x21\x23-\x5b\x5d-\x7e]*"'
# As every program reads it: no comment, no escape, nothing left open (RFC 2045, 5.1, without RFC 822's comments).
_PLAIN_TYPE = re.compile(rb"\s*%b/%b\s*(?:;\s*%b=(?:%b|%b)\s*)*;?\s*" % (_WORD, _WORD, _WORD, _WORD, _QUOTED))
# What mailers put before the first part, for readers that know no MIME.
_PREAMBLE = re.compile(
    rb"\s*(?:This is an? (?:multi-?part message in MIME|MIME-encapsulated)[ \w.,]{0,40}\s+)?", re.IGNORECASE
)


class Unacceptable(Exception):
    """Why a signature proves nothing, in words."""


def read_tags(raw: bytes) -> Mapping[bytes, bytes]:
    from dkim.util import InvalidTagValueList, parse_tag_value

    if len(raw) > LARGEST_SIGNATURE_BYTES:
        raise Unacceptable("a DKIM signature that is too long")
    try:
        tags: Mapping[bytes, bytes] = parse_tag_value(re.sub(rb"\r?\n(?=[ \t])", b"", raw))
    except InvalidTagValueList as error:
        raise Unacceptable("a DKIM signature that cannot be read") from error
    return tags


def refuse_weak(tags: Mapping[bytes, bytes], header: MailHeader, body: Callable[[], bytes], now: float = 0.0) -> None:
    """Raises Unacceptable for what proves nothing, however well it is signed, and what `body` raises.

    `now` in seconds since 1970; without it, what has expired meanwhile is not refused.
    """
    signed = _signed(tags)
    if not signed["from"]:
        raise Unacceptable("the DKIM signature leaves From out")
    if header.all("subject") and not signed["subject"]:
        raise Unacceptable("the DKIM signature leaves Subject out")
    if any(len(header.all(name)) > max(signed[name], 1) for name in _ONCE) or len(header.all("from")) != 1:
        raise Unacceptable("a header stands there more often than the DKIM signature covers it")
    if not signed["content-type"] and not _has_one_reading(header, body):
        raise Unacceptable("the DKIM signature leaves Content-Type out, and the body can be read in another way")
    if not signed["content-disposition"] and _makes_a_document_of_text(header):
        raise Unacceptable("the DKIM signature leaves Content-Disposition out, which makes an attachment of the text")
    if b"l" in tags:
        raise Unacceptable("the DKIM signature covers a part of the body only")
    if tags.get(b"a", b"").lower() not in _ALGORITHMS:
        raise Unacceptable("the DKIM signature's algorithm is not believed")
    if _SELECTOR.fullmatch(tags.get(b"s", b"")) is None:
        raise Unacceptable("the DKIM signature's selector is none")
    expires = tags.get(b"x")
    if expires is not None and not (re.fullmatch(rb"\d{1,12}", expires) and int(expires) > now):
        raise Unacceptable("the DKIM signature has expired")


def covered_fields(tags: Mapping[bytes, bytes], header: MailHeader) -> frozenset[str]:
    """The fields of the header, in lower case, of which the signature covers every one that stands there."""
    present = Counter(name for name, _ in header.fields)
    return frozenset(name for name, often in _signed(tags).items() if 0 < present[name] <= often)


def _signed(tags: Mapping[bytes, bytes]) -> Counter[str]:
    """How many fields of each name are signed, from the bottom."""
    return Counter(name.strip().lower().decode("ascii", "replace") for name in tags.get(b"h", b"").split(b":"))


def _has_one_reading(header: MailHeader, body: Callable[[], bytes]) -> bool:
    """Whether a Content-Type that anybody may have written can only be the author's.

    Google signs no Content-Type. Whoever has an answer of an employee that quotes what they wrote could send
    it on with a boundary of their own, so that a part of the quotation becomes a document.
    """
    value = header.first("content-type")
    if value is None:
        return True
    kind, parameters = split_parameters(value)
    keys = [key.partition("*")[0] for key, _ in parameters]
    if _PLAIN_TYPE.fullmatch(value) is None or len(set(keys)) < len(keys):
        return False
    if kind in _TEXT:
        return "name" not in keys
    boundaries = [given for key, given in parameters if key == "boundary"]
    if kind not in _MULTIPART or len(boundaries) != 1:
        return False
    written = boundaries[0] if isinstance(boundaries[0], bytes) else boundaries[0].encode("utf-8", "replace")
    opening = re.compile(rb"--" + re.escape(written) + rb"[ \t]*\r?\n")
    signed = body()
    preamble = _PREAMBLE.match(signed)
    return preamble is not None and opening.match(signed, preamble.end()) is not None


def _makes_a_document_of_text(header: MailHeader) -> bool:
    """Whether what would be the text of the mail is an attachment by a Content-Disposition that stands there."""
    kind = split_parameters(header.first("content-type") or b"")[0]
    return kind in ("", *_TEXT) and any(each.strip().lower() != b"inline" for each in header.all("content-disposition"))
