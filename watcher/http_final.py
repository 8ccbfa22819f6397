"""The answer to a request, and nothing that a server sends before it."""

from __future__ import annotations

import http.client

_MOST_INTERIM = 100  # answers before the final one


class FinalResponse(http.client.HTTPResponse):
    """The final answer, without the interim ones before it (RFC 9110, 15.2).

    http.client skips 100 alone: a 103 would pass for the answer, and the answer for that of the next request.
    """

    def _read_status(self) -> tuple[str, int, str]:
        for _ in range(_MOST_INTERIM):
            read: tuple[str, int, str] = super()._read_status()  # type: ignore[misc]  # not in typeshed
            if not _is_interim(read[1]):
                return read
            http.client.parse_headers(self.fp)
        raise http.client.HTTPException("too many interim answers")


def _is_interim(status: int) -> bool:
    """100 is left to http.client; after 101 no HTTP follows."""
    return 101 < status < 200  # noqa: PLR2004 - the class of interim answers
