"""What a file that was fetched is called."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import unquote, unquote_to_bytes

from watcher.documents.links.address import Address
from watcher.headers import decode_bytes, file_name

_NAMED = re.compile(r".{1,200}\.(?:pdf|ofd|xml|zip|jpe?g|png|tiff?|rar|7z)", re.IGNORECASE)
_NUMBER = re.compile(r"(?<!\d)\d{20}(?!\d)")
_PARAMETERS = ("fileName", "filename", "af_fileName", "name")


def name_of(headers: Mapping[str, str], addresses: Iterable[Address], *, platform: str | None, extension: str) -> str:
    """By Content-Disposition, else by the addresses, the nearest first, else by the platform; never to be a path."""
    told = _disposed(headers.get("content-disposition", ""))
    if told:
        return told
    seen = list(addresses)
    for address in seen:
        for candidate in (_last(address), *(_readable(address.parameters.get(key, "")) for key in _PARAMETERS)):
            if _NAMED.fullmatch(candidate):
                return candidate
    number = next((found[0] for each in seen if (found := _NUMBER.search(unquote(str(each))))), None)
    return "_".join(filter(None, [platform, number])) + extension if platform or number else f"invoice{extension}"


def _disposed(value: str) -> str | None:
    """http.client reads headers as latin-1: their bytes may be UTF-8 or GBK, or percent-encoded once more."""
    raw = value.encode("latin-1", "replace")
    name = file_name([("content-disposition", raw)])
    if name and "%" in name and (whole := unquote_to_bytes(name)) != name.encode():
        name = decode_bytes(whole)
    return name.strip() or None if name else None


def _readable(parameter: str) -> str:
    return decode_bytes(parameter.encode("utf-8", "surrogateescape"))


def _last(address: Address) -> str:
    return decode_bytes(unquote_to_bytes(address.path.rpartition("/")[2]))
