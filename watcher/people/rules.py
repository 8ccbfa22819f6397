"""What `check` says of the rules that read an employee number off an address."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from watcher.config.sections import Rule
from watcher.findings import About
from watcher.model import Finding

_ABOUT = About("directory")
# Of nobody's company: whatever fits these fits any address.
_ANYBODY = ("nobody@invalid.invalid", "903851@invalid.invalid", "a1@b2.invalid")
_CLASSES_AND_NAMES = re.compile(r"\\.|\(\?P?[<=][^)>]*[>)]?|\(\?[aiLmsux-]+", re.DOTALL)


def rule_findings(rules: Sequence[Rule]) -> list[Finding]:
    """Rules that let in anybody, and those that can fit nobody."""
    return [finding for number, rule in enumerate(rules) for finding in _of(number, rule)]


def _of(number: int, rule: Rule) -> Iterator[Finding]:
    place = f"directory.rules[{number}]"
    if any(rule.match.fullmatch(address) for address in _ANYBODY):
        message = f"{place} fits addresses of any company: {rule.match.pattern}"
        yield _ABOUT.note(message, "end match with your own domain, such as @corp\\.example$")
    elif _has_capitals(rule.match):
        message = f"{place} has capital letters, and addresses are compared in small ones: {rule.match.pattern}"
        yield _ABOUT.note(message, "write match in small letters")


def _has_capitals(pattern: re.Pattern[str]) -> bool:
    """Outside of classes such as \\S and of the names of groups."""
    if pattern.flags & re.IGNORECASE:
        return False
    return any(char.isupper() for char in _CLASSES_AND_NAMES.sub("", pattern.pattern))
