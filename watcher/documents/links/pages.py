"""Pages and files by GET and POST: each redirect judged, each answer told by its first bytes and not by its headers."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager

from msgspec import Struct, field

from watcher.deadline import Deadline
from watcher.documents.formats import Format
from watcher.documents.links.address import Address, NotAnAddress, read_address
from watcher.documents.links.naming import name_of
from watcher.documents.links.results import LinkedFile, NotHad
from watcher.documents.links.wire import Answer, Request, Wire
from watcher.documents.sniff import format_of
from watcher.headers import decode_bytes
from watcher.model import Reason
from watcher.spool import Spooled

_MOST_REDIRECTS = 8
_MOST_REQUESTS = 40  # of one link
_LARGEST_PAGE_BYTES = 2_000_000
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_OK = 200
_LOGIN_REQUIRED = 401
_TOO_OFTEN = frozenset({408, 425, 429})
_SERVER_FAILED = 500
_LOGIN = re.compile(r"(?<![a-z0-9])(?:login|signin|passport|sso)(?![a-z0-9])", re.IGNORECASE)
_ARCHIVES = frozenset({Format.ZIP, Format.SEVEN_ZIP, Format.RAR})
_CHARSET = re.compile(r"charset=[\"']?([\w-]{1,40})", re.IGNORECASE)


class Page(Struct, frozen=True, kw_only=True):
    """What an address gave, after redirects: a document, or else text.

    `failure` is set where it was redirected to what gives nothing: often the address says enough by itself.
    """

    address: Address
    file: LinkedFile | None = None
    text: str = ""
    failure: NotHad | None = None


class Browser(Struct, kw_only=True):
    """For one link: no address is asked for twice, no cookie is kept.

    `judge` raises NotHad for an address that may not be asked for. `pictures`: a picture is a document, too.
    """

    wire: Wire
    deadline: Deadline
    judge: Callable[[Address], None]
    accept: Collection[str]
    largest_bytes: int
    pictures: bool
    platform: str | None
    _asked: set[str] = field(default_factory=set)

    def get(self, address: Address, referer: Address | None) -> Page:
        """Follow redirects to the end. Raises NotHad where the first address gives nothing."""
        came_by = [address]
        try:
            while (onward := self._step(came_by, referer)) is not None:
                if isinstance(onward, Page):
                    return onward
                came_by.append(onward)
        except NotHad as failure:
            if len(came_by) == 1:
                raise
            return Page(address=came_by[-1], failure=failure)
        raise NotHad(Reason.LINK_EXPIRED, "it is redirected without end")

    def _step(self, came_by: list[Address], referer: Address | None) -> Page | Address | None:
        """The page, or where it is redirected to; None: far too often."""
        if len(came_by) > _MOST_REDIRECTS + 1:
            return None
        with self._answer(Request(address=came_by[-1], referer=referer), self.largest_bytes) as answer:
            return _onward(answer, came_by[-1]) or self._page(answer, came_by)

    def get_text(self, request: Request) -> str:
        """The text of the answer to a question, which is not redirected. Raises NotHad."""
        with self._answer(request, _LARGEST_PAGE_BYTES) as answer:
            _require_ok(answer)
            return _text(b"".join(answer.body), answer)

    def _answer(self, request: Request, largest_bytes: int) -> AbstractContextManager[Answer]:
        self.judge(request.address)
        asked = f"{request.address.authority}{request.address.target} {request.body!r}"
        if asked in self._asked:
            raise NotHad(Reason.LINK_EXPIRED, "it leads to itself")
        if len(self._asked) >= _MOST_REQUESTS:
            raise NotHad(Reason.LINK_EXPIRED, "it takes too many requests")
        self._asked.add(asked)
        return self.wire.exchange(request, self.deadline, largest_bytes)

    def _page(self, answer: Answer, came_by: list[Address]) -> Page:
        _require_ok(answer)
        content = Spooled(answer.body)
        try:
            form = format_of(content)
            if self._is_document(form):
                return Page(address=came_by[-1], file=self._file(content, form, answer, came_by))
            text = _text(content.head(_LARGEST_PAGE_BYTES), answer)
        except BaseException:
            content.close()
            raise
        content.close()
        return Page(address=came_by[-1], text=text)

    def _is_document(self, form: Format) -> bool:
        if form.traits.accepted_as == "image" and not self.pictures:
            return False  # banners and QR codes lie on the same hosts
        return form in _ARCHIVES or form.is_accepted(self.accept)

    def _file(self, content: Spooled, form: Format, answer: Answer, came_by: list[Address]) -> LinkedFile:
        name = name_of(answer.headers, reversed(came_by), platform=self.platform, extension=form.traits.extension)
        declared = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        return LinkedFile(name=name, declared_type=declared or None, content=content)


def _onward(answer: Answer, here: Address) -> Address | None:
    """Where it is redirected to. Raises NotHad where that is no address of ours, or a login."""
    location = answer.headers.get("location", "")
    if answer.status not in _REDIRECTS or not location:
        return None
    try:
        onward = read_address(decode_bytes(location.encode("latin-1", "replace")), here)
    except NotAnAddress as error:
        raise NotHad(Reason.LINK_REFUSED, "it is redirected to what is no address of ours") from error
    if _is_login(onward):
        raise NotHad(Reason.LINK_LOGIN, "it is redirected to a login")
    return onward


def _is_login(address: Address) -> bool:
    return any(_LOGIN.search(part) for part in (address.path, address.fragment, address.host))


def _require_ok(answer: Answer) -> None:
    status = answer.status
    if status == _OK:
        return
    if status >= _SERVER_FAILED or status in _TOO_OFTEN:
        raise NotHad(Reason.LINK_UNREACHABLE, f"the platform answers with HTTP {status}", again=True)
    if status == _LOGIN_REQUIRED:
        raise NotHad(Reason.LINK_LOGIN, "the platform wants a login")
    raise NotHad(Reason.LINK_EXPIRED, f"the platform answers with HTTP {status}")


def _text(raw: bytes, answer: Answer) -> str:
    found = _CHARSET.search(answer.headers.get("content-type", "")) or _CHARSET.search(raw[:2048].decode("latin-1"))
    return decode_bytes(raw, found[1] if found else None)
