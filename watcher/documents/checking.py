"""What `check` says of this machine's means to open and look into documents."""

from __future__ import annotations

from watcher.documents.confined import found
from watcher.documents.formats import Format
from watcher.documents.looking import Looking
from watcher.model import Finding
from watcher.spool import Spooled

_SUBJECT = "documents"
_ONE_PAGE = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 90 90]>>endobj\ntrailer<</Root 1 0 R>>\nstartxref\n0\n%%EOF\n"
)


def check_documents(inspector: Looking | None) -> list[Finding]:
    """Nothing here keeps documents from being sent: what is missing is told as a warning."""
    return [_archives(), _inspection(inspector)]


def _archives() -> Finding:
    if found("bsdtar") is not None:
        return Finding(subject=_SUBJECT, ok=True, message="7z, rar and unusual zips are opened by bsdtar")
    return Finding(
        subject=_SUBJECT,
        ok=True,
        warning=True,
        message="7z and rar are not opened, because bsdtar is missing: their senders are asked for a zip",
        mend="install libarchive-tools (Debian, Ubuntu) or bsdtar, and restart",
    )


def _inspection(inspector: Looking | None) -> Finding:
    if inspector is None:
        message = "nobody looks inside, because `inspect` is false: an invoice in several forms is sent in each"
        return Finding(subject=_SUBJECT, ok=True, warning=True, message=message)
    content = Spooled([_ONE_PAGE])
    try:
        works = inspector.look(content, Format.PDF, deep=True).pages == 1
    finally:
        content.close()
    if works:
        return Finding(subject=_SUBJECT, ok=True, message="the process that looks into them works")
    return Finding(
        subject=_SUBJECT,
        ok=True,
        warning=True,
        message="the process that looks into them does not work here: an invoice in several forms is sent in each",
        mend="the log says why it ended; memory limits and a Python without its libraries are usual reasons",
    )
