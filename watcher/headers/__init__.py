"""Pure functions on mail headers and on names that come from outside.

Nothing here raises for what it is given, and nothing here does I/O. Text that was decoded is still
foreign: `clean` and `clean_name` make it fit to be shown and logged.
"""

from watcher.headers.address import mailbox, mailboxes
from watcher.headers.block import MailHeader, read_header
from watcher.headers.clean import clean, clean_name
from watcher.headers.decoding import decode, decode_bytes, decode_parameter
from watcher.headers.parameters import split_parameters

__all__ = [
    "MailHeader",
    "clean",
    "clean_name",
    "decode",
    "decode_bytes",
    "decode_parameter",
    "mailbox",
    "mailboxes",
    "read_header",
    "split_parameters",
]
