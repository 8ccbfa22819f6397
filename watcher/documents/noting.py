"""What of a submission is no document, noted for whoever asks what became of it, and for who may miss it."""

from __future__ import annotations

from collections.abc import Callable

from watcher.documents import words
from watcher.documents.formats import Format
from watcher.headers import clean, clean_name, read_header
from watcher.model import LeftOut
from watcher.policy.missing import may_be_missed
from watcher.spool import Spooled

_MAILS = frozenset({Format.MESSAGE, Format.OUTLOOK})
_ENVELOPES = frozenset({Format.TNEF, Format.SIGNED})  # mail programs put them around a mail: nobody knows their names
_LONGEST_HEADER, _LONGEST_SUBJECT = 64 * 1024, 120  # bytes, characters


class Notes:
    """Of one submission. Each method says whether somebody may take it for an invoice."""

    def __init__(self, leave_out: Callable[[LeftOut], None]) -> None:
        self._leave_out = leave_out

    def of_file(self, name: str | None, form: Format, size: int) -> bool:
        """That it is left out; what has no name only where somebody may miss it."""
        shown = clean_name(name, f"file{form.traits.extension}")
        missed = may_be_missed(shown, form.value, size)
        if name or missed:
            why = words.EMPTY if form in _MAILS else words.not_accepted(form)
            self._leave_out(LeftOut(name=shown, why=why, missed=missed, is_mail=form in _MAILS))
        return missed

    def of_link(self, link: LeftOut) -> bool:
        """That a file is behind it, and not in the mail."""
        self._leave_out(link)
        return link.missed

    def of_empty(self, name: str | None, form: Format, content: Spooled, trail: str) -> bool:
        """Of a container in which there was nothing that anybody would miss: perhaps a mail with a link to an invoice.

        Mail programs call all mails that are attached alike, so that one is known by its subject.
        """
        subject = _subject(content) if form is Format.MESSAGE else ""
        shown = subject or clean_name(name, f"file{form.traits.extension}")
        missed = may_be_missed(shown, form.value, content.size)
        if missed or ((subject or name) and form not in _ENVELOPES):
            is_mail = form in _MAILS
            known_by = trail if is_mail and missed else ""
            self._leave_out(LeftOut(name=shown, why=words.EMPTY, missed=missed, is_mail=is_mail, trail=known_by))
        return missed


def _subject(mail: Spooled) -> str:
    header, _, _ = mail.head(_LONGEST_HEADER).replace(b"\r\n", b"\n").partition(b"\n\n")
    return clean(read_header(header.lstrip()).subject, _LONGEST_SUBJECT)
