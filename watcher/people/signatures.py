"""Verifies DKIM signatures (RFC 6376, RFC 8301) that stand for the From domain.

dkimpy does the cryptography. What it lets pass and a proof of the author must not is refused before: a
signature that leaves From out, covers a part of the body (l=), has expired, uses SHA-1, or leaves room for a second
header of a kind that may stand there once.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from watcher.errors import DirectoryUnavailable
from watcher.headers import MailHeader, read_header
from watcher.people.alignment import aligned, domain_of

TextLookup = Callable[[str], bytes | None]

MOST_SIGNATURES = 5
SMALLEST_KEY_BITS = 1024

_ALGORITHMS = (b"rsa-sha256", b"ed25519-sha256")
_SELECTOR = re.compile(rb"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,200}[A-Za-z0-9_])?")
_ONCE = ("from", "subject", "date", "message-id", "to", "cc", "reply-to", "content-type", "mime-version")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signature:
    """A DKIM-Signature header that is worth the cryptography: its place among them, and who signed."""

    index: int
    domain: str
    selector: str


class Unacceptable(Exception):
    """Why a signature proves nothing, in words."""


def verify_signatures(
    whole: bytes, header: MailHeader, from_domain: str, *, look_up: TextLookup, now: float
) -> tuple[bool, str]:
    """Whether a signature proves that domain, and which, or why none does.

    `look_up` gives the TXT record of a name, or None where there is none. Raises DirectoryUnavailable where no
    signature proves it and a name server could not be asked. `now` in seconds since 1970.
    """
    if read_header(whole).all("from") != header.all("from"):
        return False, "the mail's From is not what the server said it was"
    reason, unavailable = f"no DKIM signature of {from_domain}", None
    for number, found in enumerate(_candidates(header, from_domain, now)):
        if number >= MOST_SIGNATURES:
            break
        if isinstance(found, Unacceptable):
            reason = str(found)
            continue
        try:
            if _is_valid(whole, found, look_up):
                return True, f"DKIM of {found.domain}"
            reason = f"the DKIM signature of {found.domain} does not fit the mail"
        except DirectoryUnavailable as error:
            unavailable = error
        except Unacceptable as error:
            reason = str(error)
    if unavailable is not None:
        raise unavailable
    return False, reason


def _candidates(header: MailHeader, from_domain: str, now: float) -> Iterator[_Signature | Unacceptable]:
    """The signatures that are aligned with From, from the top; those that can prove nothing say why."""
    for index, raw in enumerate(header.all("dkim-signature")):
        try:
            tags = read_tags(raw)
            domain = domain_of(tags.get(b"d", b"").decode("ascii", "replace"))
            if domain is None or not aligned(domain, from_domain):
                continue
            refuse_weak(tags, header, now)
            yield _Signature(index=index, domain=domain, selector=tags[b"s"].decode("ascii"))
        except Unacceptable as error:
            yield error


def read_tags(raw: bytes) -> Mapping[bytes, bytes]:
    from dkim.util import InvalidTagValueList, parse_tag_value

    try:
        tags: Mapping[bytes, bytes] = parse_tag_value(re.sub(rb"\r?\n(?=[ \t])", b"", raw))
    except InvalidTagValueList as error:
        raise Unacceptable("a DKIM signature that cannot be read") from error
    return tags


def refuse_weak(tags: Mapping[bytes, bytes], header: MailHeader, now: float) -> None:
    """Raises Unacceptable for what proves nothing, however well it is signed."""
    signed = Counter(name.strip().lower().decode("ascii", "replace") for name in tags.get(b"h", b"").split(b":"))
    if not signed["from"]:
        raise Unacceptable("the DKIM signature leaves From out")
    if any(len(header.all(name)) > signed[name] > 0 for name in _ONCE) or len(header.all("from")) != 1:
        raise Unacceptable("a header stands there more often than the DKIM signature covers it")
    if b"l" in tags:
        raise Unacceptable("the DKIM signature covers a part of the body only")
    if tags.get(b"a", b"").lower() not in _ALGORITHMS:
        raise Unacceptable("the DKIM signature's algorithm is not believed")
    if _SELECTOR.fullmatch(tags.get(b"s", b"")) is None:
        raise Unacceptable("the DKIM signature's selector is none")
    expires = tags.get(b"x")
    if expires is not None and not (re.fullmatch(rb"\d{1,12}", expires) and int(expires) > now):
        raise Unacceptable("the DKIM signature has expired")


def _is_valid(whole: bytes, signature: _Signature, look_up: TextLookup) -> bool:
    import dkim

    name = f"{signature.selector}._domainkey.{signature.domain}"
    record = mail_key(look_up, name)
    if record is None:
        raise Unacceptable(f"{signature.domain} has no DKIM key of that name")
    try:
        verifier = dkim.DKIM(whole, logger=silent_logger(), minkey=SMALLEST_KEY_BITS)
        return bool(verifier.verify(idx=signature.index, dnsfunc=_one_record(name, record)))
    except dkim.DKIMException as error:
        raise Unacceptable(f"the DKIM signature of {signature.domain} is not acceptable") from error


def _one_record(name: str, record: bytes) -> Callable[..., bytes | None]:
    """dkimpy's way to ask for the key; should it have read another signature than we did, there is none."""

    def text(asked: bytes, timeout: float = 0) -> bytes | None:  # noqa: ARG001 - dkimpy passes it
        return record if asked.decode("ascii", "replace").rstrip(".").lower() == name.lower() else None

    return text


def mail_key(look_up: TextLookup, name: str) -> bytes | None:
    """The key record of a name. Refuses what dkimpy does not look at: keys for other services, and for other hashes."""
    record = look_up(name)
    if record is None:
        return None
    tags = read_tags(record)
    if not {b"*", b"email"} & {kind.strip() for kind in tags.get(b"s", b"*").split(b":")}:
        raise Unacceptable("the DKIM key is not for mail")
    if b"sha256" not in {kind.strip() for kind in tags.get(b"h", b"sha256").split(b":")}:
        raise Unacceptable("the DKIM key is not for SHA-256")
    return record


def silent_logger() -> logging.Logger:
    """dkimpy logs raw text from outside: it gets a logger that leads nowhere."""
    logger = logging.Logger("dkim", level=logging.CRITICAL + 1)  # noqa: LOG001 - it must not be part of the tree
    logger.addHandler(logging.NullHandler())
    return logger
