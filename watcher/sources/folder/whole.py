"""Whether a file is whole, told by its own structure: by its end, or by what its begin says of its length.

A copy to a share that pauses stands as still as one that is over. What is told here is only ever asked of a file that
stands still, and a format's answer is "no" wherever it is not sure: then the file has to stand still for longer.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from watcher.sources.folder.looked import Looked
from watcher.sources.folder.whole_containers import end_of_7z, end_of_der, ole, rar4, rar5, tnef, zip_archive
from watcher.sources.folder.whole_documents import PDF_BEGIN, looks_like_xml, pdf, xml
from watcher.sources.folder.whole_pictures import JPEG_BEGIN, boxes, end_of_bmp, end_of_webp, gif, jpeg, tiff

_HEADER_BYTES = 65_536  # of a mail
_ARMOUR_END = re.compile(rb"-----END [^-\r\n]+-----")
_BEFORE_HEADER = b"\xef\xbb\xbf\r\n"
_HEADER_LINE = re.compile(rb"[\xef\xbb\xbf\r\n]*(?:>?From [^\n]*\n)?[!-9;-~]{1,76}[ \t]*:")
_OF_MAILS = re.compile(
    rb"^(?:received|message-id|mime-version|return-path|dkim-signature|subject)[ \t]*:", re.IGNORECASE | re.MULTILINE
)
_FOLD = re.compile(rb"\n[ \t]+")
_MULTIPART = re.compile(rb"^content-type[ \t]*:[ \t]*multipart/[^\n]*", re.IGNORECASE | re.MULTILINE)
_BOUNDARY = re.compile(rb";[ \t]*boundary[ \t]*=[ \t]*(?:\"([^\"\n]+)\"|([^\s;\"]+))", re.IGNORECASE)


def is_whole(file: Looked) -> bool:
    """Whether it is whole, as far as its format can tell; of another format, whether anything stands at its end.

    Raises OSError.
    """
    if file.has_hole:
        return False
    for begins, tell in _TELLINGS:
        if begins(file.head):
            return tell(file)
    return not file.is_reserved


def _starts(*signatures: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(signatures)


def _ends(ending: bytes) -> Callable[[Looked], bool]:
    return lambda file: ending in file.near_end


def _reaches(end: Callable[[bytes], int | None]) -> Callable[[Looked], bool]:
    """`end` reads in the head how long the file is at least; None: it does not say."""

    def tell(file: Looked) -> bool:
        length = end(file.head)
        return length is not None and length <= file.size and not file.is_reserved

    return tell


def _armoured(file: Looked) -> bool:
    return _ARMOUR_END.search(file.near_end) is not None


def _uuencoded(file: Looked) -> bool:
    return file.near_end.rstrip(b"\0\r\n\t ").endswith(b"\nend")


def _mail(file: Looked) -> bool:
    """Several parts, and the end of the last one. Where there is only one, nobody can tell."""
    text = file.part(0, _HEADER_BYTES).lstrip(_BEFORE_HEADER)
    header = text.replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    if _OF_MAILS.search(header) is None:
        return not file.is_reserved  # some other text
    kind = _MULTIPART.search(_FOLD.sub(b" ", header))
    found = _BOUNDARY.search(kind[0]) if kind else None
    return found is not None and b"\n--" + (found[1] or found[2]) + b"--" in file.tail


# The first that fits. What may begin with something else comes last, as archives keep files in them as they are.
_TELLINGS: tuple[tuple[Callable[[bytes], bool], Callable[[Looked], bool]], ...] = (
    (_starts(PDF_BEGIN), pdf),
    (_starts(b"PK\x03\x04"), zip_archive),
    (_starts(JPEG_BEGIN), jpeg),
    (_starts(b"\x89PNG\r\n"), _ends(b"IEND\xae\x42\x60\x82")),
    (_starts(b"GIF8"), gif),
    (_starts(b"II*\0", b"MM\0*"), tiff),
    (lambda head: head[:4] == b"RIFF" and head[8:12] == b"WEBP", _reaches(end_of_webp)),
    (lambda head: head[4:8] == b"ftyp", boxes),
    (lambda head: head[:2] == b"BM" and head[6:10] == bytes(4), _reaches(end_of_bmp)),
    (_starts(b"7z\xbc\xaf\x27\x1c"), _reaches(end_of_7z)),
    (_starts(b"Rar!\x1a\x07\x01\x00"), rar5),
    (_starts(b"Rar!\x1a\x07\x00"), rar4),
    (_starts(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), ole),
    (_starts(b"\x78\x9f\x3e\x22"), tnef),
    (_starts(b"\x30\x80", b"\x30\x82", b"\x30\x83", b"\x30\x84"), _reaches(end_of_der)),
    (_starts(b"-----BEGIN "), _armoured),
    (_starts(b"begin "), _uuencoded),
    (lambda head: PDF_BEGIN in head and _OF_MAILS.search(head) is None, pdf),
    (looks_like_xml, xml),
    (lambda head: _HEADER_LINE.match(head) is not None, _mail),
)
