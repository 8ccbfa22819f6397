"""The steps, one of each for a source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, cast

from watcher.admission import Admission, MailboxAdmission
from watcher.answer import Answer
from watcher.bootstrap.adapters import Adapters, build_links, own_addresses
from watcher.bootstrap.workers import SourceWorkers
from watcher.config import sections
from watcher.config.sections import Configuration
from watcher.documents.reader import DocumentReader
from watcher.gathering import Gathering
from watcher.headers import named_address
from watcher.inheritance import Inheritance
from watcher.intake import Intake
from watcher.people import Verification
from watcher.policy.who import MailboxRules
from watcher.ports import (
    Carrier,
    Directory,
    Journal,
    Meter,
)
from watcher.service.answerer import Answerer
from watcher.service.tender import Tender
from watcher.service.vitals import Vitals
from watcher.storing import Storing
from watcher.surplus import Surplus

if TYPE_CHECKING:
    from watcher.sources.folder import FolderSource

_MOVES_AT_ONCE = 8  # of one folder whose drive is slow, so that its files do not wait for it one by one


def build_tenders(
    configuration: Configuration,
    adapters: Adapters,
    journal: Journal,
    answerers: Sequence[Answerer],
    *,
    workers: Mapping[str, SourceWorkers],
    vitals: Vitals,
    meter: Meter,
) -> Iterator[Tender]:
    """One for each source, as the answerers are."""
    reader = DocumentReader(accept=configuration.accept, limits=configuration.limits)
    gathering = Gathering(
        reader=reader, chooser=adapters.chooser, links=build_links(configuration, reader), now=journal.now
    )
    configured = [section.name for section in configuration.sources]
    for section, answerer in zip(configuration.sources, answerers, strict=True):
        look = workers[section.name].look
        intake = Intake(
            source=adapters.sources[section.name],
            admission=_admission(section, configuration, adapters.directory),
            gathering=gathering,
            storing=Storing(
                store=adapters.stores[section.store],
                create_expense=configuration.recognition.create_expense,
                meter=meter,
            ),
            journal=journal,
            surplus=Surplus(
                source=section.name,
                limit=section.per_sender if isinstance(section, sections.Mailbox) else None,
                journal=journal,
                now=journal.now,
            ),
            holds_doubt=configuration.recognition.in_doubt == "hold",
            inheritance=Inheritance(source=section.name, configured=configured, journal=journal),
            beat=look.beat,
            meter=meter,
        )
        yield Tender(
            source=adapters.sources[section.name],
            intake=intake,
            journal=journal,
            poll=section.poll,
            came_up=answerer.source_came_up,
            vitals=vitals,
            worker=look,
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
        own_addresses=own_addresses(configuration),
    )
    return Admission(directory=directory, verification=verification, mailbox=mailbox)


def _own_address(mailbox: sections.Mailbox, smtp: sections.Smtp | None) -> str:
    """Of the mailbox: its user name, but where that is none (`fapiao`, `CORP\\fapiao`) what replies are sent from."""
    return mailbox.username if "@" in mailbox.username or smtp is None else named_address(smtp.sender)[1]


def build_answerers(
    configuration: Configuration,
    adapters: Adapters,
    journal: Journal,
    *,
    workers: Mapping[str, SourceWorkers],
    meter: Meter,
) -> Iterator[Answerer]:
    """One for each source, in their order."""
    for section in configuration.sources:
        replies = section.reply if isinstance(section, sections.Mailbox) else sections.ReplyChoice()
        worker = workers[section.name].answer
        source = adapters.sources[section.name]
        answer = Answer(
            source=source,
            writer=adapters.writer,
            mailer=adapters.mailer if isinstance(section, sections.Mailbox) else None,
            journal=journal,
            replies=replies,
            shelf=cast("FolderSource", source) if isinstance(section, sections.Folder) else None,
            carrier=cast("Carrier", source),
            beat=worker.beat,
            meter=meter,
        )
        at_once = 1 if isinstance(section, sections.Mailbox) else _MOVES_AT_ONCE
        yield Answerer(answer=answer, at_once=at_once, worker=worker)
