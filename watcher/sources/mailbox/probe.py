"""What `check` finds out about a mailbox, changing nothing there."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from imap_tools.imap_utf7 import utf7_decode

from watcher.config.sections import Mailbox
from watcher.errors import LoginRefused, SourceUnavailable
from watcher.headers import clean
from watcher.model import Finding
from watcher.sources.mailbox.finding import Wanted, present_uids
from watcher.sources.mailbox.folders import Folders
from watcher.sources.mailbox.grammar import number
from watcher.sources.mailbox.identity import internal_date
from watcher.sources.mailbox.login import login_hint
from watcher.sources.mailbox.reading import chunks
from watcher.sources.mailbox.session import Session

_MANY = 100
_MOST_NAMES = 20

# What is worth having, and what its lack means.
_WORTH_HAVING = {
    "IDLE": "new mail is seen at the next poll only",
    "MOVE": "mails are moved by copying and deleting",
    "UIDPLUS": "what was copied stays in the folder, marked as deleted, until somebody cleans up",
}


def probe(settings: Mailbox, log_in: Callable[[], Session], wanted: Wanted) -> list[Finding]:
    """Logs in, and looks at capabilities, folders and mails."""
    about = _About(f"mailbox {settings.name}")
    try:
        session = log_in()
    except LoginRefused as error:
        hint = login_hint(settings)
        return [about.wrong(str(error).removesuffix(f"; {hint}"), hint)]
    except SourceUnavailable as error:
        return [about.wrong(str(error), "see host, port, tls and ca_file, and whether a firewall is in between")]
    try:
        return list(_findings(settings, session, wanted, about))
    except SourceUnavailable as error:
        return [about.wrong(str(error), "see what the server says, and try again")]
    finally:
        session.logout()


class _About:
    """Findings on one subject."""

    def __init__(self, subject: str) -> None:
        self._subject = subject

    def well(self, message: str) -> Finding:
        return Finding(subject=self._subject, ok=True, message=message)

    def note(self, message: str, mend: str | None = None) -> Finding:
        return Finding(subject=self._subject, ok=True, message=message, mend=mend, warning=True)

    def wrong(self, message: str, mend: str) -> Finding:
        return Finding(subject=self._subject, ok=False, message=message, mend=mend)


def _findings(settings: Mailbox, session: Session, wanted: Wanted, about: _About) -> Iterator[Finding]:
    yield about.well(f"logged in as {settings.username} at {settings.host}:{settings.effective_port}")
    if settings.tls == "none":
        yield about.note("the password and the mails travel unencrypted", "set tls to implicit or starttls")
    yield _capabilities(settings, session, about)
    folders = Folders(session)
    if not folders.exists(settings.folder):
        yield about.wrong(f"the folder {settings.folder} is not there", f"name one of these: {_names(session)}")
        return
    yield _mails(settings, session, folders, wanted, about)
    for folder in dict.fromkeys(each for each in (settings.done, settings.error) if each is not None):
        yield _folder(folders, folder, about)
    if settings.done is None or settings.error is None:
        yield about.well(r"mails without a folder to move to are flagged \Seen and $InvoiceDone")


def _capabilities(settings: Mailbox, session: Session, about: _About) -> Finding:
    lacking = [name for name in _WORTH_HAVING if not session.has(name)]
    if not settings.idle or session.has("MOVE"):  # without use for it, its lack is no news
        lacking = [name for name in lacking if not _is_needless(name, settings, session)]
    if not lacking:
        return about.well("the server has all that is of use: " + ", ".join(_has(session)))
    told = "; ".join(f"no {name}: {_WORTH_HAVING[name]}" for name in lacking)
    return about.note(f"the server has {', '.join(_has(session)) or 'no extension that is of use'}; {told}")


def _is_needless(name: str, settings: Mailbox, session: Session) -> bool:
    return (name == "IDLE" and not settings.idle) or (name == "UIDPLUS" and session.has("MOVE"))


def _has(session: Session) -> list[str]:
    return [name for name in (*_WORTH_HAVING, "ID", "BINARY") if session.has(name)]


def _mails(settings: Mailbox, session: Session, folders: Folders, wanted: Wanted, about: _About) -> Finding:
    session.select(folders.name(settings.folder), readonly=True)
    present = present_uids(session, done_too=False)
    recent = len(present) - _old(session, present, wanted)
    counted = f"{len(present)} mails lie in {settings.folder}"
    if settings.since is None and len(present) > _MANY:
        return about.note(f"{counted}, and all of them are looked at", "set `since`, unless old mails are wanted too")
    if settings.since is None:
        return about.well(f"{counted}; all of them are looked at, as `since` is not set")
    return about.well(f"{counted}; {recent} of them have come since {settings.since} and are looked at")


def _names(session: Session) -> str:
    names = []
    for raw in session.folder_names()[:_MOST_NAMES]:
        with contextlib.suppress(ValueError):
            names.append(clean(utf7_decode(raw)))
    return ", ".join(names)


def _old(session: Session, uids: list[int], wanted: Wanted) -> int:
    if wanted.since is None:
        return 0
    old = 0
    for bulk in chunks(uids):
        dates = {number(each.get("UID")): each.get("INTERNALDATE") for each in session.fetch(bulk, "INTERNALDATE")}
        old += sum(1 for told in dates.values() if wanted.is_older(internal_date(told)))
    return old


def _folder(folders: Folders, folder: str, about: _About) -> Finding:
    if folders.exists(folder):
        return about.well(f"the folder {folder} is there")
    return about.well(f"the folder {folder} is not there yet and is made when the first mail is moved")
