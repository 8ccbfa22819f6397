"""A mail as dkimpy is given it: so that it reads what we read, in a time that grows with the mail's size alone."""

from __future__ import annotations

import logging
import re
from typing import Any

from watcher.headers import MailHeader, read_header
from watcher.people.tags import Unacceptable

LARGEST_HEADER_BYTES = 100_000  # dkimpy takes quadratic time on a field of many lines

# What decides on a mail: should the server have told us something else of it than what it gives out whole, nothing
# is proven.
_DECISIVE = ("from", "subject", "to", "cc", "content-type", "resent-from", "x-forwarded-for", "dkim-signature")
_HEADER_END = re.compile(rb"\r?\n\r?\n")
_BLANKS = re.compile(rb"[ \t]+")


def refuse_two_readings(whole: bytes, told: MailHeader) -> None:
    """Raises Unacceptable where the mail's header is not the one that the server `told`, or far too large."""
    if len(whole) - len(body_of(whole)) > LARGEST_HEADER_BYTES:
        raise Unacceptable("the mail's header is too large to be verified")
    found = read_header(whole)
    if any([*map(_one_form, found.all(name))] != [*map(_one_form, told.all(name))] for name in _DECISIVE):
        raise Unacceptable("the mail's header is not what the server said it was")


def body_of(whole: bytes) -> bytes:
    found = _HEADER_END.search(whole)
    return whole[found.end() :] if found is not None else b""


def prepare(verifier: Any, whole: bytes, *, relaxed: bool) -> None:
    """Compares the fields that dkimpy's `verifier` has read with ours, and makes its body canonical.

    Where two readers see different fields, what is signed is not what is decided on: that is Unacceptable. For
    the relaxed form of the body dkimpy takes quadratic time on a run of blanks: a mail of a megabyte would
    hold up everything for hours. What is canonical already it leaves as it is.
    """
    read = tuple((name.decode("ascii", "replace").lower(), _one_form(value)) for name, value in verifier.headers)
    if read != tuple((name, _one_form(value)) for name, value in read_header(whole).fields):
        raise Unacceptable("the mail's header can be read in two ways")
    if relaxed:
        verifier.body = _BLANKS.sub(b" ", verifier.body).replace(b" \r\n", b"\r\n")


def _one_form(value: bytes) -> bytes:
    return value.replace(b"\r\n", b"\n").strip(b" \t\r\n")


def silent_logger() -> logging.Logger:
    """dkimpy logs raw text from outside: it gets a logger that leads nowhere."""
    logger = logging.Logger("dkim", level=logging.CRITICAL + 1)  # noqa: LOG001 - it must not be part of the tree
    logger.addHandler(logging.NullHandler())
    return logger
