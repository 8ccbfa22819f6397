"""A secret of the configuration: where it stands, and what it is when it is asked for.

No message repeats a value.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic_core import CoreSchema

from watcher.config.values import FilePath, Text, Unquoted, suggestion

_FORMS = "a secret is written {env: NAME}, {file: PATH} or {credential: NAME}, or as text in quotes"
_PLACES = ("env", "file", "credential")
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")  # as everybody calls them
_FROM_FOLDER = "invoice-watcher"  # as systemd/invoice-watcher.service has it: LoadCredential=invoice-watcher:FOLDER


class Secret(BaseModel):
    """A secret, written as ``{env: NAME}``, ``{file: PATH}``, ``{credential: NAME}`` or, with a warning, plainly.

    The value never shows in `repr`, and is read when it is asked for.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    env: Text | None = Field(None, description="the name of an environment variable")
    file: FilePath | None = Field(None, description="a file that holds nothing else")
    credential: Text | None = Field(None, description="a file in $CREDENTIALS_DIRECTORY (systemd's LoadCredential)")
    _plain: str | None = None

    @model_validator(mode="wrap")
    @classmethod
    def _from_text(cls, value: Any, handler: Any, info: ValidationInfo) -> Secret:
        if value == "":
            raise ValueError("an empty secret; " + _FORMS)
        if isinstance(value, str):
            secret = cls.model_construct()
            secret.__pydantic_private__ = {"_plain": value}
        else:
            secret = _made(value, handler)
        if isinstance(info.context, dict) and info.context.get("secrets"):
            secret.reveal()
        return secret

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        places = handler.resolve_ref_schema(handler(core_schema))["properties"]
        one = [
            {
                "type": "object",
                "properties": {place: {"type": "string", "minLength": 1, "description": places[place]["description"]}},
                "required": [place],
                "additionalProperties": False,
            }
            for place in _PLACES
        ]
        plain = {"type": "string", "description": "the secret itself, with a warning"}
        return {"title": "Secret", "description": _FORMS, "oneOf": [*one, plain]}

    @property
    def plain(self) -> bool:
        """Whether it stands in the configuration itself, which `check` warns of."""
        return self._plain is not None

    def reveal(self) -> str:
        """The value. Raises ValueError, which names the place and never the value."""
        if self._plain is not None:
            return self._plain
        if self.env is None:
            return _read_secret(self._path())
        if not os.environ.get(self.env):
            raise ValueError(_unset(self.env))
        return os.environ[self.env]

    def _path(self) -> Path:
        if self.file is not None:
            return self.file
        directory = os.environ.get("CREDENTIALS_DIRECTORY")
        if directory is None:
            raise ValueError(
                f"the credential {self.credential} needs $CREDENTIALS_DIRECTORY (systemd's LoadCredential)"
            )
        return _credential(Path(directory), str(self.credential))

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__


def _unset(name: str) -> str:
    """A name is shown where it looks like one: some write the secret itself there."""
    if _VARIABLE.fullmatch(name) is None:
        return "no environment variable has the name that stands here: env takes the name of one, not the secret itself"
    return f"the environment variable {name} is {'empty' if name in os.environ else 'not set'}"


def _made(value: Any, handler: Any) -> Secret:
    """The secret that a mapping describes; whatever is wrong with it is one ValueError without the value."""
    if isinstance(value, (int, float, date, Unquoted)):
        raise ValueError("put the secret in quotes, or better: write {env: NAME}, {file: PATH} or {credential: NAME}")
    try:
        made: Secret = handler(value)
    except ValidationError:
        keys = [key for key in value if isinstance(key, str)] if isinstance(value, dict) else []
        hints = {suggestion(key, _PLACES) for key in keys if key not in _PLACES} - {""}
        raise ValueError(_FORMS + "".join(sorted(hints))) from None
    given = [place for place in _PLACES if getattr(made, place) is not None]
    if len(given) != 1:
        raise ValueError(_FORMS if not given else f"only one of {' and '.join(given)}")
    if made.credential is not None and ("/" in made.credential or made.credential in (".", "..")):
        raise ValueError("a credential is a name, not a path")
    return made


def _credential(directory: Path, name: str) -> Path:
    """Under its own name, or as one of the folder that our unit hands over: systemd puts the unit's word before it."""
    if not os.access(directory, os.X_OK):
        return directory / name  # reading it will say why it cannot be read
    for path in (directory / name, directory / f"{_FROM_FOLDER}_{name}"):
        with suppress(OSError):  # of a folder that may not be looked into, say the same
            if path.exists():
                return path
    raise ValueError(
        f"the credential {name} is not in {directory}: put it into /etc/invoice-watcher/credentials/{name}, or name "
        f"its place with LoadCredential in the unit, and restart the service"
    )


def _read_secret(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8-sig").rstrip("\r\n")  # Notepad puts a byte order mark before it
    except OSError as error:
        raise ValueError(f"the secret's file {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise ValueError(f"the secret's file {path} is not text in UTF-8") from None
    if not text:
        raise ValueError(f"the secret's file {path} is empty")
    return text
