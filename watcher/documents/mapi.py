"""The MAPI properties of an attachment (MS-OXCMSG 2.2.2) that say what it is called and where its bytes are."""

from __future__ import annotations

from collections.abc import Mapping

from watcher.headers import decode_bytes

DISPLAY_NAME, DATA, EXTENSION, FILE_NAME, METHOD, LONG_FILE_NAME, MIME_TAG = (
    0x3001,
    0x3701,
    0x3703,
    0x3704,
    0x3705,
    0x3707,
    0x370E,
)
BODY, HTML = 0x1000, 0x1013  # of a message, what it says
MESSAGE_CODE_PAGE, INTERNET_CODE_PAGE = 0x3FFD, 0x3FDE
LONG, OBJECT, STRING8, UNICODE, BINARY = 0x0003, 0x000D, 0x001E, 0x001F, 0x0102
STRINGS = (UNICODE, STRING8)
LONGEST_STRING = 4096  # bytes; longer ones are cut

_BY_PREFERENCE = (LONG_FILE_NAME, FILE_NAME, DISPLAY_NAME)
_UTF8_PAGE, _UTF16_PAGE = 65001, 1200


def text(kind: int, raw: bytes, code_page: int | None = None) -> str:
    """A string property as text, without what follows its NUL."""
    if kind == UNICODE:
        return raw[: len(raw) & ~1].decode("utf-16-le", "replace").split("\0")[0]
    return decode_bytes(raw.split(b"\0")[0], charset(code_page))


def charset(code_page: int | None) -> str | None:
    """The character set that Windows gives this number; None: whoever asks has to guess."""
    if not code_page or code_page == _UTF16_PAGE:
        return None
    return "utf-8" if code_page == _UTF8_PAGE else f"cp{code_page}"


def file_name(strings: Mapping[int, str], title: str | None = None) -> str | None:
    """What the attachment is called: by its long name, else by the short ones."""
    for wanted in (*_BY_PREFERENCE[:2], None, *_BY_PREFERENCE[2:]):
        found = title if wanted is None else strings.get(wanted)
        if found:
            return found
    return None
