"""What stands behind each port. Nothing is connected to yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct

from watcher.config import sections
from watcher.config.sections import Configuration, Limits
from watcher.documents.choosing import DocumentChooser
from watcher.documents.inspection.inspector import Inspector
from watcher.documents.sniff import may_hold_documents
from watcher.errors import ConfigurationError, SourceUnavailable, StoreUnavailable
from watcher.headers import named_address
from watcher.people import DirectoryWithRegisters, FileDirectory, Register, Remembering
from watcher.ports import (
    Chooser,
    Directory,
    Leaf,
    LinkReader,
    Mailer,
    Reader,
    Recogniser,
    Source,
    Store,
    Writer,
)
from watcher.replies import TemplateWriter
from watcher.secrecy import KnownSecrets
from watcher.service.service import Closable
from watcher.stores.lying import Lying
from watcher.tls import UnusableAuthorities

if TYPE_CHECKING:
    from watcher.recognition.token import TokenSource
    from watcher.sources.folder.holding import Digests

_LDAP_REMEMBERED_SECONDS = 60.0


class Adapters(Struct, frozen=True, kw_only=True):
    """What the configuration names, built; nothing has been connected to yet."""

    stores: Mapping[str, Store]
    directory: Directory
    recogniser: Recogniser
    token: TokenSource | None
    writer: Writer
    mailer: Mailer | None
    sources: Mapping[str, Source]
    chooser: Chooser


def build_adapters(
    configuration: Configuration, known: KnownSecrets, beats: Mapping[str, Callable[[], None]] | None = None
) -> Adapters:
    """All of them; `beats` hears of each source that a look at it goes on. Raises ConfigurationError."""
    token, recogniser = _recognition(configuration, known)
    smtp = configuration.smtp
    return Adapters(
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
        mailer=build_mailer(smtp, known),
        sources=_sources(configuration, known, beats or {}),
        chooser=_chooser(configuration),
    )


def build_mailer(section: sections.Smtp | None, known: KnownSecrets) -> Mailer | None:
    """None: no mail is sent."""
    if section is None:
        return None
    from watcher.replies.mailer import SmtpMailer  # who watches folders alone starts without it

    return SmtpMailer(section, known=known)


def _recognition(configuration: Configuration, known: KnownSecrets) -> tuple[TokenSource | None, Recogniser]:
    # requests is loaded here, while there is one thread: two that load it at once find half of it, and fail.
    from watcher.recognition.client import HttpRecogniser
    from watcher.recognition.token import TokenSource

    section = configuration.recognition
    try:
        token = TokenSource(section.auth, ca_file=section.ca_file, known=known) if section.auth else None
        return token, HttpRecogniser(section, timezone=configuration.timezone, token=token, known=known)
    except UnusableAuthorities as error:
        raise ConfigurationError([f"recognition: {error}"]) from error


def build_links(configuration: Configuration, reader: Reader) -> LinkReader | None:
    """None: no links are followed."""
    if not configuration.links.are_followed:
        return None
    from watcher.documents.links.fetcher import LinkFetcher
    from watcher.documents.links.reading import LinkedDocumentReader

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
    from watcher.stores.objects import ObjectsStore
    from watcher.stores.resolve import ResolveStore
    from watcher.stores.upload import HttpStore

    stores: dict[str, Store] = {}
    for name, section in configuration.stores.items():
        if isinstance(section, sections.ObjectsStore):
            stores[name] = ObjectsStore(name, section, known=known)
        elif isinstance(section, sections.HttpStore):
            refused = configuration.recognition.auth.refused if configuration.recognition.auth else []
            stores[name] = HttpStore(name, section, token=token, refused=refused, known=known)
    for name, section in configuration.stores.items():
        if isinstance(section, sections.ResolveStore):
            from watcher.sources.folder.holding import Digests

            parts = stores[section.parts] if section.parts else None
            stores[name] = ResolveStore(
                name,
                section,
                parts=parts,
                sample=partial(_sample, configuration, name),
                lying=partial(_lying, configuration, name, Digests()),
            )
    return stores


def _sample(configuration: Configuration, store: str) -> tuple[str, int] | None:
    """A file that waits in a folder of this store, as its path there and its size."""
    from watcher.sources.folder.sample import sample_of

    samples = (sample_of(folder) for folder in configuration.folders if folder.store == store)
    return next((sample for sample in samples if sample is not None), None)


def _lying(configuration: Configuration, store: str, digests: Digests, path: str) -> Lying:
    """What the folders of this store have at a path."""
    from watcher.sources.folder.holding import what_lies

    found, unseen = set[str](), False
    folders = [folder for folder in configuration.folders if folder.store == store]
    for folder in folders:
        try:
            sha256 = what_lies(folder, path, digests)
        except SourceUnavailable:
            unseen = True
        else:
            found |= {sha256} if sha256 is not None else set()
    return Lying(sha256=frozenset(found), unseen=unseen or not folders)


def store_of(stores: Mapping[str, Store], name: str) -> Store:
    """A booking outlives the configuration that it was made under."""
    if name not in stores:
        raise StoreUnavailable(f"the store {name} is not in the configuration any more")
    return stores[name]


def _sources(
    configuration: Configuration, known: KnownSecrets, beats: Mapping[str, Callable[[], None]]
) -> dict[str, Source]:
    mailboxes = _mailboxes(configuration, known, beats) if configuration.mailboxes else []
    folders = _folders(configuration) if configuration.folders else []
    return {source.name: source for source in (*mailboxes, *folders)}


def _mailboxes(
    configuration: Configuration, known: KnownSecrets, beats: Mapping[str, Callable[[], None]]
) -> list[Source]:
    from watcher.sources.mailbox import MailboxSource

    own = own_addresses(configuration)
    return [
        MailboxSource(mailbox, own_addresses=own, known=known, beat=beats.get(mailbox.name, lambda: None))
        for mailbox in configuration.mailboxes
    ]


def own_addresses(configuration: Configuration) -> frozenset[str]:
    """The addresses that mail is read for and sent from, in lower case."""
    own = {mailbox.username.lower() for mailbox in configuration.mailboxes}
    if configuration.smtp is not None:
        own.add(named_address(configuration.smtp.sender)[1].lower())
    return frozenset(own)


def _folders(configuration: Configuration) -> list[Source]:
    from watcher.sources.folder import Arriving, FolderSource, Likeness

    arriving = Arriving()
    likeness = Likeness(partial(contents_of, configuration.accept, configuration.limits))
    return [
        FolderSource(
            folder,
            wanted=partial(may_hold_documents, accept=configuration.accept),
            timezone=configuration.timezone,
            arriving=arriving,
            likeness=likeness,
        )
        for folder in configuration.folders
    ]


def contents_of(accept: Sequence[str], limits: Limits, leaf: Leaf) -> frozenset[str]:
    """The sha256 of each document in a file, as intake records them. Raises what `Reader.documents` raises."""
    from watcher.documents.reader import DocumentReader
    from watcher.gathering import Harvest

    harvest = Harvest(documents=tuple(DocumentReader(accept=accept, limits=limits).documents([leaf])))
    harvest.close()
    return harvest.contents


def try_out(configuration: Configuration) -> None:
    """Build all of them, which connects to nothing, and let go of them. Raises ConfigurationError."""
    for each in closable(build_adapters(configuration, KnownSecrets())):
        each.close()


def closable(adapters: Adapters) -> list[Closable]:
    """What has connections or threads to be let go of."""
    optional: tuple[Closable | None, ...] = (adapters.mailer, adapters.token)
    given = [resource for resource in optional if resource is not None]
    return [*adapters.sources.values(), *adapters.stores.values(), adapters.recogniser, adapters.chooser, *given]
