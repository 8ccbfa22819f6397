"""What a file can be, and what follows from it."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

from msgspec import Struct


class Format(StrEnum):
    """What a file is."""

    PDF = "pdf"
    PORTFOLIO = "portfolio"  # a PDF that is a collection of files: see `watcher.documents.portfolio`
    OFD = "ofd"  # the Chinese layout format: a zip that holds OFD.xml
    XML = "xml"
    JPEG = "jpeg"
    PNG = "png"
    TIFF = "tiff"
    GIF = "gif"
    BMP = "bmp"
    WEBP = "webp"
    HEIC = "heic"
    ZIP = "zip"
    SEVEN_ZIP = "7z"
    RAR = "rar"
    MESSAGE = "eml"  # RFC 5322
    OUTLOOK = "msg"  # a message that Outlook saved
    TNEF = "tnef"  # winmail.dat
    SIGNED = "p7m"  # a CMS envelope that carries a message (S/MIME)
    SEALED = "sealed"  # an encrypted mail: OpenPGP in letters, or Microsoft's rights management
    UUENCODED = "uue"  # a file as old mailers write it into a text, whether in uuencode or in what is not opened
    OFFICE = "office"  # docx, xlsx, odt, jar …: a zip that is one thing
    OTHER = "other"  # nothing of ours

    @property
    def is_container(self) -> bool:
        return self in _CONTAINERS

    @property
    def traits(self) -> Traits:
        return _TRAITS.get(self, _UNKNOWN)

    def is_accepted(self, accept: Collection[str]) -> bool:
        """Whether `accept` of the configuration names it."""
        return self.traits.accepted_as in accept


class Traits(Struct, frozen=True, kw_only=True):
    """What follows from the format."""

    accepted_as: str  # the word of the configuration's `accept`; empty: never a document
    media_type: str
    extension: str


_CONTAINERS = frozenset(
    {
        *(Format.ZIP, Format.SEVEN_ZIP, Format.RAR, Format.PORTFOLIO),
        *(Format.MESSAGE, Format.OUTLOOK, Format.TNEF, Format.SIGNED, Format.SEALED),
        Format.UUENCODED,
    }
)
_UNKNOWN = Traits(accepted_as="", media_type="application/octet-stream", extension="")
_TRAITS = {
    Format.PDF: Traits(accepted_as="pdf", media_type="application/pdf", extension=".pdf"),
    Format.PORTFOLIO: Traits(accepted_as="", media_type="application/pdf", extension=".pdf"),
    Format.OFD: Traits(accepted_as="ofd", media_type="application/ofd", extension=".ofd"),
    Format.XML: Traits(accepted_as="xml", media_type="application/xml", extension=".xml"),
    Format.JPEG: Traits(accepted_as="image", media_type="image/jpeg", extension=".jpg"),
    Format.PNG: Traits(accepted_as="image", media_type="image/png", extension=".png"),
    Format.TIFF: Traits(accepted_as="image", media_type="image/tiff", extension=".tif"),
    Format.GIF: Traits(accepted_as="image", media_type="image/gif", extension=".gif"),
    Format.BMP: Traits(accepted_as="image", media_type="image/bmp", extension=".bmp"),
    Format.WEBP: Traits(accepted_as="image", media_type="image/webp", extension=".webp"),
    Format.HEIC: Traits(accepted_as="image", media_type="image/heic", extension=".heic"),
    Format.ZIP: Traits(accepted_as="", media_type="application/zip", extension=".zip"),
    Format.SEVEN_ZIP: Traits(accepted_as="", media_type="application/x-7z-compressed", extension=".7z"),
    Format.RAR: Traits(accepted_as="", media_type="application/vnd.rar", extension=".rar"),
    Format.MESSAGE: Traits(accepted_as="", media_type="message/rfc822", extension=".eml"),
    Format.OUTLOOK: Traits(accepted_as="", media_type="application/vnd.ms-outlook", extension=".msg"),
    Format.TNEF: Traits(accepted_as="", media_type="application/ms-tnef", extension=".dat"),
    Format.SIGNED: Traits(accepted_as="", media_type="application/pkcs7-mime", extension=".p7m"),
    Format.UUENCODED: Traits(accepted_as="", media_type="text/x-uuencode", extension=".uue"),
    Format.SEALED: Traits(accepted_as="", media_type="application/octet-stream", extension=""),
}
