"""The files that the links of a mail lead to."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Collection, Iterable, Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from watcher.config.sections import Limits, Links
from watcher.deadline import Deadline
from watcher.documents.links.address import Address
from watcher.documents.links.candidates import candidates
from watcher.documents.links.errand import Errand
from watcher.documents.links.pages import Browser
from watcher.documents.links.public_network import PublicNetwork
from watcher.documents.links.recipes import Recipe, built_in_recipes
from watcher.documents.links.results import LinkedFile, LinkResult, NotHad, Platform
from watcher.documents.links.routing import Manual, Plan, Route, Routing
from watcher.documents.links.wire import Network, Wire, public_authorities
from watcher.errors import SourceUnavailable
from watcher.model import Reason
from watcher.ports import MailText

log = logging.getLogger(__name__)

MOST_LINKS = 20  # of one mail


class Patience(Struct, frozen=True, kw_only=True):
    """How long fetching may take, in seconds, whatever the servers do."""

    link: float = 30.0
    mail: float = 90.0


class LinkFetcher:
    """Follows links to the hosts and platforms that the configuration allows; safe to call from many threads.

    `network`, `tls`, `recipes` and `patience` are the internet, the system's authorities and what ships with the
    package, unless a test gives others.
    """

    def __init__(
        self,
        *,
        links: Links,
        accept: Sequence[str],
        limits: Limits,
        network: Network | None = None,
        tls: ssl.SSLContext | None = None,
        recipes: Sequence[Recipe] | None = None,
        patience: Patience | None = None,
    ) -> None:
        self._active = links.are_followed
        self._accept = frozenset(accept)
        self._limits = limits
        self._patience = patience or Patience()
        self._routing = Routing(links, _recipes(recipes) if self._active else [])
        self._wire = Wire(network or PublicNetwork(), tls or public_authorities())

    def fetch(self, texts: Iterable[MailText]) -> list[LinkResult]:
        """What the links in a mail's texts lead to, one result an invoice, in the mail's order; then those that only
        a person can open. Of more than MOST_LINKS the first surplus one is told, with TOO_MANY.

        Whoever calls closes the files. Raises what reading the texts raises, SourceUnavailable where the disk has
        no room, and nothing for what the network does.
        """
        if not self._active:
            return []
        plan = self._routing.plan(candidates(texts), self._accept)
        mail = Deadline(self._patience.mail)
        results: list[LinkResult] = []
        try:
            for routes in plan.invoices[:MOST_LINKS]:
                said = frozenset(str(each.address) for each in routes)
                results += [replace(each, said=said) for each in self._invoice(routes, mail)]
        except OSError as error:
            _close(results)
            raise SourceUnavailable(f"a linked file cannot be kept here: {error.strerror or 'no room'}") from error
        except BaseException:
            _close(results)
            raise
        surplus = [_result(routes[0], _TOO_MANY) for routes in plan.invoices[MOST_LINKS:][:1]]
        return [*_without_noise(_distinct(results)), *_manual(plan), *surplus]

    def _invoice(self, routes: Sequence[Route], mail: Deadline) -> list[LinkResult]:
        """By the best of its links that works."""
        first: list[LinkResult] = []
        for route in _with_fallbacks(routes, self._routing):
            results = [_result(route, outcome) for outcome in self._follow(route, mail.within(self._patience.link))]
            if any(each.file is not None for each in results):
                return results
            if not first or (_is_again(results) and not _is_again(first)):
                first = results
        return first

    def _follow(self, route: Route, deadline: Deadline) -> list[LinkedFile | NotHad]:
        if not deadline.remaining():
            return [NotHad(Reason.LINK_UNREACHABLE, "the time for the links of one mail is over", again=True)]
        browser = Browser(
            wire=self._wire,
            deadline=deadline,
            judge=lambda address: self._judge(route, address),
            accept=self._accept,
            largest_bytes=self._limits.document,
            pictures=route.rule.pictures,
            platform=route.recipe.platform.zh if route.recipe is not None else None,
        )
        outcomes = Errand(browser=browser, route=route).run()
        for outcome in outcomes:
            _log(route, outcome)
        return outcomes

    def _judge(self, route: Route, address: Address) -> None:
        """Raises NotHad for an address that may not be asked for on behalf of this link."""
        if self._routing.allows(route.recipe, address):
            found = self._routing.of_address(address)
            if isinstance(found, Manual):
                raise NotHad(_reason_of(found), "it leads to a page that only a person can use")
            return
        log.info("A link leads to a host that is not allowed.", extra={"host": route.address.host, "to": address.host})
        raise NotHad(Reason.LINK_REFUSED, "it leads to a host that is not allowed")


_TOO_MANY = NotHad(Reason.TOO_MANY, "there are too many links in the mail")


def _recipes(given: Sequence[Recipe] | None) -> Sequence[Recipe]:
    return built_in_recipes() if given is None else given


def _with_fallbacks(routes: Sequence[Route], routing: Routing) -> Iterator[Route]:
    """Where a link's words and its target both are links of ours, the target is tried after the words."""
    yield from routes
    for route in routes:
        if route.fallback is not None and isinstance(found := routing.of_address(route.fallback, route.label), Route):
            yield found


def _result(route: Route, outcome: LinkedFile | NotHad) -> LinkResult:
    link, host = str(route.address), route.address.host
    if isinstance(outcome, LinkedFile):
        return LinkResult(link=link, host=host, platform=_platform(route.recipe), file=outcome)
    reason = outcome.reason
    if reason is Reason.LINK_EXPIRED and route.recipe is None:
        reason = Reason.LINK_NO_DOCUMENT
    return LinkResult(link=link, host=host, platform=_platform(route.recipe), reason=reason, again=outcome.again)


def _manual(plan: Plan) -> list[LinkResult]:
    return [
        LinkResult(
            link=str(each.address), host=each.address.host, platform=_platform(each.recipe), reason=_reason_of(each)
        )
        for each in plan.manual[:MOST_LINKS]
    ]


def _reason_of(manual: Manual) -> Reason:
    return Reason.LINK_LOGIN if manual.rule.why == "login" else Reason.LINK_BROWSER


def _platform(recipe: Recipe | None) -> Platform | None:
    return None if recipe is None else Platform(zh=recipe.platform.zh, en=recipe.platform.en)


def _distinct(results: Sequence[LinkResult]) -> list[LinkResult]:
    """The first of those that have the same bytes."""
    kept: list[LinkResult] = []
    seen: dict[str, int] = {}
    for each in results:
        if each.file is None:
            kept.append(each)
            continue
        index = seen.setdefault(each.file.content.sha256, len(kept))
        if index < len(kept):
            each.file.close()
            kept[index] = replace(kept[index], said=kept[index].said | each.said)
        else:
            kept.append(each)
    return kept


def _without_noise(results: Sequence[LinkResult]) -> list[LinkResult]:
    """Pages of a host of the configuration say nothing where another link of that host gave a document."""
    giving: Collection[str] = {each.host for each in results if each.file is not None}
    return [each for each in results if not (each.reason is Reason.LINK_NO_DOCUMENT and each.host in giving)]


def _is_again(results: Sequence[LinkResult]) -> bool:
    return any(each.again for each in results)


def _close(results: Sequence[LinkResult]) -> None:
    for each in results:
        if each.file is not None:
            each.file.close()


def _log(route: Route, outcome: LinkedFile | NotHad) -> None:
    about = {"host": route.address.host, "platform": route.recipe.platform.en if route.recipe is not None else None}
    if isinstance(outcome, LinkedFile):
        log.info("A linked file was fetched.", extra={**about, "bytes": outcome.content.size})
    else:
        log.info("A linked file was not had.", extra={**about, "reason": outcome.reason, "detail": str(outcome)})
