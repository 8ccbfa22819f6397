"""Whose file it is: the employee number in its place or name, or the login name of its owner."""

from __future__ import annotations

import os
import pwd
import re
import unicodedata

from watcher.config.sections import FixedCode, FromFilename, FromPlace
from watcher.sources.folder.names import for_display

Rule = FromPlace | FromFilename | FixedCode


def code_of(rule: Rule, path: str) -> str | None:
    """The employee number that the rule reads from a path, or None where it says nothing."""
    if isinstance(rule, FixedCode):
        return rule.fixed
    if isinstance(rule, FromFilename):
        return _from_name(rule.pattern, path.rpartition("/")[2])
    if rule.source == "subfolder":
        return _plain(path.partition("/")[0]) if "/" in path else None
    return None


def owner_of(rule: Rule, status: os.stat_result) -> str | None:
    """The login name of the file's owner, where the rule wants that and the machine knows it."""
    if not isinstance(rule, FromPlace) or rule.source != "owner":
        return None
    try:
        return pwd.getpwuid(status.st_uid).pw_name
    except KeyError:
        return None


def _from_name(pattern: re.Pattern[str], name: str) -> str | None:
    found = pattern.search(name)
    if found is None:
        return None
    return _plain((found[1] if pattern.groups else found[0]) or "")


def _plain(text: str) -> str | None:
    """The text, where it can be an employee number at all: no bytes that are no text, no controls.

    Chinese keyboards write ``９０３８５１``, as in a mail's subject.
    """
    stripped = unicodedata.normalize("NFKC", text).strip()
    return stripped if stripped and for_display(stripped) == stripped else None
