"""Verifies DKIM signatures (RFC 6376, RFC 8301) that stand for a domain. dkimpy does the cryptography."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from msgspec import Struct

from watcher.errors import DirectoryUnavailable
from watcher.headers import MailHeader
from watcher.people.alignment import aligned, domain_of
from watcher.people.dmarc import wants_its_own_signature
from watcher.people.keys import SMALLEST_KEY_BITS, Key, TextLookup, mail_key
from watcher.people.reading import body_of, prepare, refuse_two_readings, silent_logger
from watcher.people.tags import Unacceptable, covered_fields, read_tags, refuse_weak
from watcher.ports import Proof

MOST_SIGNATURES = 5


class _Signature(Struct, frozen=True, kw_only=True):
    """A DKIM-Signature header that is worth the cryptography: its place among them, and who signed."""

    index: int
    domain: str
    selector: str
    identity: str  # the domain of i=
    relaxed: bool  # how the body was made canonical
    covers: frozenset[str]


def verify_signatures(whole: bytes, header: MailHeader, domain: str, *, look_up: TextLookup, now: float) -> Proof:
    """Whether a signature proves that this domain stands for the mail, and which, or why none does.

    `look_up` gives the TXT record of a name, or None where there is none. Raises DirectoryUnavailable where no
    signature proves it and a name server could not be asked. `now` in seconds since 1970.
    """
    try:
        refuse_two_readings(whole, header)
    except Unacceptable as error:
        return Proof(proven=False, how=str(error))
    reason, unavailable = f"no DKIM signature of {domain}", None
    for number, found in enumerate(_candidates(header, domain, partial(body_of, whole), now)):
        if number >= MOST_SIGNATURES:
            break
        if isinstance(found, Unacceptable):
            reason = str(found)
            continue
        try:
            _verify(whole, found, domain, look_up)
        except DirectoryUnavailable as error:
            unavailable = error
        except Unacceptable as error:
            reason = str(error)
        else:
            return Proof(proven=True, how=f"DKIM of {found.domain}", covers=found.covers)
    if unavailable is not None:
        raise unavailable
    return Proof(proven=False, how=reason)


def refuse_replayed(header: MailHeader, domain: str, whole: Callable[[], bytes]) -> None:
    """Raises Unacceptable where a signature of the domain's covers so little that the mail may be changed by now.

    For mail of which a server says that it is signed, and not that the domain has sent it: then anybody may have.
    One such signature is enough: which of several the server found to be valid is not known, and anybody can add some.
    """
    for found in _candidates(header, domain, lambda: body_of(whole()), 0.0):
        if isinstance(found, Unacceptable):
            raise found


def covered_by_all(header: MailHeader, domain: str) -> frozenset[str] | None:
    """The header fields that each of the domain's signatures covers, were it valid; None where it has none."""
    covered: frozenset[str] | None = None
    for raw in header.all("dkim-signature"):
        try:
            tags = read_tags(raw)
        except Unacceptable:
            return frozenset()
        if _signer(tags, domain) is not None:
            found = covered_fields(tags, header)
            covered = found if covered is None else covered & found
    return covered


def _candidates(
    header: MailHeader, domain: str, body: Callable[[], bytes], now: float
) -> Iterator[_Signature | Unacceptable]:
    """The signatures that are aligned with the domain, from the top; those that can prove nothing say why."""
    for index, raw in enumerate(header.all("dkim-signature")):
        try:
            tags = read_tags(raw)
            signer = _signer(tags, domain)
            if signer is None:
                continue
            refuse_weak(tags, header, body, now)
            yield _Signature(
                index=index,
                domain=signer,
                selector=tags[b"s"].decode("ascii"),
                identity=domain_of(tags.get(b"i", b"@" + tags[b"d"]).decode("ascii", "replace")) or "",
                relaxed=tags.get(b"c", b"").endswith(b"/relaxed"),
                covers=covered_fields(tags, header),
            )
        except Unacceptable as error:
            yield error


def _signer(tags: Mapping[bytes, bytes], domain: str) -> str | None:
    """Who signed, where that is aligned with the domain."""
    signer = domain_of(tags.get(b"d", b"").decode("ascii", "replace"))
    return signer if signer is not None and aligned(signer, domain) else None


def _verify(whole: bytes, signature: _Signature, domain: str, look_up: TextLookup) -> None:
    """Raises Unacceptable where it proves nothing, and DirectoryUnavailable."""
    import dkim

    name = f"{signature.selector}._domainkey.{signature.domain}"
    key = mail_key(look_up, name)
    if key is None:
        raise Unacceptable(f"{signature.domain} has no DKIM key of that name")
    if key.strict and signature.identity != signature.domain:
        raise Unacceptable(f"the DKIM key of {signature.domain} is not for domains below it")
    try:
        verifier = dkim.DKIM(whole, logger=silent_logger(), minkey=SMALLEST_KEY_BITS)
        prepare(verifier, whole, relaxed=signature.relaxed)
        valid = verifier.verify(idx=signature.index, dnsfunc=_one_record(name, key))
    except dkim.DKIMException as error:
        raise Unacceptable(f"the DKIM signature of {signature.domain} is not acceptable") from error
    if not valid:
        raise Unacceptable(f"the DKIM signature of {signature.domain} does not fit the mail")
    if signature.domain != domain and wants_its_own_signature(domain, look_up):
        raise Unacceptable(f"{domain} wants signatures of its own, not of {signature.domain}")


def _one_record(name: str, key: Key) -> Callable[..., bytes | None]:
    """dkimpy's way to ask for the key; should it have read another signature than we did, there is none."""

    def text(asked: bytes, timeout: float = 0) -> bytes | None:  # noqa: ARG001 - dkimpy passes it
        return key.record if asked.decode("ascii", "replace").rstrip(".").lower() == name.lower() else None

    return text
