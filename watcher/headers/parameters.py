"""The parameters of ``Content-Type`` and ``Content-Disposition``, as they stand in the header."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from watcher.headers.decoding import as_bytes, decode_bytes, decode_parameter

_MOST_PARAMETERS = 200


def split_parameters(raw: bytes | str) -> tuple[str, list[tuple[str, str | bytes]]]:
    """The value before the first ``;`` in lower case, and the parameters in their order, for `decode_parameter`.

    Never raises: what is no ``name=value`` is left out. Only ``\\"`` and ``\\\\`` are escapes, because mailers
    write Windows paths.
    """
    # As text first: the second byte of a GBK character may be a backslash.
    text = decode_bytes(as_bytes(raw))
    value, *rest = _split(text.replace("\r", "").replace("\n", ""))
    pairs = (item.partition("=") for item in rest[:_MOST_PARAMETERS])
    return value.strip().lower(), [
        (key.strip().lower(), _bare(given.strip())) for key, equals, given in pairs if equals
    ]


def file_name(fields: Iterable[tuple[str, str | bytes]]) -> str | None:
    """The name that a part's header fields give it: Content-Disposition's, else Content-Type's; not cleaned."""
    given = [(field.lower(), value) for field, value in fields]
    for header, parameter in (("content-disposition", "filename"), ("content-type", "name")):
        for value in (value for field, value in given if field == header):
            if name := decode_parameter(split_parameters(value)[1], parameter):
                return name
    return None


def _split(text: str) -> Iterator[str]:
    start, quoted, escaped = 0, False, False
    for position, character in enumerate(text):
        if escaped:
            escaped = False
        elif quoted and character == "\\":
            escaped = text[position + 1 : position + 2] in ('"', "\\")
        elif character == '"':
            quoted = not quoted
        elif character == ";" and not quoted:
            yield text[start:position]
            start = position + 1
    yield text[start:]


def _bare(value: str) -> str:
    if not value.startswith('"'):
        return value
    inner = value[1:-1] if value.endswith('"') and len(value) > 1 else value[1:]
    return inner.replace("\\\\", "\0").replace('\\"', '"').replace("\0", "\\")
