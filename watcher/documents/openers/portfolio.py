"""PDF portfolios: the files in one are the documents. A child takes them out, as it does all that pdfium reads."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from msgspec import Struct

from watcher.documents import words
from watcher.documents.formats import Format
from watcher.documents.inspection.answers import BadAnswer
from watcher.documents.inspection.descriptors import chunks_of, close, copied, size_of
from watcher.documents.inspection.inspector import MEMORY_LIMIT_BYTES
from watcher.documents.inspection.process import Answers, Child, ChildFailed
from watcher.documents.portfolio import hides_its_catalog
from watcher.documents.unpacking import ITSELF, Allowance, Entry, Itself, Refusal
from watcher.errors import DocumentRefused
from watcher.model import Reason
from watcher.spool import Spooled

log = logging.getLogger(__name__)

_SECONDS = 20.0
# Data that belongs to a document and is none by itself: an invoice's XML in its own PDF, a signature.
_DATA = (Format.XML, Format.OTHER, None)


class _Whole(Struct, frozen=True, kw_only=True):
    """What is said of it before its files come: what each is, and whether its own pages are but a cover."""

    forms: Sequence[Format | None]
    is_cover: bool

    @property
    def brings_data_alone(self) -> bool:
        return all(form in _DATA for form in self.forms)

    def brings_documents(self, allowance: Allowance) -> bool:
        return any(form not in _DATA and allowance.takes(form) for form in self.forms if form is not None)


def open_portfolio(content: Spooled, allowance: Allowance) -> Generator[Entry | Refusal | Itself, None, None]:
    """Every file in it that may be or hold a document; at last itself, where its pages are more than their cover.

    One that brings nothing but data is an ordinary PDF, and so is one that may be no portfolio and cannot be looked
    into. Raises DocumentRefused: ENCRYPTED, UNREADABLE (nobody can take them out), TOO_LARGE (a bomb), TOO_MANY.
    """
    allowance.check_time()
    whole: _Whole | None = None
    try:
        with _asked(content) as answers:
            whole = _whole(answers, allowance)
            if not whole.brings_data_alone:
                yield from _files(answers, len(whole.forms), allowance, allowance.most_bytes(content.size))
    except (ChildFailed, BadAnswer) as error:
        log.warning("A PDF portfolio could not be opened.", extra={"detail": str(error)})
        if str(error) == "Locked":
            raise DocumentRefused(Reason.ENCRYPTED, words.LOCKED_PDF) from error
        if whole is not None or not content.told(hides_its_catalog):
            raise DocumentRefused(Reason.UNREADABLE, words.PORTFOLIO) from error
    if whole is None or not (whole.is_cover and whole.brings_documents(allowance)):
        yield ITSELF


@contextmanager
def _asked(content: Spooled) -> Iterator[Answers]:
    with copied(content) as document:
        child = Child(memory_limit=MEMORY_LIMIT_BYTES)
        try:
            yield child.ask({"portfolio": True}, document, seconds=_SECONDS)
        finally:
            child.release()


def _whole(answers: Answers, allowance: Allowance) -> _Whole:
    said, descriptors = _answer(answers, allowance)
    close(descriptors)
    forms = said.get("forms")
    if not isinstance(forms, list):
        raise BadAnswer("it does not say what is in it")
    try:
        return _Whole(forms=[None if each is None else Format(each) for each in forms], is_cover=said["cover"] is True)
    except (ValueError, KeyError) as error:
        raise BadAnswer("it does not say what is in it") from error


def _files(answers: Answers, count: int, allowance: Allowance, most: int) -> Iterator[Entry | Refusal]:
    for _ in range(count):
        allowance.count_entry()
        said, descriptors = _answer(answers, allowance)
        try:
            name = said.get("name")
            name = name if isinstance(name, str) else None
            if descriptors:
                most -= size_of(descriptors)
                if most < 0:
                    raise DocumentRefused(Reason.TOO_LARGE, words.BOMB)
            found = _entry(name, descriptors, allowance)
        finally:
            close(descriptors)
        if found is not None:
            yield found


def _entry(name: str | None, descriptors: Sequence[int], allowance: Allowance) -> Entry | Refusal | None:
    if not descriptors:
        if not allowance.is_claimed(name):
            return None
        return Refusal(name=name, reason=Reason.UNREADABLE, message=words.DAMAGED)
    size, most = size_of(descriptors), allowance.limits.submission
    if size > most:
        return Refusal(name=name, reason=Reason.TOO_LARGE, message=words.too_large(most), size=size)
    return allowance.entry(chunks_of(descriptors[0], size), name=name)


def _answer(answers: Answers, allowance: Allowance) -> tuple[dict[str, Any], list[int]]:
    """What the child says next, with its descriptors; the time until then counts as computing."""
    began = time.monotonic()
    data, descriptors = answers.next()
    allowance.spend(time.monotonic() - began)
    try:
        said = json.loads(data)
    except ValueError as error:
        close(descriptors)
        raise BadAnswer("its answer cannot be read") from error
    if not isinstance(said, dict):
        close(descriptors)
        raise BadAnswer("its answer cannot be read")
    return said, descriptors
