"""Values that YAML ends where nobody thinks of it: a blank and # begin a comment, also within a password."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

_PERHAPS = re.compile(rb"\S #[^\s#]")  # looked for first: hardly a file has it, and to scan YAML takes long
_CUT = re.compile(r" #[^\s#]")  # a comment that is meant as one has a blank behind its sign, or stands further off
_TEXT = "tag:yaml.org,2002:str"


def cut_short(path: Path) -> list[str]:
    """One line for each text without quotes that may go on behind a `` #``: ``FILE:LINE: what to do``.

    Nothing of the text is quoted: it may be a secret. Raises nothing: whoever loads the file tells what is wrong.
    """
    try:
        data = path.read_bytes()
    except OSError:
        return []
    if _PERHAPS.search(data) is None:
        return []
    told = "the value ends before the # here: put it in quotes where # is a part of it, else write a blank after #"
    return [f"{path}:{line}: {told}" for line in _lines(data.decode("utf-8-sig", "replace"))]


def _lines(text: str) -> list[int]:
    try:
        scalars = [each for each in yaml.scan(text, Loader=yaml.SafeLoader) if isinstance(each, yaml.ScalarToken)]
    except yaml.YAMLError:
        return []
    return [
        each.end_mark.line + 1
        for each in scalars
        if each.plain and _CUT.match(text, each.end_mark.index) and _is_text(each.value)
    ]


def _is_text(value: str) -> bool:
    """No number and the like: of `8 #at most` nothing is missed."""
    return bool(yaml.SafeLoader("").resolve(yaml.ScalarNode, value, (True, False)) == _TEXT)  # type: ignore[no-untyped-call]  # PyYAML's
