"""What `check` says of a server's abilities, and of our rights on its folders."""

from __future__ import annotations

import imaplib
from collections.abc import Iterator

from watcher.config.sections import Mailbox
from watcher.errors import SourceUnavailable
from watcher.findings import About
from watcher.model import Finding
from watcher.mounts import in_bytes
from watcher.sources.mailbox.abilities import Rights, quota, seconds_to_idle
from watcher.sources.mailbox.connection import CommandRefused
from watcher.sources.mailbox.finding import DONE_KEYWORD
from watcher.sources.mailbox.folders import SEPARATOR, Folders
from watcher.sources.mailbox.session import Session

_NEARLY_FULL = 0.9
_SLOW_SECONDS = 5.0

# What is worth having, and what its lack means.
_WORTH_HAVING = {
    "IDLE": "new mail is seen at the next poll only",
    "MOVE": "mails are moved by copying and deleting",
    "UIDPLUS": "what was copied stays in the folder, marked as deleted, until somebody cleans up",
}
_OF_USE = (*_WORTH_HAVING, "ID", "BINARY", "QUOTA", "ACL")


def capabilities(settings: Mailbox, session: Session, about: About) -> Finding:
    """What the server has that is of use, and what its lack means."""
    lacking = [name for name in _WORTH_HAVING if not session.has(name)]
    if not settings.idle or session.has("MOVE"):  # without use for it, its lack is no news
        lacking = [name for name in lacking if not _is_needless(name, settings, session)]
    has = ", ".join(name for name in _OF_USE if session.has(name))
    if not lacking:
        return about.well(f"the server has all that is of use: {has}")
    told = "; ".join(f"no {name}: {_WORTH_HAVING[name]}" for name in lacking)
    return about.note(f"the server has {has or 'no extension that is of use'}; {told}", _without(lacking))


def _is_needless(name: str, settings: Mailbox, session: Session) -> bool:
    return (name == "IDLE" and not settings.idle) or (name == "UIDPLUS" and session.has("MOVE"))


def _without(lacking: list[str]) -> str:
    if "UIDPLUS" in lacking:
        return "nothing need be done; a mail program may be set to clean the folder up (expunge) now and then"
    if lacking == ["IDLE"]:
        return "lower `poll` where a minute is too long, and set `idle: false`"
    return "nothing need be done"


def room(session: Session, folder: str, about: About) -> Iterator[Finding]:
    """Whether the mailbox is nearly full."""
    for name, used, limit in quota(session, folder):
        if used < limit * _NEARLY_FULL:
            continue
        kibi = 1024 if name == "STORAGE" else 0
        told = f"{in_bytes(used * kibi)} of {in_bytes(limit * kibi)}" if kibi else f"{used} of {limit} {name.lower()}s"
        if used >= limit:
            yield about.wrong(f"the mailbox is full ({told}): what is sent to it comes back", _MAKE_ROOM)
        else:
            yield about.note(f"the mailbox is nearly full ({told})", _MAKE_ROOM)


_MAKE_ROOM = "delete old mails in it (those in the done folder too), or have its quota raised"


def target(session: Session, folders: Folders, folder: str, about: About) -> Finding:
    """Whether mails can be moved into a folder, or whether it can be made."""
    listed = session.listed(folders.name(folder))
    if listed is None:
        return _to_be_made(session, folders, folder, about)
    if _has_flag(listed[0], b"\\noselect"):
        return about.wrong(f"the folder {folder} holds other folders only, and no mails", "name one that holds mails")
    rights = Rights.on(session, folders.name(folder))
    if rights is not None and not rights.to_put_in:
        return about.wrong(f"we have no right to put mails into the folder {folder}", _GRANT)
    return about.well(f"the folder {folder} is there")


_GRANT = "have its owner grant the login insert, delete and flag rights on it, or name another folder"


def _to_be_made(session: Session, folders: Folders, folder: str, about: About) -> Finding:
    above = folder.rpartition(SEPARATOR)[0]
    while above and session.listed(folders.name(above)) is None:
        above = above.rpartition(SEPARATOR)[0]
    if above:
        listed = session.listed(folders.name(above))
        rights = Rights.on(session, folders.name(above))
        shut = listed is not None and _has_flag(listed[0], b"\\noinferiors")
        if shut or (rights is not None and not rights.to_make_below):
            message = f"the folder {folder} is not there, and cannot be made below {above}"
            return about.wrong(message, "make it by hand, or name one that is there")
    return about.well(f"the folder {folder} is not there yet and is made when the first mail is moved")


def _has_flag(flags: object, flag: bytes) -> bool:
    return isinstance(flags, list) and any(isinstance(each, bytes) and each.lower() == flag for each in flags)


def idling(settings: Mailbox, session: Session, about: About) -> Iterator[Finding]:
    """IDLE for real, because some servers only say that they have it."""
    if not settings.idle or not session.has("IDLE"):
        return
    advice = "set `idle: false`; `poll` says how soon new mail is seen then"
    try:
        seconds = seconds_to_idle(session)
    except CommandRefused as error:
        yield about.note(f"the server says that it has IDLE, and refuses it: {error}", advice)
        return
    except SourceUnavailable as error:
        yield about.note(f"the server says that it has IDLE, and does not take it: {error}", advice)
        return
    if seconds > _SLOW_SECONDS:
        yield about.note(f"the server took {seconds:.0f} s to accept IDLE", advice)
    else:
        yield about.well("IDLE is accepted: new mail is announced")


def leaving(settings: Mailbox, rights: Rights | None, about: About) -> Iterator[Finding]:
    """Whether an answered mail may be moved away, or flagged where it stays, as far as the server tells our rights."""
    if rights is None:
        return
    moves = settings.done is not None or settings.error is not None
    if moves and not rights.to_take_out:
        yield about.wrong(f"we have no right to move mails out of {settings.folder}", _GRANT)
    if _some_stay(settings) and not rights.to_flag:
        yield about.note(f"we have no right to flag mails in {settings.folder}: answered ones look like new", _GRANT)


def _some_stay(settings: Mailbox) -> bool:
    return settings.done is None or settings.error is None


def changing(settings: Mailbox, session: Session, name: str, about: About) -> Iterator[Finding]:
    """Whether the folder is opened for more than reading, and keeps our flag."""
    if session.broken:
        return
    try:
        session.select(name, readonly=False)
    except SourceUnavailable as error:
        if not isinstance(error.__cause__, imaplib.IMAP4.readonly):
            raise
        yield about.wrong(f"{settings.folder} may only be read: no mail can be moved or flagged there", _GRANT)
        return
    if not _some_stay(settings):
        return
    if _keeps_keywords(session):
        yield about.well(rf"mails without a folder to move to are flagged \Seen and {DONE_KEYWORD}")
    else:
        yield about.note(
            r"the server keeps no keywords: answered mails are flagged \Seen alone, which people's reading does too",
            "name folders for done and error, so that it is seen which mails were answered",
        )


def _keeps_keywords(session: Session) -> bool:
    flags = session.permanent_flags
    return flags is None or "\\*" in flags or DONE_KEYWORD.lower() in flags
