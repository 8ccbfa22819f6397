"""The ways in which a mail can be read."""

from __future__ import annotations

from enum import StrEnum

from watcher.sources.mailbox.structure import Part

_DECODED_THERE = "quoted-printable"  # not base64: a megabyte takes Dovecot 16 ms, in which nothing comes, and us one


class Way(StrEnum):
    """A way to read a mail, the cheapest first."""

    BINARY = "decoded by the server"
    STRUCTURE = "part by part"
    WHOLE = "whole"


def way_to(part: Part, *, binary: bool) -> tuple[Way, str]:
    """The cheapest way to a part, and what FETCH is to be asked for; `binary`: the server can decode."""
    # An encoded message is no such thing to the standard, and Dovecot leaves it encoded.
    if binary and part.encoding == _DECODED_THERE and not part.media_type.startswith("message/"):
        return Way.BINARY, f"BINARY.PEEK[{part.section}]"
    return Way.STRUCTURE, f"BODY.PEEK[{part.section}{'.HEADER' if part.is_walked else ''}]"
