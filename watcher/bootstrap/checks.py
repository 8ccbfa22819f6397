"""Everything that `check` tries: the adapters of the configuration, and the machine that they run on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from msgspec.structs import replace

from watcher.bootstrap.adapters import Adapters, build_adapters, closable
from watcher.bootstrap.alarms import build_channels
from watcher.checks.machine import machine_findings
from watcher.checks.needs import needs_of
from watcher.checks.overlaps import overlap_findings
from watcher.checks.people import delegate_findings, subfolder_findings
from watcher.checks.servers import Address, address_of, server_findings
from watcher.checks.service_unit import service_findings
from watcher.checks.side_by_side import TOTAL_SECONDS, Check, side_by_side
from watcher.checks.web import web_findings
from watcher.config import sections
from watcher.config.sections import Configuration
from watcher.headers import clean
from watcher.journal.checking import check_journal
from watcher.model import Finding, Kind
from watcher.ports import Directory, Source
from watcher.presence import NoAnswer, ask
from watcher.secrecy import KnownSecrets

_CLOSING_SECONDS = 3.0
_LONGEST = 1000  # characters


def findings(
    configuration: Configuration,
    known: KnownSecrets,
    file: Path,
    *,
    seconds: float = TOTAL_SECONDS,
    waiting_for: Callable[[str], None] = lambda _: None,
) -> Iterator[Finding]:
    """All that can be found out without posting a document, in an order that stays the same, within `seconds`.

    `file` is where the configuration was read; `waiting_for` is told what is waited for.
    """
    adapters = build_adapters(configuration, known)
    try:
        checks = _checks(configuration, adapters, file)
        for finding in side_by_side(checks, seconds=seconds, waiting_for=waiting_for):
            mend = None if finding.mend is None else _fit(finding.mend, known)
            yield replace(finding, message=_fit(finding.message, known), mend=mend)
    finally:
        _close(adapters)


def _fit(text: str, known: KnownSecrets) -> str:
    """One line without secrets, whatever servers and file names brought into it."""
    return clean(known.hidden(text), _LONGEST)


def _checks(configuration: Configuration, adapters: Adapters, file: Path) -> list[Check]:
    needs = needs_of(configuration, file)
    return [
        Check(subject="system", find=partial(machine_findings, configuration)),
        Check(subject="service", find=partial(service_findings, needs, file)),
        Check(subject="journal", find=partial(check_journal, configuration.journal, _names(configuration))),
        Check(subject="directory", find=adapters.directory.check),
        Check(subject="directory", find=partial(_list_of, delegate_findings, configuration, adapters)),
        Check(subject="recognition", find=adapters.recogniser.check),
        Check(subject="clock", find=partial(server_findings, list(_servers(configuration)))),
        *(Check(subject=f"store {name}", find=store.check) for name, store in adapters.stores.items()),
        *(Check(subject=_named(source), find=source.check) for source in adapters.sources.values()),
        Check(subject="folders", find=partial(overlap_findings, configuration)),
        Check(subject="folders", find=partial(_list_of, subfolder_findings, configuration, adapters)),
        *_mail_out(configuration, adapters),
        Check(subject="documents", find=adapters.chooser.check),
        *_page(configuration, file),
    ]


def _page(configuration: Configuration, file: Path) -> Iterator[Check]:
    if configuration.web is not None:
        find = partial(web_findings, configuration.web.listen, partial(_is_served, file))
        yield Check(subject="web", find=find)


def _is_served(file: Path) -> bool:
    """Whether a daemon with this configuration runs, and the page is its own."""
    try:
        return ask(file).get("page_trouble") is None
    except NoAnswer:
        return False


def _names(configuration: Configuration) -> list[str]:
    return [section.name for section in configuration.sources]


def _named(source: Source) -> str:
    return f"{'mailbox' if source.kind is Kind.MAIL else 'folder'} {source.name}"


def _list_of(
    find: Callable[[Configuration, Directory], Iterator[Finding]], configuration: Configuration, adapters: Adapters
) -> list[Finding]:
    return list(find(configuration, adapters.directory))


def _mail_out(configuration: Configuration, adapters: Adapters) -> Iterator[Check]:
    """Replies and alerts."""
    if adapters.mailer is not None:
        yield Check(subject="smtp", find=adapters.mailer.check)
    for channel in build_channels(configuration.alerts, configuration.smtp, adapters.mailer):
        yield Check(subject=channel.name, find=channel.check)


def _servers(configuration: Configuration) -> Iterator[Address | None]:
    """Every web server that is named: whose clock and certificate matter."""
    recognition = configuration.recognition
    yield address_of(recognition.url, recognition.ca_file)
    if recognition.auth is not None:
        yield address_of(recognition.auth.token_url, recognition.ca_file)
    for store in configuration.stores.values():
        yield _of_store(store)
    if configuration.directory.http is not None:
        http = configuration.directory.http
        yield address_of(http.url.replace("{address}", ""), http.ca_file)
    for login in (*(mailbox.oauth2 for mailbox in configuration.mailboxes), _oauth2(configuration.smtp)):
        if login is not None:
            yield address_of(login.token_url, login.ca_file)


def _of_store(store: sections.Store) -> Address | None:
    if isinstance(store, sections.HttpStore):
        return address_of(store.url, store.ca_file)
    if isinstance(store, sections.ResolveStore):
        return address_of(store.base_url)
    endpoint = store.options.get("endpoint")
    return None if endpoint is None else address_of(endpoint.reveal())


def _oauth2(smtp: sections.Smtp | None) -> sections.OAuth2 | None:
    return None if smtp is None else smtp.oauth2


def _close(adapters: Adapters) -> None:
    """What a check that had no end still holds is left to the end of the process."""

    def close() -> None:
        for resource in closable(adapters):
            resource.close()

    closing = threading.Thread(target=close, name="check closing", daemon=True)
    closing.start()
    closing.join(_CLOSING_SECONDS)
