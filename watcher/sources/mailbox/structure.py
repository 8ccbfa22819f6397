"""A mail's parts as the server tells them (BODYSTRUCTURE), and which of them are files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from watcher.headers import decode_parameter, read_header
from watcher.mime.part import SAID, WALKED, is_decoration, is_file
from watcher.sources.mailbox.grammar import Malformed, Value, number

_DEEPEST = 60
_PLAIN_ENCODINGS = frozenset({"", "7bit", "8bit", "binary"})
_KNOWN_ENCODINGS = _PLAIN_ENCODINGS | {"base64", "quoted-printable"}
# Headers of parts, boundaries and what stands between them take this much at most, in bytes.
_FRAME_OF_MAIL = 1024
_FRAME_OF_PART = 2048
_FRAME_OF_NESTED = 32 * 1024
_LEAST_SAID = 100  # octets: no link into a cloud is shorter, and what is said beside most invoices is
_MOST_PARTS = 5000  # of those that servers tell of: Dovecot sees none beyond its 10,000th

Parameters = tuple[tuple[str, bytes], ...]


class Part(Struct, frozen=True, kw_only=True):
    """One part. `octets` is its size as it is transferred; 0 for a multipart, whose children have theirs."""

    section: str  # as FETCH wants it: "1.2"
    media_type: str
    encoding: str = ""
    octets: int = 0
    disposition: str = ""
    name: str | None = None
    charset: str | None = None
    children: tuple[Part, ...] = ()
    within: str = ""  # the trail of the nested message that it is a part of, where `files` gives it

    @property
    def trail(self) -> str:
        """Its own, as `watcher.ports` has it."""
        return f"{self.within}/{self.section}"

    @property
    def is_walked(self) -> bool:
        """Whether it stands for the header of a nested message, what is in it being files of their own."""
        return self.media_type == WALKED

    @property
    def has_no_name(self) -> bool:
        """Whether it is no file, which would have one."""
        return self.media_type in (WALKED, SAID)

    @property
    def is_multipart(self) -> bool:
        return self.media_type.startswith("multipart/")

    @property
    def is_file(self) -> bool:
        """Of what has no parts of its own: whether it is a file, and not what the mail says."""
        return not self.is_multipart and is_file(self.media_type, self.disposition, self.name)

    @property
    def can_be_decoded(self) -> bool:
        return self.encoding in _KNOWN_ENCODINGS


def read_structure(value: Value) -> Part:
    """The root part. Raises Malformed where the server's answer is not understood."""
    if not isinstance(value, list):
        raise Malformed("the structure is no list")
    return _body(value, "", 0)


def files(part: Part, within: str = "") -> Iterator[Part]:
    """Every file in it, in order, those of nested messages too, and after these the header of each.

    Whoever wants files has to know where there is none. What is said in plain text is among them, as SAID, where files
    or links to them may be written into it: where it is not short, nor said as HTML too, and in a mail without a file.
    """
    found = list(_leaves(part, within, is_alternative=False))
    filled = _with_files(each for each, _ in found)
    for each, is_alternative in found:
        is_short = is_alternative or each.octets < _LEAST_SAID
        if not (each.media_type == SAID and is_short and each.within in filled):
            yield each


def _leaves(part: Part, within: str, *, is_alternative: bool) -> Iterator[tuple[Part, bool]]:
    """And whether it is one of several forms of the same."""
    if part.children:
        inner = within if part.is_multipart else f"{within}/{part.section}"
        is_alternative = part.media_type == "multipart/alternative"
        for child in part.children:
            yield from _leaves(child, inner, is_alternative=is_alternative)
        if not part.is_multipart:
            yield replace(part, media_type=WALKED, encoding="", octets=0, within=within), False
    elif part.is_file:
        yield (replace(part, within=within) if within else part), False
    elif part.media_type == "text/plain":
        yield replace(part, media_type=SAID, within=within), is_alternative


def _with_files(leaves: Iterable[Part]) -> set[str]:
    """The trails of all mails that a file is in, and more than stands in or under any mail."""
    filled: set[str] = set()
    for mail in {each.within for each in leaves if not (each.has_no_name or _is_furniture(each))}:
        outer = mail
        while outer not in filled:
            filled.add(outer)
            outer = outer.rpartition("/")[0]
    return filled


def _is_furniture(part: Part) -> bool:
    return part.media_type == "application/pgp-keys" or is_decoration(part.media_type, part.octets)


def texts(part: Part, mail: str = "") -> Iterator[tuple[str, Part]]:
    """Every part that is no file but what the mail says, in order, those of nested messages too, with whose they are.

    The mail itself is "", a nested message its trail.
    """
    if part.children:
        inner = mail if part.is_multipart else f"{mail}/{part.section}"
        for child in part.children:
            yield from texts(child, inner)
    elif not part.is_multipart and not part.is_file:
        yield mail, part


def pages(part: Part) -> Iterator[tuple[str, Part]]:
    """Those of the texts that are HTML."""
    return (each for each in texts(part) if each[1].media_type == "text/html")


def contradiction(root: Part, header: bytes, mail_octets: int) -> str | None:
    """Why the structure cannot be the whole truth of a mail with this header block; None: it can.

    Servers give up on what they do not understand (no boundary, a broken one), and show less than is there.
    """
    if not root.is_multipart and _declares_parts(header):
        return "the header says that it has parts"
    parts = _all(root)
    if odd := _oddity(parts):
        return odd
    if mail_octets - len(header) - _told(root) > _FRAME_OF_MAIL + _FRAME_OF_PART * len(parts):
        return "its parts are far smaller than the mail"
    if any(_unaccounted(part) for part in parts):
        return "a nested message is far larger than its parts"
    return None


def _oddity(parts: Sequence[Part]) -> str | None:
    """What servers get wrong, whatever the sizes are."""
    if len(parts) > _MOST_PARTS:
        return "it has more parts than servers look at"
    if any(_is_hollow(part) for part in parts):
        return "a multipart has no part"
    if any(not part.children and not part.can_be_decoded and part.is_file for part in parts):
        return "a part is encoded in an unusual way"
    return None


def _declares_parts(header: bytes) -> bool:
    declared = read_header(header).first("content-type") or b""
    return declared.strip().lower().startswith(b"multipart/")


def _all(part: Part) -> list[Part]:
    """It and all parts in it, level by level."""
    found = level = [part]
    while level := [child for each in level for child in each.children]:
        found = found + level
    return found


def _is_hollow(part: Part) -> bool:
    if not part.is_multipart:
        return False
    return not part.children or (len(part.children) == 1 and _told(part) == 0)


def _told(part: Part) -> int:
    return part.octets if not part.is_multipart else sum(_told(child) for child in part.children)


def _unaccounted(part: Part) -> bool:
    if part.is_multipart or not part.children:
        return False
    inner = sum(_told(child) for child in part.children)
    return part.octets - inner > _FRAME_OF_NESTED + _FRAME_OF_PART * len(_all(part))


def _body(value: list[Value], section: str, depth: int) -> Part:
    if depth > _DEEPEST:
        raise Malformed("the structure is too deep")
    if value and isinstance(value[0], list):
        return _multipart(value, section, depth)
    return _single(value, section or "1", depth)


def _multipart(value: list[Value], section: str, depth: int) -> Part:
    bodies = []
    for item in value:
        if not isinstance(item, list):
            break
        bodies.append(item)
    prefix = f"{section}." if section else ""
    children = tuple(_body(item, f"{prefix}{index}", depth + 1) for index, item in enumerate(bodies, 1))
    return Part(section=section, media_type=f"multipart/{_word(value, len(bodies)) or 'mixed'}", children=children)


def _single(value: list[Value], section: str, depth: int) -> Part:
    kind, subtype = _word(value, 0), _word(value, 1)
    if not kind or len(value) < 7:  # noqa: PLR2004 - type to octets: what every body has
        raise Malformed("a part is too short")
    media_type, encoding = f"{kind}/{subtype}", _word(value, 5)
    nested = media_type == "message/rfc822" and len(value) > 8 and isinstance(value[8], list)  # noqa: PLR2004 - its body
    after = 7 + (3 if nested else 1 if kind == "text" else 0)
    (disposition, parameters), given = _disposition(value, after + 1), _parameters(value[2])
    return Part(
        section=section,
        media_type=media_type,
        encoding=encoding,
        octets=number(value[6]) or 0,
        disposition=disposition,
        name=_name(parameters, given),
        charset=decode_parameter(given, "charset"),
        children=_nested(value, section, depth) if nested and encoding in _PLAIN_ENCODINGS else (),
    )


def _nested(value: list[Value], section: str, depth: int) -> tuple[Part, ...]:
    inner = value[8]
    if not isinstance(inner, list) or not inner:
        return ()
    # A nested message's only part is SECTION.1, the parts of its multipart SECTION.1, SECTION.2 and so on.
    is_multipart = isinstance(inner[0], list)
    return (_body(inner, section if is_multipart else f"{section}.1", depth + 1),)


def _disposition(value: list[Value], index: int) -> tuple[str, Parameters]:
    found = value[index] if index < len(value) else None
    if isinstance(found, bytes):  # some servers give the bare word
        return found.decode("ascii", "replace").lower(), ()
    if not isinstance(found, list) or not found:
        return "", ()
    return _word(found, 0), _parameters(found[1] if len(found) > 1 else None)


def _name(disposition: Parameters, content_type: Parameters) -> str | None:
    told = decode_parameter(disposition, "filename") if disposition else None
    return told or (decode_parameter(content_type, "name") if content_type else None)


def _parameters(value: Value) -> Parameters:
    if not isinstance(value, list):
        return ()
    return tuple(
        (key.decode("ascii", "replace"), given)
        for key, given in zip(value[::2], value[1::2], strict=False)
        if isinstance(key, bytes) and isinstance(given, bytes)
    )


def _word(value: list[Value], index: int) -> str:
    found = value[index] if index < len(value) else None
    return found.decode("ascii", "replace").strip().lower() if isinstance(found, bytes) else ""
