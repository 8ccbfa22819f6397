"""The files and texts of a mail that was fetched whole: where the server's word on its structure is not enough."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from watcher.mime.part import SAID, MimePart
from watcher.mime.walk import TooDeep, parts
from watcher.ports import Leaf, MailText
from watcher.sources.mailbox.texts import LARGEST_MESSAGE_BYTES, MOST_TEXTS, is_message, mail_text
from watcher.spool import Spooled

_MOST_PARTS = 10_000
_DEEPEST_FILES = 3  # mails as files within mails as files


class WholeLeaf:
    """A file within a mail that is in hand: it can be fetched as long as the mail is not closed."""

    path = None

    def __init__(self, content: Spooled, part: MimePart) -> None:
        self.name = part.name
        self.declared_type = SAID if part.is_body else part.media_type
        self.trail = part.trail
        self.least_bytes = 0  # nothing is spared by knowing it: the mail is here
        self._content = content
        self._part = part

    def fetch(self) -> Spooled:
        return Spooled(self._part.content(self._content.file()))


class _MailLeaf:
    """The mail itself, for somebody else to judge."""

    name = None
    declared_type = "message/rfc822"
    path = None
    trail = ""
    least_bytes = 0

    def __init__(self, content: Spooled) -> None:
        self._content = content

    def fetch(self) -> Spooled:
        return Spooled(self._content.chunks())


def whole_leaves(content: Spooled) -> Iterator[Leaf]:
    """All files in it, in order, and its plain texts, because files may be written into these.

    Never raises: what is nested or divided without an end is handed over as it is.
    """
    found = _parts(content)
    if found is None:
        yield _MailLeaf(content)
    else:
        yield from (WholeLeaf(content, part) for part in found if not part.is_body or part.media_type == "text/plain")


def whole_texts(content: Spooled, deepest: int = _DEEPEST_FILES, *, mail: str = "") -> list[MailText]:
    """All that it says, in order, and then what mails say that it has as files. What is endless says nothing.

    Of `mail`, as `MailText` has it, and of those in it.
    """
    found = _parts(content) or []
    texts = [
        _text(content, part, mail) for part in itertools.islice((each for each in found if each.is_body), MOST_TEXTS)
    ]
    for part in found:
        if deepest and len(texts) < MOST_TEXTS and _holds_a_mail(part):
            inner = Spooled(part.content(content.file()))
            try:
                texts += whole_texts(inner, deepest - 1, mail=f"{mail}{part.trail}")
            finally:
                inner.close()
    return texts[:MOST_TEXTS]


def _parts(content: Spooled) -> list[MimePart] | None:
    """None: there is no end to them."""
    try:
        found = list(itertools.islice(parts(content.file()), _MOST_PARTS + 1))
    except TooDeep:
        return None
    return found if len(found) <= _MOST_PARTS else None


def _text(content: Spooled, part: MimePart, mail: str) -> MailText:
    return mail_text(part.media_type, part.charset, part.content(content.file()), mail + part.within)


def _holds_a_mail(part: MimePart) -> bool:
    is_small = part.end - part.begin <= LARGEST_MESSAGE_BYTES
    return not part.is_body and not part.is_walked and is_small and is_message(part.media_type, part.name)
