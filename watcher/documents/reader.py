"""The port `Reader`: from the files of a submission to its documents."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import closing

from watcher.config.sections import Limits
from watcher.documents import words
from watcher.documents.claims import claimed_format, is_fragment, is_said, is_walked
from watcher.documents.cloud import cloud_files
from watcher.documents.formats import Format
from watcher.documents.noting import Notes
from watcher.documents.openers import OPENERS
from watcher.documents.openers.text import is_sealed, open_text
from watcher.documents.pieces import (
    Piece,
    document_of,
    form_of,
    is_half_of_a_file,
    is_small_picture,
    one_too_many,
    piece_of,
    said_by,
    unread,
)
from watcher.documents.unpacking import Allowance, Entry, Itself, Opener, Refusal
from watcher.errors import DocumentRefused, SourceUnavailable
from watcher.mime.part import SAID_AS_PAGE
from watcher.model import LeftOut, Reason
from watcher.ports import FoundDocument, Leaf, MailText

_MAILS = frozenset({Format.MESSAGE, Format.OUTLOOK, Format.TNEF, Format.SIGNED})
# What a text may begin with, and is none for it.
_TEXTS = frozenset({Format.OTHER, Format.MESSAGE, Format.XML, Format.SEALED, Format.UUENCODED})
_DEEPEST = 8  # containers within containers
_NO_DOCUMENTS = ("video/", "audio/")  # of a leaf that is too large to be looked into


class _Enough(Exception):
    """There are more documents than may be."""


class DocumentReader:
    """Finds the documents in leaves, by content: what is neither accepted nor opened is left out.

    Without state between calls: safe to call from many threads.
    """

    def __init__(self, *, accept: Sequence[str], limits: Limits, openers: Mapping[Format, Opener] = OPENERS) -> None:
        self._accept = frozenset(accept)
        self._limits = limits
        self._openers = openers

    def documents(
        self, leaves: Iterable[Leaf], *, leave_out: Callable[[LeftOut], None] | None = None
    ) -> list[FoundDocument]:
        """See `watcher.ports.Reader`. Where the disk has no room to unpack: SourceUnavailable; the source keeps it."""
        reading = _Reading(self._accept, self._limits, self._openers, leave_out or _nobody_asks)
        try:
            for leaf in leaves:
                if is_walked(leaf.declared_type) and reading.has_told(leaf.trail):
                    continue
                if leaf.least_bytes > self._limits.submission or is_fragment(leaf.declared_type):
                    reading.refuse_unseen(leaf)
                    continue
                reading.take(piece_of(leaf))
            reading.end()
        except _Enough:
            pass
        except OSError as error:
            reading.discard()
            raise SourceUnavailable(f"a file cannot be unpacked here: {error.strerror or 'no room'}") from error
        except BaseException:
            reading.discard()
            raise
        return reading.found

    def linked_files(self, pages: Iterable[MailText]) -> list[LeftOut]:
        """See `watcher.ports.Reader`."""
        return cloud_files(pages, self._accept)


class _Reading:
    """One submission being read."""

    def __init__(
        self,
        accept: Collection[str],
        limits: Limits,
        openers: Mapping[Format, Opener],
        leave_out: Callable[[LeftOut], None],
    ) -> None:
        self.found: list[FoundDocument] = []
        self._accept = accept
        self._limits = limits
        self._openers = openers
        self._notes = Notes(leave_out)
        self._allowance = Allowance(accept=accept, limits=limits, left_out=self._leave_out)
        self._bytes = 0
        self._inside = ""  # the trail of the container that is being unpacked
        self._told: set[str] = set()
        self._sealed: set[str] = set()  # the trails of mails that say something encrypted

    def take(self, piece: Piece) -> None:
        """Keep it, open it or leave it out; its spool is closed unless it is kept."""
        before = len(self.found)
        try:
            form = form_of(piece)
            if is_said(piece.declared_type) and form in _TEXTS:
                self._read(piece)
                return
            if form in self._openers:
                self._open(piece, form)
                self._tell_if_sealed(piece.trail, piece.name)
                told = self.has_told(piece.trail) or self._tell_if_missed(piece, form)
                if not told and self._notes.of_empty(piece.name, form, piece.content, piece.trail):
                    self._tell(piece.trail)
                return
            if form.is_accepted(self._accept):
                self._keep(piece, form)
            told = len(self.found) > before or is_half_of_a_file(piece) or self._tell_if_missed(piece, form)
            if not told and self._notes.of_file(piece.name, form, piece.content.size):
                self._tell(piece.trail)
        finally:
            if not (self.found and self.found[-1].content is piece.content):
                piece.content.close()

    def end(self) -> None:
        """All leaves are taken."""
        self._tell_if_sealed("", None)

    def _read(self, piece: Piece) -> None:
        """What a mail says: no document, but such may be written into it, or be a link."""
        self._note_links(piece)
        if piece.declared_type == SAID_AS_PAGE:
            return
        self._unpack(piece, Format.MESSAGE, open_text)
        if is_sealed(piece.content):
            self._sealed.add(piece.trail.rpartition("/")[0])

    def _note_links(self, piece: Piece) -> None:
        """Of mails that nobody but this one reads: those that are encoded as files, dropped, or in plain text alone."""
        for each in cloud_files([said_by(piece)], self._accept):
            if self._notes.of_link(each):
                self._tell(piece.trail)

    def _tell_if_sealed(self, mail: str, name: str | None) -> None:
        """Of a mail of which nothing else is told: who quotes something encrypted beside documents has sent these."""
        if mail in self._sealed and not self.has_told(mail):
            self._add(unread(name or "message.asc", 0, Reason.ENCRYPTED_MAIL, words.SEALED, trail=mail))

    def has_told(self, trail: str) -> bool:
        """Whether it is, or anything came out of it but small pictures: a document, or what somebody may miss."""
        return trail in self._told

    def _tell(self, trail: str) -> None:
        """That there is something, of all that it is in."""
        while trail not in self._told:
            self._told.add(trail)
            trail = trail.rpartition("/")[0]

    def _leave_out(self, name: str | None, form: Format, size: int, trail: str) -> None:
        """Of something in the container that is being unpacked."""
        if self._notes.of_file(name, form, size):
            self._tell(self._inside + trail)

    def refuse_unseen(self, leaf: Leaf) -> None:
        """A piece of a mail, or larger than anything that is opened or kept, so that not even its bytes are fetched."""
        declared = (leaf.declared_type or "").lower()
        if is_fragment(declared):
            self._add(unread(leaf.name, leaf.least_bytes, Reason.UNREADABLE, words.FRAGMENT, trail=leaf.trail))
        elif not declared.startswith(_NO_DOCUMENTS):
            message = words.too_large(self._limits.submission)
            self._add(unread(leaf.name, leaf.least_bytes, Reason.TOO_LARGE, message, trail=leaf.trail))

    def discard(self) -> None:
        for document in self.found:
            if document.content is not None:
                document.content.close()

    def _tell_if_missed(self, piece: Piece, form: Format) -> bool:
        """What is said to be a document, and neither is nor holds one (a web page, an empty file), is not left out."""
        claimed = claimed_format(piece.name, piece.declared_type, self._accept)
        is_opened = claimed is not None and claimed.is_container and form is not Format.OTHER
        if claimed is None or is_opened:
            return False
        self._refuse(piece, form, Reason.UNREADABLE, _what_it_is(form, claimed))
        return True

    def _keep(self, piece: Piece, form: Format) -> None:
        size = piece.content.size
        if size > self._limits.document:
            self._refuse(piece, form, Reason.TOO_LARGE, words.too_large(self._limits.document))
        elif self._bytes + size > self._limits.submission:
            self._refuse(piece, form, Reason.TOO_LARGE, words.together_too_large(self._limits.submission))
        else:
            self._bytes += size
            self._add(document_of(piece, form))

    def _open(self, piece: Piece, form: Format) -> None:
        if not is_walked(piece.declared_type):
            self._unpack(piece, form, self._openers[form])

    def _unpack(self, piece: Piece, form: Format, opener: Opener) -> None:
        outside, self._inside = self._inside, piece.trail
        try:
            self._refuse_monster(piece)
            with closing(opener(piece.content, self._allowance)) as entries:
                for number, inner in enumerate(entries):
                    if isinstance(inner, Itself):
                        self._take_itself(piece)
                    else:
                        self._take_inner(inner, form, piece, piece.trail + (inner.trail or f"/{number}"))
        except DocumentRefused as refused:
            self._refuse(piece, form, refused.reason, str(refused))
        finally:
            self._inside = outside

    def _refuse_monster(self, piece: Piece) -> None:
        if piece.depth >= _DEEPEST:
            raise DocumentRefused(Reason.UNREADABLE, words.TOO_DEEP)
        if piece.content.size > self._limits.submission:
            raise DocumentRefused(Reason.TOO_LARGE, words.too_large(self._limits.submission))

    def _take_itself(self, piece: Piece) -> None:
        """A portfolio whose pages are more than a cover."""
        if Format.PDF.is_accepted(self._accept):
            self._keep(piece, Format.PDF)
        else:
            self._leave_out(piece.name, Format.PDF, piece.content.size, "")

    def _take_inner(self, inner: Entry | Refusal, container: Format, outer: Piece, trail: str) -> None:
        if isinstance(inner, Entry):
            self.take(
                Piece(
                    name=inner.name,
                    content=inner.content,
                    declared_type=inner.declared_type,
                    trail=trail,
                    in_mail=container in _MAILS,
                    depth=outer.depth + 1,
                )
            )
        else:
            self._add(unread(inner.name, inner.size, inner.reason, inner.message, trail=trail))

    def _refuse(self, piece: Piece, form: Format, reason: Reason, message: str) -> None:
        self._add(document_of(piece, form, reason=reason, message=message))

    def _add(self, document: FoundDocument) -> None:
        if len(self.found) >= self._limits.documents:
            self.found.append(one_too_many(document, self._limits.documents))
            raise _Enough
        self.found.append(document)
        if not is_small_picture(document):
            self._tell(document.trail)


def _what_it_is(form: Format, claimed: Format) -> str:
    """What is told of a file that is not what it is said to be, or of a portfolio in which there was nothing."""
    if form is Format.PORTFOLIO:
        return words.EMPTY_PORTFOLIO
    told = words.picture_for if form.traits.accepted_as == "image" else words.not_that
    return told(claimed.value.upper())


def _nobody_asks(_left_out: LeftOut) -> None:
    """What is left out is not told to anybody."""
