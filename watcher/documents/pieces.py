"""A file on its way through the reader, and the document that is made of it, or of what nobody has looked into."""

from __future__ import annotations

from msgspec import Struct

from watcher.documents import words
from watcher.documents.claims import is_declared_message, is_said
from watcher.documents.formats import Format
from watcher.documents.portfolio import is_portfolio
from watcher.documents.sniff import format_of
from watcher.headers import clean_name
from watcher.mime.part import SAID_AS_PAGE, is_decoration
from watcher.mime.said import LARGEST_TEXT_BYTES, said_text
from watcher.model import Reason
from watcher.ports import FoundDocument, Leaf, MailText
from watcher.spool import Spooled

_APPLE_DOUBLE = b"\x00\x05\x16\x07"


class Piece(Struct, frozen=True, kw_only=True):
    """A file on its way through: a leaf, or what came out of one. `depth` counts the containers around it.

    `trail`: see `watcher.ports`.

    `in_mail`: it is a part of a mail itself.
    """

    name: str | None
    content: Spooled
    declared_type: str | None
    trail: str
    path: str | None = None
    in_mail: bool = False
    depth: int = 0


def piece_of(leaf: Leaf) -> Piece:
    return Piece(
        name=leaf.name,
        content=leaf.fetch(),
        declared_type=leaf.declared_type,
        trail=leaf.trail,
        path=leaf.path,
        in_mail=leaf.path is None,
    )


def form_of(piece: Piece) -> Format:
    """What it is; what a mail says is a PDF only where it is nothing else, because it may speak of one."""
    if piece.content.size == 0:
        return Format.OTHER
    form = format_of(piece.content)
    if form is Format.OTHER and is_declared_message(piece.content.head(), piece.declared_type):
        return Format.MESSAGE
    if form is not Format.PDF:
        return form
    if is_said(piece.declared_type) and not piece.content.head().lstrip().startswith(b"%PDF-"):
        return Format.OTHER
    return Format.PORTFOLIO if is_portfolio(piece.content) else form


def said_by(piece: Piece) -> MailText:
    """Of what a mail says: the text, of its beginning."""
    text = said_text([piece.content.head(LARGEST_TEXT_BYTES + 1)])
    return MailText(text=text, html=piece.declared_type == SAID_AS_PAGE, mail=piece.trail.rpartition("/")[0])


def is_half_of_a_file(piece: Piece) -> bool:
    """Whether it is what a Mac keeps beside a file (AppleDouble), and not the file, which bears the same name."""
    return piece.content.head(4) == _APPLE_DOUBLE


def document_of(
    piece: Piece, form: Format, *, reason: Reason | None = None, message: str | None = None
) -> FoundDocument:
    traits = form.traits
    return FoundDocument(
        name=clean_name(piece.name, f"document{traits.extension}"),
        media_type=traits.media_type,
        extension=traits.extension,
        size=piece.content.size,
        content=piece.content,
        path=piece.path,
        trail=piece.trail,
        in_mail=piece.in_mail,
        reason=reason,
        message=message,
    )


def unread(name: str | None, size: int, reason: Reason, message: str, *, trail: str) -> FoundDocument:
    """What nobody has looked into."""
    return FoundDocument(
        name=clean_name(name, "document"),
        media_type="application/octet-stream",
        extension="",
        size=size,
        content=None,
        trail=trail,
        reason=reason,
        message=message,
    )


def one_too_many(document: FoundDocument, limit: int) -> FoundDocument:
    return FoundDocument(
        name=document.name,
        media_type=document.media_type,
        extension=document.extension,
        size=document.size,
        content=None,
        reason=Reason.TOO_MANY,
        message=words.too_many(limit),
    )


def is_small_picture(document: FoundDocument) -> bool:
    """Whether it may stand under a mail: what is small in an archive was put there."""
    return document.in_mail and document.reason is None and is_decoration(document.media_type, document.size)
