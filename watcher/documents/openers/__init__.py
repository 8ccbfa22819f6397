"""The containers that can be opened: one module each, one line here."""

from __future__ import annotations

from collections.abc import Mapping

from watcher.documents.formats import Format
from watcher.documents.openers.by_program import open_rar, open_seven_zip
from watcher.documents.openers.enveloped import open_enveloped, open_sealed
from watcher.documents.openers.message import open_message
from watcher.documents.openers.outlook import open_outlook
from watcher.documents.openers.portfolio import open_portfolio
from watcher.documents.openers.text import open_text
from watcher.documents.openers.tnef import open_tnef
from watcher.documents.openers.zipped import open_zip
from watcher.documents.unpacking import Opener

OPENERS: Mapping[Format, Opener] = {
    Format.ZIP: open_zip,
    Format.PORTFOLIO: open_portfolio,
    Format.MESSAGE: open_message,
    Format.SEVEN_ZIP: open_seven_zip,
    Format.RAR: open_rar,
    Format.OUTLOOK: open_outlook,
    Format.TNEF: open_tnef,
    Format.SIGNED: open_enveloped,
    Format.SEALED: open_sealed,
    Format.UUENCODED: open_text,
}
