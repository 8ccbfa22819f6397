"""The platforms' recipes as data: what recipes.yaml may say, and which of it a link fits."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Annotated, Any, Literal, Self

from msgspec import Struct
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, model_validator

from watcher.documents.links.address import HTTPS_PORT, Address
from watcher.documents.links.template import Template

FileFormat = Literal["pdf", "ofd", "xml"]
FORMATS: tuple[FileFormat, ...] = ("pdf", "ofd", "xml")  # the best first, where several are accepted

_HOST_AND_PORT = re.compile(r"(~.+?|\.?[a-z0-9-]+(?:\.[a-z0-9-]+)+)(?::(\d{2,5}))?")


class HostPattern(Struct, frozen=True):
    """One host and port, those below a name, or those that a pattern fits whole."""

    pattern: re.Pattern[str]
    port: int

    def matches(self, host: str, port: int = HTTPS_PORT) -> bool:
        return port == self.port and self.pattern.fullmatch(host) is not None

    def names(self, host: str) -> bool:
        """Whether it is this host's, at whatever port."""
        return self.pattern.fullmatch(host) is not None


def read_host(written: Any) -> HostPattern:
    """``a.example``, ``a.example:8443``, ``.a.example`` (what is below it) or ``~pattern``."""
    if isinstance(written, HostPattern):
        return written
    found = _HOST_AND_PORT.fullmatch(str(written))
    if found is None:
        raise ValueError("not a host")
    text, port = found.groups()
    if text.startswith("~"):
        pattern = text[1:]
    elif text.startswith("."):
        pattern = rf"(?:[a-z0-9_-]+\.)+{re.escape(text[1:])}"
    else:
        pattern = re.escape(text)
    return HostPattern(_read_pattern(pattern), int(port) if port else HTTPS_PORT)


def _read_pattern(written: Any) -> Any:
    try:
        return re.compile(written) if isinstance(written, str) else written
    except re.error as error:
        raise ValueError(f"not a pattern: {error}") from error


def _read_template(written: Any) -> Any:
    return Template.of(written) if isinstance(written, str) else written


def _read_list(written: Any) -> Any:
    return [written] if isinstance(written, str) else written


Host = Annotated[HostPattern, BeforeValidator(read_host)]
Pattern = Annotated[re.Pattern[str], BeforeValidator(_read_pattern)]
Text = Annotated[Template, BeforeValidator(_read_template)]
Paths = Annotated[tuple[str, ...], BeforeValidator(_read_list)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


# ------------------------------------------------------------------------------------------ steps


class Visit(_Part):
    """Ask for a page, following redirects."""

    visit: Text


class Question(_Part):
    """A request whose answer is JSON."""

    get: Text | None = None
    post: Text | None = None
    form: dict[str, Text] | None = None
    data: dict[str, Text] | None = None

    @property
    def template(self) -> Template:
        """Where it is put."""
        return self.post or self.get or Template.of("{link}")

    @model_validator(mode="after")
    def _is_one_request(self) -> Self:
        if (self.get is None) == (self.post is None) or (self.get and (self.form or self.data)):
            raise ValueError("needs either get, or post with form or data")
        return self


class Ask(_Part):
    """Questions, put until one is answered as expected; what is kept of the answer."""

    ask: tuple[Question, ...] = Field(min_length=1)
    expect: dict[str, str] = {}
    rows: str | None = None
    unless: tuple[str, ...] = ()
    keep: dict[str, Paths] = {}
    formats: str | None = None


class Inputs(_Part):
    """Hidden fields of the page."""

    inputs: tuple[str, ...] = Field(min_length=1)


class Anchors(_Part):
    """The page's links by format."""

    anchors: Literal[True]


class Capture(_Part):
    """Groups of a pattern in the page."""

    capture: Pattern


class File(_Part):
    """Addresses to be tried as the file."""

    file: Text | dict[FileFormat, Text]
    words: dict[FileFormat, str] = {}

    @model_validator(mode="after")
    def _has_words_where_they_are_needed(self) -> Self:
        if bool(self.words) != (isinstance(self.file, Template) and "format" in self.file.variables):
            raise ValueError("{format} and words need each other")
        return self


class Flip(_Part):
    """The link with another format in it."""

    flip: Pattern
    words: dict[FileFormat, str] = Field(min_length=1)


Step = Visit | Ask | Inputs | Anchors | Capture | File | Flip

DIRECT: tuple[Step, ...] = (Visit(visit=Template.of("{link}")),)


# ------------------------------------------------------------------------------------------ rules


class Shape(_Part):
    """What a link looks like."""

    host: tuple[Host, ...] = Field(min_length=1)
    path: Pattern | None = None
    query: dict[str, Pattern] = {}
    fragment: Pattern | None = None

    def match(self, address: Address) -> Mapping[str, str] | None:
        """The variables that its patterns name; None where it does not fit."""
        if not any(host.matches(address.host, address.port) for host in self.host):
            return None
        parameters = address.parameters
        if any(pattern.fullmatch(parameters.get(name, "")) is None for name, pattern in self.query.items()):
            return None
        found: dict[str, str] = {}
        for pattern, match in self._matches(address):
            if pattern is not None and match is None:
                return None
            found |= {name: value for name, value in (match.groupdict() if match else {}).items() if value}
        return found

    def _matches(self, address: Address) -> list[tuple[re.Pattern[str] | None, re.Match[str] | None]]:
        return [
            (self.path, self.path.fullmatch(address.path) if self.path else None),
            (self.fragment, self.fragment.match(address.fragment) if self.fragment else None),
        ]


class LinkRule(Shape):
    """A link that leads to an invoice."""

    steps: tuple[Step, ...] = Field(DIRECT, min_length=1)
    same: Text | None = None
    pictures: bool = False
    labelled: bool = False

    @property
    def flip(self) -> re.Pattern[str] | None:
        """What of the address says the format."""
        return next((step.flip for step in self.steps if isinstance(step, Flip)), None)


class ManualRule(Shape):
    """A link that only a person can follow."""

    why: Literal["login", "browser"]


class PlatformName(_Part):
    """For people."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)


class Recipe(_Part):
    """One platform."""

    platform: PlatformName
    hosts: tuple[Host, ...] = ()
    links: tuple[LinkRule, ...] = ()
    manual: tuple[ManualRule, ...] = ()
    ignore: tuple[Shape, ...] = ()

    @property
    def shapes(self) -> tuple[Shape, ...]:
        return (*self.ignore, *self.manual, *self.links)

    def allows(self, address: Address) -> bool:
        """Whether its redirects and files may lead there."""
        hosts = (*self.hosts, *(host for rule in self.links for host in rule.host))
        return any(host.matches(address.host, address.port) for host in hosts)

    def has(self, host: str) -> bool:
        """Whether the host is one that its links have."""
        return any(pattern.names(host) for rule in (*self.links, *self.manual) for pattern in rule.host)


_RECIPES: TypeAdapter[tuple[Recipe, ...]] = TypeAdapter(tuple[Recipe, ...])


def read_recipes(data: Any) -> Sequence[Recipe]:
    """Recipes from what YAML made of them. Raises pydantic.ValidationError, with every fault of them."""
    return _RECIPES.validate_python(data)


def built_in_recipes() -> Sequence[Recipe]:
    """Those that ship with the package."""
    import yaml

    text = resources.files(__package__).joinpath("recipes.yaml").read_text(encoding="utf-8")
    return read_recipes(yaml.safe_load(text))
