"""From the bytes of a header to its text, as Chinese mailers really write them."""

from __future__ import annotations

import binascii
import codecs
import encodings.aliases
import functools
import pkgutil
import quopri
import re
from collections.abc import Iterator, Sequence
from urllib.parse import unquote_to_bytes

from msgspec import Struct

_FOLD = re.compile(r"\r?\n(?=[ \t])")
_LINE_END = re.compile(r"[\r\n]+")
_WORD_START = re.compile(r"=\?([!-)+->@-~]{1,40}?)(?:\*[A-Za-z0-9-]{0,35})?\?([bBqQ])\?")
_NOT_PLAIN = re.compile(rb"=\?|[^\x00-\x09\x0b\x0c\x0e-\x7f]")  # what has to be decoded or unfolded
_PADDING = re.compile(r"=+")
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/=]+")
_SURROGATE = re.compile("[\ud800-\udfff]")
_NO_ESCAPE = re.compile("[\ud800-\udc7f\udd00-\udfff]")  # surrogates that no parser made of a byte
_CONTINUATION = re.compile(r"\*([0-9]{1,3})(\*?)")

# What mailers call GBK, and what they call by a smaller name than they use: the larger set reads both.
_LARGER = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "gb18030": "gb18030",
    "cp936": "gb18030",
    "ms936": "gb18030",
    "windows936": "gb18030",
    "xgbk": "gb18030",
    "csgb2312": "gb18030",
    "gb231280": "gb18030",
    "euccn": "gb18030",
    "chinese": "gb18030",
    "big5": "big5hkscs",
    "shiftjis": "cp932",
    "ksc56011987": "cp949",
    "euckr": "cp949",
}
# Codecs of Python that are no character set, or that take unreasonable time.
_NO_CHARSET = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"})
_MOST_CONTINUATIONS = 1000


class _Word(Struct):
    """Encoded words of one charset, not read as text yet: (encoding, text) for each run of one encoding."""

    charset: str
    runs: list[tuple[str, list[str]]]

    def append(self, other: _Word) -> None:
        """Base64 may be cut anywhere, so that its pieces are put together before they are decoded."""
        for encoding, texts in other.runs:
            if encoding == self.runs[-1][0]:
                self.runs[-1][1].extend(texts)
            else:
                self.runs.append((encoding, texts))

    def decoded(self) -> str:
        data = b"".join(_payload(encoding, "".join(texts)) for encoding, texts in self.runs)
        return decode_bytes(data, self.charset)


def decode(raw: bytes | str) -> str:
    """The text of a header's value: unfolded, its encoded words decoded; what cannot be read becomes U+FFFD.

    It may hold whatever an encoded word held, line ends and escape sequences too: see `clean`.
    """
    if isinstance(raw, bytes) and _NOT_PLAIN.search(raw) is None:  # nearly every value by far
        return raw.decode("ascii").strip(" \t")
    text = _LINE_END.sub(" ", _FOLD.sub("", _plain_text(raw)))
    return "".join(_render(_join(_pieces(text)))).strip(" \t")


def decode_bytes(data: bytes, charset: str | None = None) -> str:
    """Bytes as text: by the named character set if they fit it, else as UTF-8, else as gb18030."""
    codec = _codec(charset) if charset else None
    for candidate in (codec, "utf-8", "gb18030"):
        if candidate is None:
            continue
        try:
            text = data.decode(candidate)
            # UTF-8 has none of them, and is nearly all that comes.
            return text if candidate == "utf-8" else _SURROGATE.sub("\ufffd", text)
        except (LookupError, ValueError):
            continue
    try:
        return data.decode(codec or "utf-8", "replace")
    except (LookupError, ValueError):
        return data.decode("utf-8", "replace")


def decode_parameter(parameters: Sequence[tuple[str, str | bytes]], name: str) -> str | None:
    """A parameter such as ``filename``, by RFC 2231 where it is written so, else with whatever mailers put there.

    None where there is none. The name is not cleaned: see `clean_name`.
    """
    given: dict[str, bytes] = {}
    for key, value in parameters:
        given.setdefault(key.strip().lower(), as_bytes(value))
    name = name.lower()
    if "*" in "".join(given):
        whole = given.get(f"{name}*")
        if whole is not None:
            return decode_bytes(*_extended(whole))
        if continued := _continued(given, name):
            return continued
    return decode(given[name]) if name in given else None


def _continued(given: dict[str, bytes], name: str) -> str | None:
    """``name*0*=…; name*1=…`` joined; a gap ends it."""
    parts: dict[int, tuple[bytes, bool]] = {}
    for key in [key for key in given if "*" in key]:
        found, value = _CONTINUATION.fullmatch(key, len(name)) if key.startswith(name) else None, given[key]
        if found is not None:
            parts.setdefault(int(found[1]), (value, bool(found[2])))
    number = min(parts, default=0)
    if number > 1 or not parts:
        return None
    joined, charset, is_extended = b"", None, False
    while number in parts and number < _MOST_CONTINUATIONS:
        value, extended = parts[number]
        if extended and charset is None and not is_extended:
            value, charset = _extended(value)
        elif extended:
            value = unquote_to_bytes(value)
        joined, is_extended, number = joined + value, is_extended or extended, number + 1
    return decode_bytes(joined, charset) if is_extended else decode(joined)


def _extended(value: bytes) -> tuple[bytes, str | None]:
    """``charset'language'percent-encoded``; mailers leave the first two out."""
    charset, quote, rest = value.strip(b'"').partition(b"'")
    _language, second, text = rest.partition(b"'")
    if not (quote and second):
        return unquote_to_bytes(value.strip(b'"')), None
    return unquote_to_bytes(text), charset.decode("ascii", "replace") or None


def _plain_text(raw: bytes | str) -> str:
    """Raw 8-bit headers have no charset: UTF-8 if it is that, else gb18030. Encoded words are ASCII and survive."""
    return decode_bytes(as_bytes(raw))


def as_bytes(value: bytes | str) -> bytes:
    """The bytes that a parser kept as surrogate escapes are bytes again."""
    if isinstance(value, bytes):
        return value
    return _NO_ESCAPE.sub("\ufffd", value).encode("utf-8", "surrogateescape")


def _pieces(text: str) -> Iterator[str | _Word]:
    """Text and encoded words in turn, in one pass."""
    position = 0
    for_text = 0
    while (found := _WORD_START.search(text, position)) is not None:
        end = text.find("?=", found.end())
        if end < 0:
            break
        yield text[for_text : found.start()]
        yield _Word(found[1].lower(), [(found[2].upper(), [text[found.end() : end]])])
        position = for_text = end + 2
    yield text[for_text:]


def _join(pieces: Iterator[str | _Word]) -> Iterator[str | _Word]:
    """White space between two words is dropped, and words of one charset are one: a character may span them."""
    word: _Word | None = None
    space = ""
    for piece in pieces:
        if isinstance(piece, str):
            if piece.strip(" \t"):
                if word is not None:
                    yield word
                word, space = None, ""
                yield piece
            else:
                space = piece
            continue
        if word is None:
            yield space
            word = piece
        elif word.charset == piece.charset:
            word.append(piece)
        else:
            yield word
            word = piece
        space = ""
    if word is not None:
        yield word


def _render(pieces: Iterator[str | _Word]) -> Iterator[str]:
    for piece in pieces:
        yield piece if isinstance(piece, str) else piece.decoded()


def _payload(encoding: str, text: str) -> bytes:
    if encoding == "Q":
        return quopri.decodestring(text.encode("utf-8"), header=True)
    return _base64(text)


def _base64(text: str) -> bytes:
    """Lenient: wrong characters are skipped, padding may be missing or stand in the middle."""
    decoded = b""
    for part in _PADDING.split(_NOT_BASE64.sub("", text)):
        whole = part[: len(part) - 1] if len(part) % 4 == 1 else part
        decoded += binascii.a2b_base64(whole + "=" * (-len(whole) % 4))
    return decoded


@functools.cache
def _codec_names() -> frozenset[str]:
    """Of all codecs that there are: to look one up that is not there, Python goes through its folders each time."""
    modules = (module.name for module in pkgutil.iter_modules(encodings.__path__))
    return frozenset([*modules, *encodings.aliases.aliases, *encodings.aliases.aliases.values()])


def _codec(charset: str) -> str | None:
    """The codec's name, or None for what is no character set of ours."""
    letters = re.sub(r"[^a-z0-9]", "", charset.lower())
    name = _LARGER.get(letters, charset.lower())
    if encodings.normalize_encoding(name) not in _codec_names():
        return None
    try:
        found = codecs.lookup(name).name
    except (LookupError, ValueError):
        return None
    return None if found.replace("-", "_") in _NO_CHARSET else name
