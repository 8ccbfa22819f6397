"""The small value types of the configuration: quantities, addresses, paths, templates.

Whatever is wrong is raised as a ValueError that says in plain words what to write instead, and never
repeats the value: it may be a secret that stands in the wrong place.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable, Collection
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from msgspec import Struct
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    ValidationInfo,
    WithJsonSchema,
)

from watcher.config.quantities import RateLimit, format_rate, parse_date, parse_rate, parse_size, some_time
from watcher.durations import format_duration, parse_duration
from watcher.headers import mailbox, named_address

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_ADDRESS = r"[^\s@<>(),;:\"\\\[\]]+@[^\s@<>(),;:\"\\\[\]]+"
_NO_PATH_HERE = re.compile(r"\\\\|[A-Za-z]:[\\/]|[A-Za-z]{2,}://")
_DOMAIN = r"(?:[\w-]{1,63}\.)*[\w-]{1,63}"


class Unquoted(Struct, frozen=True):
    """What YAML makes of an unquoted text that is no text: ``0123`` is octal, ``12:30`` counts in sixties.

    No field takes it, so that such a value is always asked back for, never silently another one.
    """

    raw: str


def suggestion(word: str, known: Collection[str]) -> str:
    """``; did you mean X?``, or nothing where no known word is near."""
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""


def parse_regex(value: Any) -> re.Pattern[str]:
    if isinstance(value, re.Pattern):
        return value
    if not isinstance(value, str):
        raise ValueError("not a regular expression: write it in single quotes")
    try:
        return re.compile(value)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"not a regular expression: {error}") from error


def parse_zone(value: Any) -> ZoneInfo:
    if isinstance(value, ZoneInfo):
        return value
    try:
        return ZoneInfo(value)
    except (KeyError, ValueError, TypeError, OSError) as error:
        raise ValueError("not a time zone: write a name such as Asia/Shanghai") from error


_NO_SENDER = "not a mail address: write name@corp.example or Name <name@corp.example>"


def _sendable(value: str) -> str:
    """As it is read where mails are written: what one reader takes and the other does not would end a daemon."""
    if mailbox(named_address(value)[1])[0] is None:
        raise ValueError(_NO_SENDER)
    return value


def _like(pattern: str, complaint: str) -> Callable[[str], str]:
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if compiled.fullmatch(value) is None:
            raise ValueError(complaint)
        return value

    return check


_INVISIBLE = ("Cc", "Cs")  # control characters, and halves of characters that no file or server takes


def visible(value: str) -> str:
    """Raises ValueError where something in it can neither be seen nor stand in a name."""
    if any(unicodedata.category(character) in _INVISIBLE for character in value):
        raise ValueError("has a character in it that cannot be seen: take it out")
    return value


def web_address(value: str) -> str:
    """Raises ValueError where no request could be sent to it."""
    if not re.match(r"https?://[^\s/?#]+\S*$", visible(value)):
        raise ValueError("not a web address: it must begin with https:// or http://")
    if not can_have_server(value):
        raise ValueError("not a web address: its host or port cannot be")
    return value


def can_have_server(url: str) -> bool:
    """Whether an address has a host and, where it has one, a port that can be."""
    try:
        return bool(urlsplit(url).hostname) and urlsplit(url).port != 0
    except ValueError:
        return False


def can_be_host(name: str) -> bool:
    """Whether a name server could be asked for it: an empty or endless part between dots is none."""
    try:
        name.encode("idna")
    except UnicodeError:
        return False
    return True


def placeholders(template: str, allowed: Collection[str]) -> set[str]:
    """Which placeholders a template has. Raises ValueError where it has others, or a brace too many."""
    found = _PLACEHOLDER.findall(template)
    shown = " ".join(f"{{{name}}}" for name in allowed)
    for name in found:
        if name not in allowed:
            raise ValueError(f"unknown placeholder{suggestion(name, allowed)} (there are {shown})")
    if re.search(r"[{}]", _PLACEHOLDER.sub("", template)):
        raise ValueError(f"a brace without its partner (placeholders are {shown})")
    return set(found)


def base_of(info: ValidationInfo) -> Path | None:
    """The directory of the configuration file, where one is being read."""
    return info.context.get("base") if isinstance(info.context, dict) else None


def parse_path(value: Any, info: ValidationInfo) -> Path:
    """Relative paths start at the directory of the configuration file."""
    if not isinstance(value, (str, Path)) or not str(value):
        raise ValueError("not a path: write it as text, in quotes")
    visible(str(value))
    if _NO_PATH_HERE.match(str(value)):
        raise ValueError("not a path of this machine: mount the share here, and write the folder that it is mounted on")
    base = base_of(info)
    return base / value if base is not None else Path(value)


def _authorities(path: Path, info: ValidationInfo) -> Path:
    """Read where secrets are read too: who has no right to those may lack this one as well."""
    if not isinstance(info.context, dict) or not info.context.get("secrets"):
        return path
    from watcher.tls import require_authorities

    return require_authorities(path)


def _schema(**keys: Any) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", **keys})


AnyDuration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, return_type=str),
    _schema(examples=["90s"], pattern=r"^\s*\d+(\.\d+)?(ms|s|m|h|d)\s*$"),
]
Duration = Annotated[AnyDuration, AfterValidator(some_time)]
Size = Annotated[
    int,
    BeforeValidator(parse_size),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string"}], "examples": ["20MB"]}),
]
Rate = Annotated[
    RateLimit,
    BeforeValidator(parse_rate),
    PlainSerializer(format_rate, return_type=str),
    _schema(examples=["5/s"], pattern=r"^\s*\d+/(s|m|h)\s*$"),
]
Day = Annotated[date, BeforeValidator(parse_date), _schema(format="date", examples=["2026-01-31"])]
Regex = Annotated[
    re.Pattern[str],
    BeforeValidator(parse_regex),
    PlainSerializer(lambda value: value.pattern, return_type=str),
    _schema(format="regex"),
]
TimeZone = Annotated[
    ZoneInfo,
    BeforeValidator(parse_zone),
    PlainSerializer(str, return_type=str),
    _schema(examples=["Asia/Shanghai"]),
]
FilePath = Annotated[Path, BeforeValidator(parse_path), _schema(format="path")]
AuthorityFile = Annotated[Path, BeforeValidator(parse_path), AfterValidator(_authorities), _schema(format="path")]
Text = Annotated[str, Field(min_length=1), AfterValidator(visible)]
Name = Annotated[
    str,
    AfterValidator(
        _like(
            r"[A-Za-z0-9][A-Za-z0-9_.-]*",
            "not a name: use only letters, digits, dot, hyphen and underscore, and begin with a letter or digit",
        )
    ),
    _schema(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"),
]
HeaderName = Annotated[
    str,
    AfterValidator(
        _like(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", "not the name of a header: use letters, digits and hyphens, no blanks")
    ),
]
HttpUrl = Annotated[
    str,
    AfterValidator(web_address),
    _schema(pattern=r"^https?://[^\s/?#]+"),
]
Address = Annotated[
    str, AfterValidator(_like(_ADDRESS, "not a mail address such as name@corp.example")), _schema(format="email")
]
NamedAddress = Annotated[
    str,
    AfterValidator(
        _like(
            rf"{_ADDRESS}|[^<>\r\n]*<{_ADDRESS}>",
            _NO_SENDER,
        )
    ),
    AfterValidator(_sendable),
    _schema(examples=["发票助手 <fapiao@corp.example>"]),
]
SenderPattern = Annotated[
    str,
    AfterValidator(_like(rf"{_ADDRESS}|\*@{_DOMAIN}", "neither a mail address nor *@domain (put *@domain in quotes)")),
    _schema(examples=["*@corp.example"]),
]
Domain = Annotated[
    str, AfterValidator(_like(_DOMAIN, "not a domain name such as corp.example")), _schema(format="hostname")
]
