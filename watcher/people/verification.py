"""Proves that a mail's From domain stands behind it, or the domain of whoever forwarded it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from functools import cache
from itertools import product

from msgspec import Struct
from msgspec.structs import replace

from watcher.config.sections import VerifySender
from watcher.errors import DirectoryUnavailable, WatcherError
from watcher.headers import MailHeader, believed_results, clean
from watcher.people.alignment import domain_of
from watcher.people.keys import TextLookup
from watcher.people.names import look_up_text
from watcher.people.results import Judge, judged, sent_by, vouched
from watcher.people.seals import verify_seals
from watcher.people.signatures import covered_by_all, refuse_replayed, verify_signatures
from watcher.people.tags import Unacceptable
from watcher.ports import Proof

log = logging.getLogger(__name__)

# Whoever sends a proven mail on may write a second one above it. That changes what the mail says and holds, and
# neither signatures nor servers have to mind.
_ONCE = ("subject", "content-type", "content-transfer-encoding")
_UNTRIED = Proof(proven=False, how="")


class _Standing(Struct, frozen=True):
    """A domain that may stand for the mail, and what results have to say of it."""

    domain: str
    judge: Judge


class Verification:
    """By the results of a mail server that is believed, else by DKIM signatures, else by ARC seals of `arc_sealers`.

    Safe to call from many threads.

    Whatever cannot be read, or fails in a way nobody thought of, proves nothing.
    """

    def __init__(
        self,
        section: VerifySender,
        *,
        arc_sealers: Iterable[str] = (),
        look_up: TextLookup = look_up_text,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._results_from = section.results_from
        self._dkim = section.dkim
        self._sealers = frozenset(domain.lower() for domain in arc_sealers)
        self._look_up = look_up
        self._clock = clock

    def verify(self, header: MailHeader, whole: Callable[[], bytes], *, forwarder: str | None = None) -> Proof:
        """By `forwarder`, an address, its domain may stand for the mail as well as From's.

        Raises DirectoryUnavailable where name servers cannot be asked now, or this machine lacks room for it, and what
        else `whole` raises.
        """
        try:
            return self._proof(header, cache(whole), forwarder)
        except WatcherError:
            raise
        except (OSError, MemoryError) as error:  # no room on the disk, say: that is no word about the mail
            detail = clean(str(error)) or type(error).__name__
            raise DirectoryUnavailable(f"a sender cannot be verified now: {detail}") from error
        except Exception as error:  # noqa: BLE001 - fail closed: what a parser stumbles over proves nothing
            log.warning("A mail's sender could not be verified.", extra={"error": type(error).__name__})
            return Proof(proven=False, how=f"the verification failed ({type(error).__name__})")

    def _proof(self, header: MailHeader, whole: Callable[[], bytes], forwarder: str | None) -> Proof:
        domain = domain_of(header.from_address or "")
        if domain is None:
            return Proof(proven=False, how=clean(header.from_problem or "From has no usable domain"))
        if header.doubtful:
            return Proof(proven=False, how="the mail's header can be read in two ways")
        if (doubled := next((name for name in _ONCE if len(header.all(name)) > 1), None)) is not None:
            return Proof(proven=False, how=f"there is more than one {doubled.title()} header")
        stands = [_Standing(domain, judged)]
        passed_on = domain_of(forwarder or "")
        if passed_on is not None and passed_on != domain:
            stands.append(_Standing(passed_on, vouched))
        reasons = []
        for standing, attempt in product(stands, (self._by_results, self._by_signatures, self._by_seals)):
            proof = attempt(header, standing, whole)
            if proof.proven:
                return replace(proof, how=clean(proof.how))
            reasons += [proof.how] if proof.how else []
        told = "; ".join(dict.fromkeys(reasons))
        return Proof(proven=False, how=clean(told or "nothing is believed", limit=240))

    def _by_results(self, header: MailHeader, standing: _Standing, whole: Callable[[], bytes]) -> Proof:
        if self._results_from is None:
            return _UNTRIED
        results = believed_results(header.all("authentication-results"), self._results_from)
        if results is None:
            return Proof(proven=False, how=f"no Authentication-Results of {self._results_from}")
        (proven, how), covers = standing.judge(results, standing.domain), None
        if proven and not sent_by(results, standing.domain):
            try:
                refuse_replayed(header, standing.domain, whole)
                covers = covered_by_all(header, standing.domain)
            except Unacceptable as error:
                proven, how = False, f"{how}, but {error}"
        return Proof(proven=proven, how=f"Authentication-Results: {how}", covers=covers)

    def _by_signatures(self, header: MailHeader, standing: _Standing, whole: Callable[[], bytes]) -> Proof:
        if not self._dkim:
            return _UNTRIED
        if not header.all("dkim-signature"):
            return Proof(proven=False, how="no DKIM signature")
        return verify_signatures(whole(), header, standing.domain, look_up=self._look_up, now=self._clock())

    def _by_seals(self, header: MailHeader, standing: _Standing, whole: Callable[[], bytes]) -> Proof:
        if not self._sealers or not header.all("arc-seal"):
            return _UNTRIED
        return verify_seals(
            whole,
            header,
            standing.domain,
            judge=standing.judge,
            sealers=self._sealers,
            look_up=self._look_up,
            now=self._clock(),
        )
