"""What `check` finds out about a mailbox, changing nothing there."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from imap_tools.imap_utf7 import utf7_decode

from watcher.config.sections import Mailbox, VerifySender
from watcher.errors import LoginRefused, SourceUnavailable
from watcher.findings import About
from watcher.headers import TOPMOST, believed_results, clean, read_results
from watcher.model import Finding
from watcher.sources.mailbox.abilities import Rights
from watcher.sources.mailbox.finding import present_uids
from watcher.sources.mailbox.folders import Folders
from watcher.sources.mailbox.grammar import number
from watcher.sources.mailbox.identity import internal_date
from watcher.sources.mailbox.login import login_hint
from watcher.sources.mailbox.permissions import capabilities, changing, idling, leaving, room, target
from watcher.sources.mailbox.reading import chunks, sightings
from watcher.sources.mailbox.session import Session
from watcher.sources.mailbox.wanted import Wanted
from watcher.tls import RENEW, distrust, ends_soon, trust_advice

_MANY = 100
_MOST_NAMES = 20
_NEWEST = 20  # mails whose results are looked at
_SEVERAL = 3  # so many without any are no accident
_RESULTS = "Authentication-Results"


def probe(settings: Mailbox, log_in: Callable[[], Session], wanted: Wanted) -> list[Finding]:
    """Logs in, and looks at capabilities, folders, rights and mails."""
    about = About(f"mailbox {settings.name}")
    try:
        session = log_in()
    except LoginRefused as error:
        hint = login_hint(settings)
        return [about.wrong(str(error).removesuffix(f"; {hint}"), hint)]
    except SourceUnavailable as error:
        mend = "see host, port, tls and ca_file, and whether a firewall is in between"
        return [about.wrong(str(error), mend if distrust(error) is None else trust_advice("the mailbox's ca_file"))]
    found: list[Finding] = []
    try:
        found.extend(_findings(settings, session, wanted, about))
    except SourceUnavailable as error:
        found.append(about.wrong(str(error), _advice(error)))
    finally:
        session.logout()
    return found


def _advice(error: SourceUnavailable) -> str:
    if "unsafe login" in str(error).lower():
        return "the provider lets no program in by IMAP: switch it on in the mailbox's settings (POP3/SMTP/IMAP)"
    return "see what the server says, and try again"


def _findings(settings: Mailbox, session: Session, wanted: Wanted, about: About) -> Iterator[Finding]:
    yield about.well(f"logged in as {settings.username} at {settings.host}:{settings.effective_port}")
    if settings.tls == "none":
        yield about.note("the password and the mails travel unencrypted", "set tls to implicit or starttls")
    if ending := ends_soon(session.certificate_ends(), datetime.now(UTC)):
        yield about.note(ending, RENEW)
    yield capabilities(settings, session, about)
    folders = Folders(session)
    if not folders.exists(settings.folder):
        yield about.wrong(f"the folder {settings.folder} is not there", f"name one of these: {_names(session)}")
        return
    yield _mails(settings, session, folders, wanted, about)
    yield from _results(settings, session, about)
    yield from room(session, folders.name(settings.folder), about)
    for folder in dict.fromkeys(each for each in (settings.done, settings.error) if each is not None):
        yield target(session, folders, folder, about)
    name = folders.name(settings.folder)
    yield from leaving(settings, Rights.on(session, name), about)
    # These come last, because after a refusal some servers hang up.
    yield from idling(settings, session, about)
    yield from changing(settings, session, name, about)


def _mails(settings: Mailbox, session: Session, folders: Folders, wanted: Wanted, about: About) -> Finding:
    session.select(folders.name(settings.folder), readonly=True)
    present = present_uids(session, done_too=False)
    recent = len(present) - _old(session, present, wanted)
    counted = f"{len(present)} mails lie in {settings.folder}"
    if settings.since is None and len(present) > _MANY:
        return about.note(f"{counted}, and all of them are looked at", "set `since`, unless old mails are wanted too")
    if settings.since is None:
        return about.well(f"{counted}; all of them are looked at, as `since` is not set")
    return about.well(f"{counted}; {recent} of them have come since {settings.since} and are looked at")


def _results(settings: Mailbox, session: Session, about: About) -> Iterator[Finding]:
    """Whether the server that is believed has written its results into the newest mails."""
    check = settings.verify_sender
    newest = present_uids(session, done_too=True)[-_NEWEST:]
    if check is False or check.results_from is None or not newest:
        return
    topmost = [each.fields.all(_RESULTS) for each in sightings(session, newest)]
    told = sum(believed_results(results, check.results_from) is not None for results in topmost)
    whose = "" if check.results_from == TOPMOST else f" of {check.results_from}"
    message = f"{told} of the newest {len(topmost)} mails have {_RESULTS}{whose}"
    if told or len(topmost) < _SEVERAL:
        yield about.well(message)
    else:
        yield about.note(message, _who_else([results[0] for results in topmost if results], check))


def _who_else(topmost: list[bytes], check: VerifySender) -> str:
    """What to do where nobody is that server."""
    read = [results for raw in topmost if (results := read_results(raw)) is not None]
    named = Counter(clean(results.authserv_id) for results in read if results.authserv_id)
    if named:
        others = ", ".join(name for name, _ in named.most_common(_MOST_NAMES))
        return f"is your server among these, which stand topmost? Then write its name to results_from: {others}"
    if read:
        return "the topmost ones name no server, as Microsoft 365 writes them: see `results_from: topmost`"
    way = "set results_from to null" if check.dkim else "set dkim to true and results_from to null"
    return f"no server writes any that can be read: see its manual on {_RESULTS}, or {way}"


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
