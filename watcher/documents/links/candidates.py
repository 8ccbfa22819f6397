"""The links that a mail writes, in order. Pure, and bounded by what is given."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from watcher.documents.links.address import Address, NotAnAddress, read_address
from watcher.documents.links.markup import Anchor, Picture, Words, markup, unescaped
from watcher.ports import MailText

_MOST = 500
_MOST_CHARACTERS = 4_000_000
_LABEL_LENGTH = 80
# ASCII alone: Chinese sentences run into their links without a space.
_BARE = re.compile(r"https?://[!-;=?-~]{4,8192}", re.IGNORECASE)
_BRACKETED = re.compile(r"<(https?://[^<>]{1,8192})>", re.IGNORECASE)
_STARTS_AS_URL = re.compile(r"\s*https?://", re.IGNORECASE)
_WHITE = re.compile(r"\s+")
_TRAILING = "，。；：、！？）】》」』”’…,.;:!?'\"*|`"
_CLOSING = {")": "(", "]": "[", "}": "{"}
_CUT_SHORT = ("...", "…")


class Candidate(Struct, frozen=True, kw_only=True):
    """A link, and the words that stand at it."""

    address: Address
    label: str = ""  # the anchor's text and what precedes it on its line
    fallback: Address | None = None  # where an anchor's text and its target differ: the target
    within: Address | None = None  # the link that has this one as a parameter


def candidates(texts: Iterable[MailText]) -> list[Candidate]:
    """Distinct links. HTML goes first: plain text may have the same ones cut short."""
    given = list(_bounded(texts))
    in_html = _distinct(each for text in given if text.html for each in _of_html(text.text))
    in_plain = _distinct(each for text in given if not text.html for each in _of_plain(text.text))
    whole = [str(each.address) for each in in_html]
    return _distinct([*in_html, *(each for each in in_plain if not _is_cut(str(each.address), whole))])


def addresses(url: str) -> list[Address]:
    """Where a link leads, and the links within it."""
    outer = _address(url)
    return [] if outer is None else [outer, *(each.address for each in _within(url))]


def _bounded(texts: Iterable[MailText]) -> Iterator[MailText]:
    left = _MOST_CHARACTERS
    for text in texts:
        yield replace(text, text=text.text[:left])
        left -= len(text.text)
        if left <= 0:
            return


def _distinct(found: Iterable[Candidate]) -> list[Candidate]:
    """The first of each, with a label if any of them has one."""
    kept: dict[Address, Candidate] = {}
    for each in found:
        before = kept.setdefault(each.address, each)
        if not before.label and each.label:
            kept[each.address] = replace(before, label=each.label)
    return list(kept.values())[:_MOST]


def _is_cut(short: str, whole: Iterable[str]) -> bool:
    return any(other.startswith(short) and other != short for other in whole)


# ------------------------------------------------------------------------------------------- HTML


def _of_html(text: str) -> Iterator[Candidate]:
    for piece in markup(text):
        match piece:
            case Anchor():
                yield from _of_anchor(piece)
            case Picture():
                yield from _within(piece.source)
            case Words():
                yield from _of_plain(piece.text)


def _of_anchor(anchor: Anchor) -> Iterator[Candidate]:
    """What is written at it beats where it leads: trackers wrap the latter, and expire."""
    label = _WHITE.sub(" ", f"{anchor.before} {anchor.text}").strip()[:_LABEL_LENGTH]
    target = _address(anchor.target)
    written = _written(anchor.text)
    if written is None or written == target or (target is not None and _abbreviates(anchor.text, written, target)):
        if target is not None:
            yield Candidate(address=target, label=label)
    else:
        yield Candidate(address=written, label=label, fallback=target)
    yield from _within(anchor.target)


def _written(text: str) -> Address | None:
    if not _STARTS_AS_URL.match(text):
        return None
    return _address(_trimmed(_WHITE.split(text.strip(), maxsplit=1)[0]))


def _abbreviates(text: str, written: Address, target: Address) -> bool:
    """Whether the words only show the beginning of where it leads."""
    shown = _WHITE.split(text.strip(), maxsplit=1)[0]
    return str(target).startswith(str(written)) or (written.host == target.host and shown.endswith(_CUT_SHORT))


def _within(url: str) -> Iterator[Candidate]:
    """Links that a link has as parameters: those of QR pictures, and of gateways that check links."""
    outer = _address(url)
    for value in outer.parameters.values() if outer is not None else ():
        if _STARTS_AS_URL.match(value) and (inner := _address(value)) is not None:
            yield Candidate(address=inner, within=outer)


# ------------------------------------------------------------------------------------- plain text


def _of_plain(text: str) -> Iterator[Candidate]:
    joined = _BRACKETED.sub(lambda found: f"<{_WHITE.sub('', found[1])}>", text)
    for found in _BARE.finditer(joined):
        if (address := _address(_trimmed(unescaped(found[0])))) is not None:
            before = joined[max(0, found.start() - _LABEL_LENGTH) : found.start()]
            yield Candidate(address=address, label=before.rpartition("\n")[2].strip())
            yield from _within(str(address))


def _trimmed(url: str) -> str:
    """Without the punctuation of the sentence around it; brackets that are its own stay."""
    # Counted once, and not at each bracket: there may be millions of them. No opening one is ever dropped.
    stray = {closing: url.count(closing) - url.count(opening) for closing, opening in _CLOSING.items()}
    end = len(url)
    while end and (url[end - 1] in _TRAILING or stray.get(url[end - 1], 0) > 0):
        end -= 1
        if url[end] in stray:
            stray[url[end]] -= 1
    return url[:end]


def _address(text: str) -> Address | None:
    try:
        return read_address(unescaped(text))
    except NotAnAddress:
        return None
