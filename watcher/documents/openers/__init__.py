"""The containers that can be opened: one module each, one line here."""

from __future__ import annotations

from collections.abc import Mapping

from watcher.documents.openers.message import open_message
from watcher.documents.openers.unopened import refuse
from watcher.documents.openers.zipped import open_zip
from watcher.documents.sniff import Format
from watcher.documents.unpacking import Opener

OPENERS: Mapping[Format, Opener] = {
    Format.ZIP: open_zip,
    Format.MESSAGE: open_message,
    Format.SEVEN_ZIP: refuse("7z"),
    Format.RAR: refuse("rar"),
    Format.OUTLOOK: refuse("msg"),
    Format.TNEF: refuse("winmail.dat"),
    Format.SIGNED: refuse("p7m"),
}
