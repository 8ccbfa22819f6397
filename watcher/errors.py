"""The errors of the program, grouped by what the caller does about them.

    WatcherError
    ├── PersonalError            tell the person at the terminal, without a traceback
    │   ├── ConfigurationError   mend the configuration (exit 78)
    │   ├── UsageError           mend the command (exit 2)
    │   └── JournalUnusable      the journal is locked, foreign, damaged or newer than the program
    │       ├── JournalOutdated  … or older than it, which the daemon changes by itself
    │       └── JournalMissing   … or has not been made yet, which the daemon does by itself
    ├── Unavailable              try again later; nothing was decided
    │   ├── SourceUnavailable    a mailbox or folder cannot be reached
    │   │   └── LoginRefused     … and waiting long is called for: accounts are blocked for hammering
    │   ├── StoreUnavailable     a store cannot take or sign a document now
    │   ├── LinkUnavailable      what a mail links to cannot be fetched now
    │   ├── DirectoryUnavailable it cannot be told who the sender is
    │   ├── MailerUnavailable    a reply cannot be sent now
    │   ├── AlertUnavailable     an alert cannot be handed over now
    │   ├── ListenFailed         the page's address cannot be listened at now
    │   ├── TokenUnavailable     the endpoint's token cannot be fetched now
    │   │   └── TokenRefused     … and not before a person mends client id, secret or address
    │   └── JournalUnavailable   the database cannot be reached now
    ├── Refused                  give up on this one thing, and say so
    │   ├── DocumentRefused      a document (or archive) cannot be used; carries the Reason
    │   ├── StoreRefused         the store will never take this document
    │   ├── MailRefused          the SMTP server refuses this reply for good
    │   └── JournalRefused       the journal's database will never take these values
    ├── Vanished                 what was to be read or moved is gone or has changed
    ├── TargetTaken              another file has the name that was planned: plan again
    └── ClaimLost                another node has the row now: write nothing

Errors of requests, IMAP, SMTP, the file system and SQL are translated into these once, in the
adapter, `from` their cause.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # `ready` needs errors, and is not to wait for all values
    from watcher.model import Reason


class WatcherError(Exception):
    """The root of everything that this program raises on purpose."""


class PersonalError(WatcherError):
    """What the person at the terminal can mend; `str()` is the whole message."""


class ConfigurationError(PersonalError):
    """The configuration is wrong; `problems` has every fault, one line each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class UsageError(PersonalError):
    """The command line asks for something that is not there."""


class JournalUnusable(PersonalError):
    """The journal cannot be opened, and will not be until a person has looked."""


class JournalOutdated(JournalUnusable):
    """An earlier version of this program has written it; the daemon brings it to this one."""


class JournalMissing(JournalUnusable):
    """There is no journal yet; the daemon makes it."""


class Unavailable(WatcherError):
    """Something outside cannot be used now; the same call may work later.

    `altogether`: nothing else that is to be done there can be done now either.
    `refuses_us`: it is we who are not wanted there, and asking again soon does harm.
    `broke`: the connection was lost over it, and the next thing that is asked costs another.
    """

    altogether = False
    refuses_us = False
    broke = False


class SourceUnavailable(Unavailable):
    """A mailbox or folder cannot be reached.

    `of_one`: it is there, and another of its submissions may well be read.
    """

    of_one = False


class LoginRefused(SourceUnavailable):
    """The server refuses the login."""

    altogether = True
    refuses_us = True


class StoreUnavailable(Unavailable):
    """A store cannot take or sign a document now.

    `of_one`: it has answered, and may well take another document.
    """

    of_one = False


class LinkUnavailable(Unavailable):
    """What a mail links to cannot be fetched now."""


class DirectoryUnavailable(Unavailable):
    """It cannot be told now who a sender is."""


class MailerUnavailable(Unavailable):
    """A reply cannot be handed over now."""


class AlertUnavailable(Unavailable):
    """An alert cannot be handed over now. Its text has nothing of the address, which is a secret."""


class ListenFailed(Unavailable):
    """The page's address cannot be listened at now."""


class TokenUnavailable(Unavailable):
    """The endpoint's token cannot be fetched now."""


class TokenRefused(TokenUnavailable):
    """The token endpoint refuses the client id or secret, or gives no token."""


class JournalUnavailable(Unavailable):
    """The database cannot be reached now."""

    altogether = True


class Refused(WatcherError):
    """This one thing cannot be done, now or later."""


class DocumentRefused(Refused):
    """A document or an archive cannot be used."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class StoreRefused(Refused):
    """The store will never take this document."""


class MailRefused(Refused):
    """The SMTP server refuses this reply for good."""


class JournalRefused(Refused):
    """The journal's database will never take these values; others it takes. Nothing of them is written."""


class Vanished(WatcherError):
    """What was to be read or moved is gone, or is not what it was."""


class TargetTaken(WatcherError):
    """Another file has the name that was planned."""


class ClaimLost(WatcherError):
    """The hold is over and another node has the row."""
