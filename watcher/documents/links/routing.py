"""Which links of a mail are followed, by which recipe, and which of them lead to one and the same invoice. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from watcher.config.sections import Links
from watcher.documents.links.address import HTTPS_PORT, Address
from watcher.documents.links.candidates import Candidate
from watcher.documents.links.recipes import DIRECT, FORMATS, FileFormat, LinkRule, ManualRule, Recipe, Shape, read_host
from watcher.documents.links.template import Lacking

_EXTENSION = re.compile(r"\.(pdf|ofd|xml)\Z", re.IGNORECASE)
# Of hosts of the configuration: what they give is the file.
_OWN_RULE = LinkRule(host=(read_host("~.+"),), steps=DIRECT, pictures=True)
_WORD = re.compile(r"(?<![a-z])(pdf|ofd|xml)(?![a-z])", re.IGNORECASE)


class Route(Struct, frozen=True, kw_only=True):
    """A link that is followed. `recipe` is None for a host of the configuration, which has no platform."""

    address: Address
    label: str
    recipe: Recipe | None
    rule: LinkRule
    variables: Mapping[str, str]
    fallback: Address | None = None

    @property
    def format(self) -> FileFormat | None:
        """What its label, else its address says that it leads to."""
        return format_word(self.label) or format_word(str(self.address))

    @property
    def same(self) -> str:
        """What links to one invoice have in common."""
        address = str(self.address)
        if self.rule.same is not None:
            try:
                return f"{self.rule.host[0].pattern.pattern} {self.rule.same.value(self.variables)}"
            except Lacking:
                return address
        if self.rule.flip is not None:
            return self.rule.flip.sub("*", address)
        return str(replace(self.address, path=_EXTENSION.sub(".*", self.address.path)))


class Manual(Struct, frozen=True, kw_only=True):
    """A link that only a person can follow."""

    address: Address
    recipe: Recipe
    rule: ManualRule


class Plan(Struct, kw_only=True):
    """What to do for a mail: invoices in order, each with its links, the best first."""

    invoices: list[list[Route]] = field(default_factory=list)
    manual: list[Manual] = field(default_factory=list)


class Routing:
    """The recipes that the configuration lets be used, and its own hosts."""

    def __init__(self, links: Links, recipes: Sequence[Recipe]) -> None:
        self._own = frozenset(host.lower().rstrip(".") for host in links.hosts)
        self._recipes = [each for each in recipes if links.known or any(each.has(host) for host in self._own)]

    def allows(self, recipe: Recipe | None, address: Address) -> bool:
        """Whether a redirect or file of this recipe may lie there."""
        return self._is_own(address) or (recipe is not None and recipe.allows(address))

    def route(self, candidate: Candidate) -> Route | Manual | None:
        """By its text, else by its target; None: it is none of ours."""
        found = self.of_address(candidate.address, candidate.label, candidate.fallback)
        if found is None and candidate.fallback is not None:
            return self.of_address(candidate.fallback, candidate.label)
        return found

    def of_address(self, address: Address, label: str = "", fallback: Address | None = None) -> Route | Manual | None:
        for recipe in self._recipes:
            for shape in recipe.shapes:
                variables = shape.match(address)
                if variables is not None:
                    bare = Route(
                        address=address,
                        label=label,
                        recipe=recipe,
                        rule=_OWN_RULE,
                        variables=address.parameters | dict(variables),
                        fallback=fallback,
                    )
                    return _by_shape(shape, bare, recipe)
        if self._is_own(address) and not any(recipe.has(address.host) for recipe in self._recipes):
            return Route(address=address, label=label, recipe=None, rule=_OWN_RULE, variables={}, fallback=fallback)
        return None

    def plan(self, candidates: Iterable[Candidate], accept: Collection[str]) -> Plan:
        plan, invoices = Plan(), _Invoices()
        for candidate in candidates:
            if candidate.within is not None and isinstance(self.of_address(candidate.within), Route):
                continue  # its recipe knows better what its parameters are for
            match self.route(candidate):
                case Route() as route:
                    invoices.add(route)
                case Manual() as manual:
                    plan.manual.append(manual)
                case None:
                    pass
        plan.invoices = [_best_first(routes, accept) for routes in invoices.found]
        return plan

    def _is_own(self, address: Address) -> bool:
        return address.host in self._own and address.port == HTTPS_PORT


class _Invoices:
    """Links gathered by the invoice that they lead to."""

    def __init__(self) -> None:
        self.found: list[list[Route]] = []
        self._by_same: dict[str, list[Route]] = {}
        self._labelled: list[Route] = []  # the last one whose links follow each other with different labels

    def add(self, route: Route) -> None:
        known = self._by_same.get(route.same)
        if known is None and route.rule.labelled and self._continues(route):
            known = self._labelled
        if known is None:
            known = []
            self.found.append(known)
        known.append(route)
        self._by_same[route.same] = known
        if route.rule.labelled:
            self._labelled = known

    def _continues(self, route: Route) -> bool:
        said = {each.format for each in self._labelled}
        of_one = all(each.recipe is route.recipe for each in self._labelled)
        return bool(said) and of_one and None not in said and route.format is not None and route.format not in said


def format_word(text: str) -> FileFormat | None:
    """The format that a label or an address names last."""
    words = [word.lower() for word in _WORD.findall(text)]
    return next((each for each in FORMATS if words and each == words[-1]), None)


def _best_first(routes: Sequence[Route], accept: Collection[str]) -> list[Route]:
    """By format; what says none may be anything, and comes before what is not accepted."""
    wanted = [each for each in FORMATS if each in accept]

    def rank(route: Route) -> int:
        if route.format is None:
            return len(wanted)
        return wanted.index(route.format) if route.format in wanted else len(wanted) + 1

    return sorted(routes, key=rank)


def _by_shape(shape: Shape, bare: Route, recipe: Recipe) -> Route | Manual | None:
    match shape:
        case ManualRule():
            return Manual(address=bare.address, recipe=recipe, rule=shape)
        case LinkRule():
            return replace(bare, rule=shape)
        case _:
            return None
