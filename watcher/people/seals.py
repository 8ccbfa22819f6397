"""ARC (RFC 8617): what a mail server that is believed saw before a list or gateway changed the mail.

A chain is believed only where every seal in it is by a domain that the administrator names: each sealer vouches
for what the ones before it wrote. Of these only those count that sealed the mail as it has come to us.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from functools import partial

from watcher.headers import MailHeader, read_results
from watcher.people.alignment import domain_of
from watcher.people.keys import SMALLEST_KEY_BITS, TextLookup, mail_key
from watcher.people.reading import body_of, prepare, refuse_two_readings, silent_logger
from watcher.people.results import Judge
from watcher.people.tags import Unacceptable, read_tags, refuse_weak

MOST_SEALS = 5

_INSTANCE = re.compile(r"\A\s*i\s*=\s*\d+\s*;")


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
        _refuse_chain(header, sealers)
        answers = _verified(whole(), header, sealers, look_up, now)
    except Unacceptable as error:
        return False, f"ARC: {error}"
    for sealer, results in answers:
        read = read_results(_INSTANCE.sub("", results, count=1).encode())
        proven, how = judge(read, domain) if read is not None else (False, "")
        if proven:
            return True, f"ARC seal of {sealer}: {how}"
    return False, f"ARC: no sealer saw that {domain} was proven"


def _refuse_chain(header: MailHeader, sealers: Collection[str]) -> None:
    """Before the mail is fetched and name servers are asked: too many seals, and those of others."""
    seals = [read_tags(raw) for raw in header.all("arc-seal")]
    if not 0 < len(seals) <= MOST_SEALS:
        raise Unacceptable("too many seals")
    if any(_domain(tags.get(b"d", b"")) not in sealers for tags in seals):
        raise Unacceptable("a seal of a domain that is not believed")


def _verified(
    whole: bytes, header: MailHeader, sealers: Collection[str], look_up: TextLookup, now: float
) -> list[tuple[str, str]]:
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
    return [(_domain(one["as-domain"]) or "", one["aar-value"].decode("utf-8", "replace")) for one in intact]


def _covering(header: MailHeader, body: Callable[[], bytes], sealers: Collection[str], now: float) -> set[int]:
    """The instances of seals beside which stands a signature that covers enough. The last one's must."""
    covering, problem = set(), "the signature beside the last seal is missing, or of a domain that is not believed"
    last = len(header.all("arc-seal"))
    for raw in header.all("arc-message-signature"):
        tags = read_tags(raw)
        instance = int(tags[b"i"]) if re.fullmatch(rb"\d{1,2}", tags.get(b"i", b"")) else 0
        if _domain(tags.get(b"d", b"")) not in sealers:
            continue
        try:
            refuse_weak(tags, header, body, now)
            covering.add(instance)
        except Unacceptable as error:
            problem = str(error) if instance == last else problem
    if last not in covering:
        raise Unacceptable(problem)
    return covering


def _domain(raw: bytes) -> str | None:
    return domain_of(raw.decode("ascii", "replace"))
