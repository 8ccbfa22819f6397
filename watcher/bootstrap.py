"""Builds everything from the configuration: the only place that knows which class serves which port.

Adapters that bring costly libraries are imported where they are built: who reads the journal needs no HTTP, and a
daemon without mailboxes no IMAP.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, cast

from watcher.admission import Admission, MailboxAdmission
from watcher.alerts.mail import MailChannel
from watcher.alerts.robot import RobotChannel
from watcher.answer import Answer
from watcher.config import sections
from watcher.config.confidential import confidential
from watcher.config.sections import Configuration
from watcher.documents.choosing import DocumentChooser
from watcher.documents.inspection.inspector import Inspector
from watcher.documents.reader import DocumentReader
from watcher.documents.sniff import may_hold_documents
from watcher.errors import ConfigurationError, StoreUnavailable
from watcher.gathering import Gathering
from watcher.intake import Intake
from watcher.journal.checking import check_journal, journal_trouble
from watcher.journal.opening import migrate, open_journal
from watcher.model import Finding
from watcher.people import DirectoryWithRegisters, FileDirectory, Register, Remembering, Verification
from watcher.policy.alarm import AlarmRules
from watcher.policy.conditions import HELD_IN_A_FOLDER
from watcher.policy.pace import Pace
from watcher.policy.who import MailboxRules
from watcher.ports import (
    AlertChannel,
    Chooser,
    Directory,
    Journal,
    LinkReader,
    Mailer,
    Reader,
    Recogniser,
    Shelf,
    Source,
    Store,
    Writer,
)
from watcher.recognise import Recognise
from watcher.replies import SmtpMailer, TemplateWriter
from watcher.secrecy import KnownSecrets
from watcher.service import Service
from watcher.service.alarm import Alarm
from watcher.service.answerer import Answerer
from watcher.service.courier import Courier
from watcher.service.poster import Poster
from watcher.service.service import Closable
from watcher.service.stopping import Stopping
from watcher.service.tender import Tender
from watcher.storing import Storing
from watcher.surplus import Surplus
from watcher.tls import UnusableAuthorities

if TYPE_CHECKING:
    from watcher.recognition.token import TokenSource
    from watcher.sources.folder import FolderSource

_LDAP_REMEMBERED_SECONDS = 60.0
_MOVES_AT_ONCE = 8  # of one folder, so that its files do not wait for the disk one by one


def secrets_of(configuration: Configuration) -> KnownSecrets:
    """What is kept out of all that is told, journalled and answered."""
    return KnownSecrets(confidential(configuration))


def open_for_work(configuration: Configuration) -> Journal:
    """The journal for the one process that works on it, brought to this version. Raises JournalUnusable."""
    return open_journal(configuration.journal, exclusive=True)


def open_for_reading(configuration: Configuration) -> Journal:
    """The journal beside a running daemon. Raises JournalUnusable."""
    return open_journal(configuration.journal, exclusive=False)


def migrate_journal(configuration: Configuration) -> None:
    """Bring it to this version, or make it. Raises JournalUnusable where a daemon has it."""
    migrate(configuration.journal)


def trouble_of_journal(configuration: Configuration) -> str | None:
    """Why nothing can be written to it now, where that is seen beside a running daemon."""
    return journal_trouble(configuration.journal)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Adapters:
    """What the configuration names, built; nothing has been connected to yet."""

    stores: Mapping[str, Store]
    directory: Directory
    recogniser: Recogniser
    token: TokenSource | None
    writer: Writer
    mailer: Mailer | None
    sources: Mapping[str, Source]
    chooser: Chooser


def build_service(configuration: Configuration, journal: Journal, stopping: Stopping, known: KnownSecrets) -> Service:
    """The daemon; the journal stays the caller's to close, and `known` learns the secrets that servers issue."""
    adapters = _adapters(configuration, known)
    for store in adapters.stores.values():
        store.prepare()
    recognise = Recognise(
        journal=journal,
        recogniser=adapters.recogniser,
        store_of=partial(_store_of, adapters.stores),
        rules=configuration.recognition,
        now=journal.now,
    )
    poster = Poster(
        recognise=recognise,
        journal=journal,
        endpoint=adapters.recogniser.endpoint,
        sources=list(adapters.sources),
        concurrency=configuration.recognition.concurrency,
        pace=Pace(configuration.recognition.rate),
    )
    answerers = list(_answerers(configuration, adapters, journal))
    return Service(
        journal=journal,
        stopping=stopping,
        sources={name: source.kind for name, source in adapters.sources.items()},
        tenders=list(_tenders(configuration, adapters, journal, answerers)),
        answerers=answerers,
        poster=poster,
        alarm=_alarm(configuration, adapters, journal),
        resources=_closable(adapters),
        settling_grace=_settling_grace(configuration),
        keep_closed=configuration.retention.closed,
        stop_within=configuration.recognition.connect_timeout + configuration.recognition.timeout,
    )


def findings(configuration: Configuration, known: KnownSecrets) -> Iterator[Finding]:
    """Everything that can be tried without posting a document, each tried in turn."""
    adapters = _adapters(configuration, known)
    checks: list[Callable[[], list[Finding]]] = [
        partial(check_journal, configuration.journal),
        adapters.directory.check,
        adapters.recogniser.check,
        *(store.check for store in adapters.stores.values()),
        *(source.check for source in adapters.sources.values()),
        adapters.chooser.check,
        *(channel.check for channel in _channels(configuration.alerts, configuration.smtp, adapters.mailer)),
    ]
    if adapters.mailer is not None:
        checks.append(adapters.mailer.check)
    try:
        for check in checks:
            for finding in check():
                yield replace(finding, message=known.hidden(finding.message))
    finally:
        for resource in _closable(adapters):
            resource.close()


# ------------------------------------------------------------------------------------------ adapters


def _adapters(configuration: Configuration, known: KnownSecrets) -> _Adapters:
    token, recogniser = _recognition(configuration, known)
    smtp = configuration.smtp
    return _Adapters(
        stores=_stores(configuration, token, known),
        directory=build_directory(configuration.directory),
        recogniser=recogniser,
        token=token,
        writer=TemplateWriter(
            sender=smtp.sender if smtp else None,
            default_language=configuration.language,
            timezone=configuration.timezone,
            accept=configuration.accept,
        ),
        mailer=SmtpMailer(smtp, known=known) if smtp else None,
        sources=_sources(configuration, known),
        chooser=_chooser(configuration),
    )


def _recognition(configuration: Configuration, known: KnownSecrets) -> tuple[TokenSource | None, Recogniser]:
    from watcher.recognition.client import HttpRecogniser
    from watcher.recognition.token import TokenSource

    section = configuration.recognition
    try:
        token = TokenSource(section.auth, ca_file=section.ca_file, known=known) if section.auth else None
        return token, HttpRecogniser(section, timezone=configuration.timezone, token=token, known=known)
    except UnusableAuthorities as error:
        raise ConfigurationError([f"recognition: {error}"]) from error


def _links(configuration: Configuration, reader: Reader) -> LinkReader | None:
    if not configuration.links.are_followed:
        return None
    from watcher.documents.links import LinkedDocumentReader, LinkFetcher

    fetcher = LinkFetcher(links=configuration.links, accept=configuration.accept, limits=configuration.limits)
    return LinkedDocumentReader(fetcher, reader)


def _chooser(configuration: Configuration) -> Chooser:
    return DocumentChooser(
        inspector=Inspector() if configuration.inspect else None,
        most=configuration.recognition.max_invoices_per_file,
        limits=configuration.limits,
    )


def build_directory(section: sections.Directory) -> Directory:
    """All that the section names, in the order file, rules, http, ldap. Raises ConfigurationError."""
    registers: list[Register] = []
    if section.http is not None:
        from watcher.people.web_service import WebService

        registers.append(Remembering(WebService(section.http), seconds=section.http.cache.total_seconds()))
    if section.ldap is not None:
        from watcher.people.ldap_server import LdapServer

        registers.append(Remembering(LdapServer(section.ldap), seconds=_LDAP_REMEMBERED_SECONDS))
    directory = FileDirectory(section)
    return DirectoryWithRegisters(directory, registers) if registers else directory


def _stores(configuration: Configuration, token: TokenSource | None, known: KnownSecrets) -> dict[str, Store]:
    from watcher.stores import HttpStore, ObjectsStore, ResolveStore

    stores: dict[str, Store] = {}
    for name, section in configuration.stores.items():
        if isinstance(section, sections.ObjectsStore):
            stores[name] = ObjectsStore(name, section, known=known)
        elif isinstance(section, sections.HttpStore):
            refused = configuration.recognition.auth.refused if configuration.recognition.auth else []
            stores[name] = HttpStore(name, section, token=token, refused=refused, known=known)
    for name, section in configuration.stores.items():
        if isinstance(section, sections.ResolveStore):
            stores[name] = ResolveStore(name, section, parts=stores[section.parts] if section.parts else None)
    return stores


def _store_of(stores: Mapping[str, Store], name: str) -> Store:
    """A booking outlives the configuration that it was made under."""
    if name not in stores:
        raise StoreUnavailable(f"the store {name} is not in the configuration any more")
    return stores[name]


def _sources(configuration: Configuration, known: KnownSecrets) -> dict[str, Source]:
    mailboxes = _mailboxes(configuration, known) if configuration.mailboxes else []
    folders = _folders(configuration) if configuration.folders else []
    return {source.name: source for source in (*mailboxes, *folders)}


def _mailboxes(configuration: Configuration, known: KnownSecrets) -> list[Source]:
    from watcher.sources.mailbox import MailboxSource

    own = _own_addresses(configuration)
    return [MailboxSource(mailbox, own_addresses=own, known=known) for mailbox in configuration.mailboxes]


def _own_addresses(configuration: Configuration) -> frozenset[str]:
    """The addresses that mail is read for and sent from, in lower case."""
    own = {mailbox.username.lower() for mailbox in configuration.mailboxes}
    if configuration.smtp is not None:
        own.add(_address(configuration.smtp.sender).lower())
    return frozenset(own)


def _folders(configuration: Configuration) -> list[Source]:
    from watcher.sources.folder import Arriving, FolderSource

    arriving = Arriving()
    return [
        FolderSource(
            folder,
            wanted=partial(may_hold_documents, accept=configuration.accept),
            timezone=configuration.timezone,
            arriving=arriving,
        )
        for folder in configuration.folders
    ]


def _address(sender: str) -> str:
    """``fapiao@corp.example`` of ``发票助手 <fapiao@corp.example>``."""
    return sender.rpartition("<")[2].rstrip("> ") if "<" in sender else sender.strip()


def _closable(adapters: _Adapters) -> list[Closable]:
    optional: tuple[Closable | None, ...] = (adapters.mailer, adapters.token)
    given = [resource for resource in optional if resource is not None]
    return [*adapters.sources.values(), *adapters.stores.values(), adapters.recogniser, adapters.chooser, *given]


# --------------------------------------------------------------------------------------------- steps


def _tenders(
    configuration: Configuration, adapters: _Adapters, journal: Journal, answerers: Sequence[Answerer]
) -> Iterator[Tender]:
    """One for each source, as the answerers are."""
    reader = DocumentReader(accept=configuration.accept, limits=configuration.limits)
    gathering = Gathering(reader=reader, chooser=adapters.chooser, links=_links(configuration, reader), now=journal.now)
    for section, answerer in zip(configuration.sources, answerers, strict=True):
        intake = Intake(
            source=adapters.sources[section.name],
            admission=_admission(section, configuration, adapters.directory),
            gathering=gathering,
            storing=Storing(
                store=adapters.stores[section.store], create_expense=configuration.recognition.create_expense
            ),
            journal=journal,
            surplus=Surplus(
                source=section.name,
                limit=section.per_sender if isinstance(section, sections.Mailbox) else None,
                journal=journal,
                now=journal.now,
            ),
        )
        yield Tender(
            source=adapters.sources[section.name],
            intake=intake,
            journal=journal,
            poll=section.poll,
            came_up=answerer.source_came_up,
        )


def _admission(
    section: sections.Mailbox | sections.Folder, configuration: Configuration, directory: Directory
) -> Admission:
    if isinstance(section, sections.Folder):
        return Admission(directory=directory, verification=None, mailbox=None)
    verification = (
        Verification(section.verify_sender, arc_sealers=section.arc_sealers) if section.verify_sender else None
    )
    rules = MailboxRules(
        fixed_code=section.user_code,
        hold_unknown=section.unknown == "hold",
        hold_unverified=section.unverified == "hold",
    )
    mailbox = MailboxAdmission(
        rules=rules,
        address=_own_address(section, configuration.smtp),
        answer_unknown=section.reply.unknown,
        forwarded_for=section.forwarded_for,
        own_addresses=_own_addresses(configuration),
    )
    return Admission(directory=directory, verification=verification, mailbox=mailbox)


def _own_address(mailbox: sections.Mailbox, smtp: sections.Smtp | None) -> str:
    """Of the mailbox: its user name, but where that is none (`fapiao`, `CORP\\fapiao`) what replies are sent from."""
    return mailbox.username if "@" in mailbox.username or smtp is None else _address(smtp.sender)


def _answerers(configuration: Configuration, adapters: _Adapters, journal: Journal) -> Iterator[Answerer]:
    for section in configuration.sources:
        replies = section.reply if isinstance(section, sections.Mailbox) else sections.ReplyChoice()
        answer = Answer(
            source=adapters.sources[section.name],
            writer=adapters.writer,
            mailer=adapters.mailer if isinstance(section, sections.Mailbox) else None,
            journal=journal,
            replies=replies,
            shelf=_shelf(configuration.stores[section.store], adapters.sources[section.name]),
        )
        yield Answerer(answer=answer, at_once=1 if isinstance(section, sections.Mailbox) else _MOVES_AT_ONCE)


def _alarm(configuration: Configuration, adapters: _Adapters, journal: Journal) -> Alarm:
    """Without a section of its own too: the log tells, then."""
    section = configuration.alerts or sections.Alerts()
    rules = AlarmRules(
        after=section.after,
        held_after=held_after(configuration),
        endpoint=adapters.recogniser.endpoint,
        language=configuration.language,
        moment=lambda moment: moment.astimezone(configuration.timezone).strftime("%Y-%m-%d %H:%M"),
    )
    channels = _channels(configuration.alerts, configuration.smtp, adapters.mailer)
    return Alarm(
        journal=journal,
        rules=rules,
        courier=Courier(channels, language=configuration.language),
        trouble=partial(journal_trouble, configuration.journal),
    )


def held_after(configuration: Configuration) -> dict[str, timedelta]:
    """How long each source's submissions may be held before somebody is told."""
    return {
        section.name: section.held_after if isinstance(section, sections.Mailbox) else HELD_IN_A_FOLDER
        for section in configuration.sources
    }


def _channels(alerts: sections.Alerts | None, smtp: sections.Smtp | None, mailer: Mailer | None) -> list[AlertChannel]:
    if alerts is None:
        return []
    channels: list[AlertChannel] = [
        RobotChannel(url, place=f"alerts.urls[{number}]") for number, url in enumerate(alerts.urls)
    ]
    if smtp is not None and mailer is not None:
        channels += [MailChannel(address, sender=smtp.sender, mailer=mailer) for address in alerts.operators]
    return channels


def _shelf(store: sections.Store, source: Source) -> Shelf | None:
    """The source, where its documents have their URL by where they lie."""
    return cast("FolderSource", source) if isinstance(store, sections.ResolveStore) else None


def in_place_stores(configuration: Configuration) -> frozenset[str]:
    """The stores whose URLs lead to where a file lies."""
    return frozenset(n for n, store in configuration.stores.items() if isinstance(store, sections.ResolveStore))


def _settling_grace(configuration: Configuration) -> timedelta:
    """How long `run --once` waits for files that may still be written: what it takes to see that they are not."""
    settles = [folder.settle for folder in configuration.folders]
    return 2 * max(settles, default=timedelta(0)) + timedelta(seconds=1)
