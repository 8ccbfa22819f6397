"""Files that a mail has as links alone: providers lay large attachments into their cloud, and write a block of HTML.

They want a page with a button, a login or a captcha, and the links expire: nobody follows them here, but whoever sent
the mail thinks that the file is attached.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

from watcher.documents.claims import claimed_format
from watcher.documents.links.address import Address
from watcher.documents.links.candidates import addresses, candidates
from watcher.documents.links.markup import Anchor, markup
from watcher.headers import clean_name
from watcher.model import LeftOut
from watcher.policy.missing import may_be_missed
from watcher.ports import MailText

WHY = "it is behind a link"  # for whoever asks what became of it
_MOST = 50
# What is there is a file that somebody attached. QQ Mail and exmail; NetEase (163, 126, yeah, Mail Master, for
# companies); Sina; Tianyi; Apple's Mail Drop.
_ATTACHED = re.compile(
    r"(?:[a-z]+\.)*(?:mail|exmail)\.qq\.com/(?:cgi-bin/ftnExs_download|ftn/download)"
    r"|(?:[a-z]+\.)*(?:163|126|yeah)\.(?:com|net)/(?:large-attachment-download|fs/display|html/cloud-attachment-download"
    r"|api/biz/attachment/download)"
    r"|mail\.sina\.(?:com\.)?cn/filecenter/download"
    r"|download\.cloud\.189\.cn/file/downloadFile"
    r"|(?:www\.)?icloud\.com/attachment",
    re.IGNORECASE,
)
# What is there may be anything that somebody works at, unless the link is called like a file. OneDrive, also as it is
# run in China, Google Drive, WeDrive.
_SHARED = re.compile(
    r"1drv\.ms/|onedrive\.live\.com/|[a-z0-9-]+\.sharepoint\.(?:com|cn)/|drive\.google\.com/|drive\.weixin\.qq\.com/",
    re.IGNORECASE,
)
_FILE_NAME = re.compile(r"[^\r\n/\\<>]{1,200}\.[a-z0-9]{2,5}", re.IGNORECASE)
# One of these is in every such link. They are looked for before any HTML is parsed, which takes a hundred times as
# long, and as they stand, because a pattern whose beginning repeats takes for ever with a long word.
_PERHAPS = (
    *("ftnexs_download", "/ftn/download", "large-attachment-download", "/fs/display", "cloud-attachment-download"),
    *("attachment/download", "filecenter/download", "/downloadfile", "icloud.com/attachment", "1drv.ms/"),
    *("onedrive.live.com/", ".sharepoint.c", "drive.google.com/", "drive.weixin.qq.com/"),
)


def cloud_files(pages: Iterable[MailText], accept: Collection[str]) -> list[LeftOut]:
    """Each once, by the name that its block shows; a plain text shows none that is sure.

    Its trail is its link, for whoever knows whether that was had.
    """
    named: dict[Address, tuple[str, str]] = {}
    for address, name, mail in _linked(pages):
        if address not in named or (name and not named[address][0]):
            named[address] = name, mail
    return [_left_out(address, name, mail, accept) for address, (name, mail) in [*named.items()][:_MOST]]


def _linked(pages: Iterable[MailText]) -> Iterator[tuple[Address, str, str]]:
    for page in pages:
        if _may_have_some(page.text):
            for address, name in _anchors(page.text) if page.html else _written(page):
                place = f"{address.host}{address.path}"
                if _ATTACHED.match(place) or (name and _SHARED.match(place)):
                    yield address, name, page.mail


def _anchors(html: str) -> Iterator[tuple[Address, str]]:
    for piece in markup(html):
        if isinstance(piece, Anchor):
            for address in addresses(piece.target):
                yield address, _name(piece.text)


def _written(text: MailText) -> Iterator[tuple[Address, str]]:
    return ((each.address, "") for each in candidates([text]))


def _may_have_some(text: str) -> bool:
    """Of a link within a link, as gateways that check them write it, too."""
    lowered = text.lower().replace("%2f", "/")
    return any(each in lowered for each in _PERHAPS)


def _left_out(address: Address, name: str, mail: str, accept: Collection[str]) -> LeftOut:
    shown = clean_name(name or address.host, "file")
    is_missed = not name or claimed_format(name, None, accept) is not None or may_be_missed(name, "other", 0)
    return LeftOut(name=shown, why=WHY, missed=is_missed, is_link=True, trail=str(address), mail=mail)


def _name(text: str) -> str:
    """What the link is called, where it is called like a file."""
    written = " ".join(text.split())
    return written if _FILE_NAME.fullmatch(written) else ""
