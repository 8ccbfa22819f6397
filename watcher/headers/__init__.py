"""Pure functions on mail headers and on names that come from outside.

Nothing here raises for what it is given, and nothing here does I/O. Text that was decoded is still
foreign: `clean` and `clean_name` make it fit to be shown and logged.
"""

from watcher.headers.address import mailbox, mailboxes, named_address
from watcher.headers.block import OWN_MARK, MailHeader, read_header
from watcher.headers.clean import clean, clean_name, server_words
from watcher.headers.decoding import decode, decode_bytes, decode_parameter
from watcher.headers.parameters import file_name, split_parameters
from watcher.headers.results import TOPMOST, Result, Results, believed_results, read_results

__all__ = [
    "OWN_MARK",
    "TOPMOST",
    "MailHeader",
    "Result",
    "Results",
    "believed_results",
    "clean",
    "clean_name",
    "decode",
    "decode_bytes",
    "decode_parameter",
    "file_name",
    "mailbox",
    "mailboxes",
    "named_address",
    "read_header",
    "read_results",
    "server_words",
    "split_parameters",
]
