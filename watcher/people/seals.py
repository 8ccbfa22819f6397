"""ARC (RFC 8617): what a mail server that is believed saw before a list or gateway changed the mail.

A chain is believed only where every seal in it is by a domain that the administrator names: each sealer vouches
for what the ones before it wrote. Of these only those count that sealed the mail as it has come to us.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from functools import partial

from msgspec import Struct

from watcher.headers import MailHeader, Results, read_results
from watcher.people.alignment import domain_of
from watcher.people.keys import SMALLEST_KEY_BITS, TextLookup, mail_key
from watcher.people.reading import body_of, prepare, refuse_two_readings, silent_logger
from watcher.people.results import Judge, sent_by
from watcher.people.signatures import covered_by_all
from watcher.people.tags import Unacceptable, covered_fields, read_tags, refuse_weak
from watcher.ports import Proof

MOST_SEALS = 5

_INSTANCE = re.compile(rb"\A\s*i\s*=\s*\d+\s*;")


class _Seen(Struct, frozen=True, kw_only=True):
    """What a sealer saw of the mail, and the header fields that it has sealed as they are."""

    sealer: str
    results: Results | None
    covers: frozenset[str]


def verify_seals(
    whole: Callable[[], bytes],
    header: MailHeader,
    domain: str,
    *,
    judge: Judge,
    sealers: Collection[str],
    look_up: TextLookup,
    now: float,
) -> Proof:
    """Whether a believed chain says that the domain stood for the mail, as `judge` reads it, and by what or why not.

    It covers what the sealer has sealed, and where the domain has not sent the mail to the sealer itself, what
    all signatures of the domain's in it cover, too: somebody else may have sent it there.

    `sealers` in lower case. Raises DirectoryUnavailable where a name server cannot be asked.
    """
    try:
        _refuse_chain(header, sealers)
        for seen in _verified(whole(), header, sealers, look_up, now):
            proven, how = judge(seen.results, domain) if seen.results is not None else (False, "")
            if seen.results is not None and proven:
                signed = None if sent_by(seen.results, domain) else covered_by_all(header, domain)
                covers = seen.covers if signed is None else seen.covers & signed
                return Proof(proven=True, how=f"ARC seal of {seen.sealer}: {how}", covers=covers)
    except Unacceptable as error:
        return Proof(proven=False, how=f"ARC: {error}")
    return Proof(proven=False, how=f"ARC: no sealer saw that {domain} was proven")


def _refuse_chain(header: MailHeader, sealers: Collection[str]) -> None:
    """Before the mail is fetched and name servers are asked: too many seals, and those of others."""
    seals = [read_tags(raw) for raw in header.all("arc-seal")]
    if not 0 < len(seals) <= MOST_SEALS:
        raise Unacceptable("too many seals")
    if any(_domain(tags.get(b"d", b"")) not in sealers for tags in seals):
        raise Unacceptable("a seal of a domain that is not believed")


def _verified(
    whole: bytes, header: MailHeader, sealers: Collection[str], look_up: TextLookup, now: float
) -> list[_Seen]:
    """The sealers that sealed the mail as it is, with what they saw, the first one first.

    What a sealer saw of a mail that was changed afterwards says nothing of what it is now: whoever changed it
    need not have been one of them. Raises Unacceptable for a broken chain.
    """
    import dkim

    def text(name: bytes, timeout: float = 0) -> bytes | None:  # noqa: ARG001 - dkimpy passes it
        key = mail_key(look_up, name.decode("ascii", "replace").rstrip("."))
        return None if key is None else key.record

    refuse_two_readings(whole, header)
    covering = _covering(header, partial(body_of, whole), sealers, now)
    try:
        chain = dkim.ARC(whole, logger=silent_logger(), minkey=SMALLEST_KEY_BITS)
        prepare(chain, whole, relaxed=True)
        state, found, _reason = chain.verify(dnsfunc=text)
    except dkim.DKIMException as error:
        raise Unacceptable("the chain of seals is broken") from error
    if state != dkim.CV_Pass:
        raise Unacceptable("the chain of seals is broken")
    if any(_domain(one["as-domain"]) not in sealers for one in found):
        raise Unacceptable("a seal of a domain that is not believed")
    intact = [one for one in reversed(found) if one["ams-valid"] and one["instance"] in covering]
    return [
        _Seen(
            sealer=_domain(one["as-domain"]) or "",
            results=read_results(_INSTANCE.sub(b"", one["aar-value"], count=1)),
            covers=covering[one["instance"]],
        )
        for one in intact
    ]


def _covering(
    header: MailHeader, body: Callable[[], bytes], sealers: Collection[str], now: float
) -> Mapping[int, frozenset[str]]:
    """The instances of seals beside which stands a signature that covers enough, and what. The last one's must."""
    covering: dict[int, frozenset[str]] = {}
    problem = "the signature beside the last seal is missing, or of a domain that is not believed"
    last = len(header.all("arc-seal"))
    for raw in header.all("arc-message-signature"):
        tags = read_tags(raw)
        instance = int(tags[b"i"]) if re.fullmatch(rb"\d{1,2}", tags.get(b"i", b"")) else 0
        if _domain(tags.get(b"d", b"")) not in sealers:
            continue
        try:
            refuse_weak(tags, header, body, now)
            covering[instance] = covered_fields(tags, header) & covering.get(instance, covered_fields(tags, header))
        except Unacceptable as error:
            problem = str(error) if instance == last else problem
    if last not in covering:
        raise Unacceptable(problem)
    return covering


def _domain(raw: bytes) -> str | None:
    return domain_of(raw.decode("ascii", "replace"))
