"""The files in an OFD, found as its XML names them. Runs in the child."""

from __future__ import annotations

import posixpath
import zipfile

from lxml import etree

from watcher.documents.directory import entry_name, opened_entry
from watcher.documents.inspection.structured import LARGEST_XML, parsed

_MOST_BYTES = 64 * 1024 * 1024  # unpacked, in all


class OfdFiles:
    """Reads within bounds. Raises what zipfile raises, and BadZipFile where too much would be unpacked."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._entries = {_plain(entry_name(info)).lower(): info for info in archive.infolist()}
        self._left = _MOST_BYTES

    def __contains__(self, path: str) -> bool:
        return path.lower() in self._entries

    def names(self) -> list[str]:
        """The paths, in lower case."""
        return list(self._entries)

    def resolve(self, path: str, base: str) -> str:
        """A path as a file in the folder `base` writes it: absolute, relative, or from the top all the same."""
        from_top, beside = _plain(path), _plain(posixpath.join(base, path.strip().replace("\\", "/")))
        return from_top if beside not in self and from_top in self else beside

    def xml(self, path: str) -> etree._Element | None:
        """The root of an XML file, or None where there is none or it cannot be parsed."""
        data = self.read(path, LARGEST_XML)
        return parsed(data) if data else None

    def read(self, path: str, largest: int) -> bytes | None:
        """A file's bytes; None where there is no such file or it is larger than that."""
        info = self._entries.get(_plain(path).lower())
        if info is None or info.file_size > largest:
            return None
        with opened_entry(self._archive, info) as stream:  # gives no more than the directory declares
            data = stream.read(largest)
        self._left -= len(data)
        if self._left < 0:
            raise zipfile.BadZipFile("too much is packed in it")
        return data


def _plain(path: str) -> str:
    return posixpath.normpath("/" + path.strip().replace("\\", "/")).lstrip("/")
