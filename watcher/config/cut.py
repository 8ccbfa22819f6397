"""Values that YAML cuts where nobody thinks of it: a blank and # begin a comment, also within a password, & a name."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import yaml

from watcher.config.document import LARGEST_BYTES

# Looked for first: hardly a file has it, and to scan YAML takes long.
_PERHAPS = re.compile(rb"\S #[^\s#]| &\S+ +[^\s#]")
_CUT = re.compile(r" #[^\s#]")  # a comment that is meant as one has a blank behind its sign, or stands further off
_TEXT = "tag:yaml.org,2002:str"
_MEND = "before the # here: put it in quotes where # is a part of it, else write a blank after #"
_ENDS, _NOTHING = f"the value ends {_MEND}", f"nothing is left of the value {_MEND}"
_ANCHOR = "what begins with & here is no part of the value: put all of it in quotes"
# What follows where no value does: the next key, or an end; of an item also the next one, of a key that is its list.
_AFTER_NOTHING = (
    *(yaml.KeyToken, yaml.BlockEndToken, yaml.FlowEntryToken, yaml.FlowMappingEndToken, yaml.FlowSequenceEndToken),
    *(yaml.DocumentEndToken, yaml.StreamEndToken),
)


def cut_short(path: Path) -> list[str]:
    """One line for each text without quotes that may go on behind a `` #``: ``FILE:LINE: what to do``.

    Nothing of the text is quoted: it may be a secret. Raises nothing: whoever loads the file tells what is wrong.
    """
    try:
        data = path.read_bytes()
    except OSError:
        return []
    return [f"{path}:{line}: {message}" for line, message in cuts(data)]


def cuts(data: bytes) -> list[tuple[int, str]]:
    """The line of each in a file, 1 for the first one, with what to do. Raises nothing."""
    if len(data) > LARGEST_BYTES or _PERHAPS.search(data) is None:
        return []
    text = data.decode("utf-8-sig", "replace")
    try:
        tokens = list(yaml.scan(text, Loader=yaml.SafeLoader))
    except (yaml.YAMLError, ValueError, OverflowError):  # of a character that there is not
        return []
    return [(each.end_mark.line + 1, message) for each, message in _found(tokens, text)]


def _found(tokens: list[yaml.Token], text: str) -> Iterator[tuple[yaml.Token, str]]:
    meant = {each.value for each in tokens if isinstance(each, yaml.AliasToken)}
    for each, following in itertools.pairwise(tokens):
        if isinstance(each, yaml.AnchorToken) and each.value not in meant and isinstance(following, yaml.ScalarToken):
            yield each, _ANCHOR
        if _CUT.match(text, each.end_mark.index) is None:
            continue
        if isinstance(each, yaml.ScalarToken) and each.plain and _is_text(each.value):
            yield each, _ENDS
        elif _is_nothing(each, following):
            yield each, _NOTHING


def _is_nothing(each: yaml.Token, following: yaml.Token) -> bool:
    if isinstance(each, yaml.BlockEntryToken):
        return isinstance(following, (*_AFTER_NOTHING, yaml.BlockEntryToken))
    return isinstance(each, yaml.ValueToken) and isinstance(following, _AFTER_NOTHING)


def _is_text(value: str) -> bool:
    """No number and the like: of `8 #at most` nothing is missed."""
    return bool(yaml.SafeLoader("").resolve(yaml.ScalarNode, value, (True, False)) == _TEXT)  # type: ignore[no-untyped-call]  # PyYAML's
