"""The small value types of the configuration: durations, sizes, rates, secrets."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, WithJsonSchema, model_validator

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(B|kB|KB|MB|GB)", re.ASCII)
_BYTES = {"B": 1, "kB": 1000, "KB": 1000, "MB": 1000**2, "GB": 1000**3}
_RATE = re.compile(r"(\d+)/(s|m|h)")


def parse_duration(value: Any) -> timedelta:
    """``90s``, ``15m``, ``2h``, ``3d``; raises ValueError."""
    if isinstance(value, timedelta):
        return value
    found = _DURATION.fullmatch(str(value).strip()) if isinstance(value, str) else None
    if found is None:
        raise ValueError("not a duration: write a number and a unit, such as 90s, 15m, 2h or 3d")
    return timedelta(seconds=float(found[1]) * _SECONDS[found[2]])


def parse_size(value: Any) -> int:
    """``20MB`` (decimal units) or a whole number of bytes; raises ValueError."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    found = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise ValueError("not a size: write a number and a unit, such as 500kB or 20MB")
    return int(float(found[1]) * _BYTES[found[2]])


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most `count` within each `seconds`."""

    count: int
    seconds: float


def parse_rate(value: Any) -> RateLimit:
    """``5/s``, ``100/m``; raises ValueError."""
    if isinstance(value, RateLimit):
        return value
    found = _RATE.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None or int(found[1]) == 0:
        raise ValueError("not a rate: write a number and a unit, such as 5/s or 100/m")
    return RateLimit(int(found[1]), _SECONDS[found[2]])


def parse_regex(value: Any) -> re.Pattern[str]:
    if isinstance(value, re.Pattern):
        return value
    if not isinstance(value, str):
        raise ValueError("not a regular expression")
    try:
        return re.compile(value)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from error


def _text(example: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "examples": [example]})


Duration = Annotated[timedelta, BeforeValidator(parse_duration), _text("90s")]
Size = Annotated[int, BeforeValidator(parse_size), _text("20MB")]
Rate = Annotated[RateLimit, BeforeValidator(parse_rate), _text("5/s"), PlainSerializer(str)]
Regex = Annotated[re.Pattern[str], BeforeValidator(parse_regex), WithJsonSchema({"type": "string", "format": "regex"})]


class Secret(BaseModel):
    """A secret, written as ``{env: NAME}``, ``{file: PATH}``, ``{credential: NAME}`` or, with a warning, plainly.

    The value never shows in `repr`, and is read when it is asked for.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    env: str | None = None
    file: Path | None = None
    credential: str | None = None
    _plain: str | None = None

    @model_validator(mode="wrap")
    @classmethod
    def _from_text(cls, value: Any, handler: Any) -> Secret:
        if isinstance(value, str):
            secret = cls.model_construct()
            secret.__pydantic_private__ = {"_plain": value}
            return secret
        made: Secret = handler(value)
        given = [name for name in ("env", "file", "credential") if getattr(made, name) is not None]
        if len(given) != 1:
            raise ValueError("a secret is one of {env: NAME}, {file: PATH}, {credential: NAME} or a text")
        return made

    @property
    def plain(self) -> bool:
        """Whether it stands in the configuration itself, which `check` warns of."""
        return self._plain is not None

    def reveal(self) -> str:
        """The value. Raises ValueError, which names the place and never the value."""
        if self._plain is not None:
            return self._plain
        if self.env is not None:
            if self.env not in os.environ:
                raise ValueError(f"the environment variable {self.env} is not set")
            return os.environ[self.env]
        return _read_secret(self._path())

    def _path(self) -> Path:
        if self.file is not None:
            return self.file
        directory = os.environ.get("CREDENTIALS_DIRECTORY")
        if directory is None:
            raise ValueError(f"the credential {self.credential} needs $CREDENTIALS_DIRECTORY (LoadCredential)")
        return Path(directory) / str(self.credential)

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__


def _read_secret(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise ValueError(f"the secret's file {path} cannot be read: {error.strerror}") from error
