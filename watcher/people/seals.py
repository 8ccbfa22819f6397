"""ARC (RFC 8617): what a mail server that is believed saw before a list or gateway changed the mail.

A chain is believed only where every seal in it is by a domain that the administrator names: each sealer vouches
for what the ones before it wrote.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from watcher.headers import MailHeader
from watcher.people.alignment import domain_of
from watcher.people.results import Judge, read_results
from watcher.people.signatures import (
    SMALLEST_KEY_BITS,
    TextLookup,
    Unacceptable,
    mail_key,
    read_tags,
    refuse_weak,
    silent_logger,
)

MOST_SEALS = 5

_INSTANCE = re.compile(r"\s*i\s*=\s*\d+\s*;")


def verify_seals(
    whole: Callable[[], bytes],
    header: MailHeader,
    domain: str,
    *,
    judge: Judge,
    sealers: Collection[str],
    look_up: TextLookup,
    now: float,
) -> tuple[bool, str]:
    """Whether a believed chain says that the domain stood for the mail, as `judge` reads it, and by what or why not.

    `sealers` in lower case. Raises DirectoryUnavailable where a name server cannot be asked.
    """
    try:
        _refuse_chain(header, sealers, now)
        answers = _verified(whole(), sealers, look_up)
    except Unacceptable as error:
        return False, f"ARC: {error}"
    for sealer, results in answers:
        read = read_results(_INSTANCE.sub("", results, count=1).encode())
        proven, how = judge(read, domain) if read is not None else (False, "")
        if proven:
            return True, f"ARC seal of {sealer}: {how}"
    return False, f"ARC: no sealer saw that {domain} was proven"


def _refuse_chain(header: MailHeader, sealers: Collection[str], now: float) -> None:
    """Before name servers are asked: too many seals, those of others, and a signature that covers too little."""
    seals = [read_tags(raw) for raw in header.all("arc-seal")]
    if not 0 < len(seals) <= MOST_SEALS:
        raise Unacceptable("too many seals")
    if any(_domain(tags.get(b"d", b"")) not in sealers for tags in seals):
        raise Unacceptable("a seal of a domain that is not believed")
    signatures = [read_tags(raw) for raw in header.all("arc-message-signature")]
    latest = [tags for tags in signatures if tags.get(b"i") == str(len(seals)).encode()]
    if len(latest) != 1 or _domain(latest[0].get(b"d", b"")) not in sealers:
        raise Unacceptable("the signature beside the last seal is missing, or of a domain that is not believed")
    refuse_weak(latest[0], header, now)


def _verified(whole: bytes, sealers: Collection[str], look_up: TextLookup) -> list[tuple[str, str]]:
    """The sealers with what they saw, the first one first. Raises Unacceptable for a broken chain."""
    import dkim

    def text(name: bytes, timeout: float = 0) -> bytes | None:  # noqa: ARG001 - dkimpy passes it
        return mail_key(look_up, name.decode("ascii", "replace").rstrip("."))

    chain = dkim.ARC(whole, logger=silent_logger(), minkey=SMALLEST_KEY_BITS)
    state, found, _reason = chain.verify(dnsfunc=text)
    if state != dkim.CV_Pass:
        raise Unacceptable("the chain of seals is broken")
    sealed = [(_domain(one["as-domain"]), one["aar-value"].decode("utf-8", "replace")) for one in reversed(found)]
    if any(sealer not in sealers for sealer, _ in sealed):
        raise Unacceptable("a seal of a domain that is not believed")
    return [(sealer or "", results) for sealer, results in sealed]


def _domain(raw: bytes) -> str | None:
    return domain_of(raw.decode("ascii", "replace"))
