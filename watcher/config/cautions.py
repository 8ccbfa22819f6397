"""What is allowed in a configuration, and worth a warning."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import urlsplit

from pydantic import BaseModel

from watcher.config.confidential import passwords_in
from watcher.config.document import printable
from watcher.config.secret import Secret
from watcher.config.sections import Configuration, HttpStore, Mailbox, ObjectsStore, Recognition, ResolveStore
from watcher.config.wording import looks_secret

_HERE = ("localhost", "127.0.0.1", "::1")
_LEAST_BYTES = 10_000  # of a whole document; below that it is a number whose unit was left out
_ADVISED_SECONDS = 60  # api/ocrSyncWithConfig.txt

# What the login is called; OpenDAL passes over an option that it does not know, and then has no login.
_LOGIN_OPTIONS = {
    "s3": ("access_key_id", "secret_access_key"),
    "oss": ("access_key_id", "access_key_secret"),
    "obs": ("access_key_id", "secret_access_key"),
    "cos": ("secret_id", "secret_key"),
}


def warnings(configuration: Configuration) -> list[str]:
    """One line each: ``path.to.key: what to think about``. No line has the value of a secret."""
    return [
        *_plain_secrets(configuration, ""),
        *_passwords_in_addresses(configuration),
        *_recognition(configuration.recognition),
        *_mailboxes(configuration),
        *_limits(configuration),
        *_servers(configuration),
        *_unused(configuration),
        *_logins_of_others(configuration),
        *_out_of_reach(configuration),
    ]


def _plain_secrets(value: object, path: str) -> Iterator[str]:
    if isinstance(value, Secret):
        if value.plain:
            yield f"{path}: a secret in plain text: better write {{env: NAME}}, {{file: PATH}} or {{credential: NAME}}"
    elif isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            yield from _plain_secrets(getattr(value, name), f"{path}.{field.alias or name}".removeprefix("."))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _plain_secrets(item, f"{path}[{index}]")
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(item, Secret) or looks_secret(key):
                yield from _plain_secrets(item, f"{path}.{printable(key)}")


def _passwords_in_addresses(configuration: Configuration) -> Iterator[str]:
    if any(passwords_in(configuration.journal)):
        yield "journal: a password in plain text: better use a .pgpass file or peer authentication"
    for path, address in _addresses(configuration):
        if any(passwords_in(address)):
            yield f"{path}: an address is no place for a password: better use headers, where there are some"


def _addresses(configuration: Configuration) -> Iterator[tuple[str, str]]:
    yield "recognition.url", configuration.recognition.url
    if configuration.recognition.auth is not None:
        yield "recognition.auth.token_url", configuration.recognition.auth.token_url
    for name, store in configuration.stores.items():
        if isinstance(store, HttpStore):
            yield f"stores.{name}.url", store.url
    if configuration.directory.http is not None:
        yield "directory.http.url", configuration.directory.http.url


def _recognition(recognition: Recognition) -> Iterator[str]:
    if recognition.timeout.total_seconds() < _ADVISED_SECONDS:
        yield f"recognition.timeout: the vendor advises {_ADVISED_SECONDS} s or more"
    addresses = {"recognition.url": recognition.url}
    if recognition.auth is not None:
        addresses["recognition.auth.token_url"] = recognition.auth.token_url
    for path, url in addresses.items():
        if url.startswith("http:") and not _is_here(urlsplit(url).hostname):
            yield f"{path}: http is not encrypted: use https"


def _is_here(host: str | None) -> bool:
    return host in _HERE


def _mailboxes(configuration: Configuration) -> Iterator[str]:
    if configuration.mailboxes and configuration.smtp is None:
        yield "smtp: is absent, so that nobody who sends a mail gets a reply"
    for index, mailbox in enumerate(configuration.mailboxes):
        yield from _mailbox(mailbox, f"mailboxes[{index}]")
        if mailbox.user_code is None and not _knows_anybody(configuration):
            yield f"mailboxes[{index}]: without directory and user_code every sender is unknown"


def _mailbox(mailbox: Mailbox, path: str) -> Iterator[str]:
    check = mailbox.verify_sender
    if check is False:
        yield f"{path}.verify_sender: is off, so that anybody can submit in anybody's name"
    elif check.results_from is None and not check.dkim:
        yield f"{path}.verify_sender: with neither results_from nor dkim no sender can be proven"
    elif check.results_from == "topmost":
        yield f"{path}.verify_sender.results_from: topmost is safe only where the server always adds its results"
    if mailbox.forwarded_for:
        yield f"{path}.forwarded_for: anybody who may submit can submit in anybody's name, and so can any proven vendor"
    if mailbox.tls == "none" and not _is_here(mailbox.host):
        yield f"{path}.tls: without encryption the password can be read on the way"


def _knows_anybody(configuration: Configuration) -> bool:
    directory = configuration.directory
    return any((directory.file, directory.rules, directory.http, directory.ldap))


def _limits(configuration: Configuration) -> Iterator[str]:
    """`20` is a size, too: twenty bytes, by which each document would be refused."""
    sizes = {"document": configuration.limits.document, "submission": configuration.limits.submission}
    for key, size in sizes.items():
        if size < _LEAST_BYTES:
            yield f"limits.{key}: {size} bytes, and no invoice is so small: write a number and a unit, such as 20MB"
    for index, mailbox in enumerate(configuration.mailboxes):
        if mailbox.per_sender is not None and mailbox.per_sender.bytes < _LEAST_BYTES:
            yield f"mailboxes[{index}].per_sender.bytes: {mailbox.per_sender.bytes} bytes, and no mail is so small"


def _servers(configuration: Configuration) -> Iterator[str]:
    smtp, web, alerts = configuration.smtp, configuration.web, configuration.alerts
    ldap = configuration.directory.ldap
    if ldap is not None and ldap.url.startswith("ldap:") and not _is_here(urlsplit(ldap.url).hostname):
        yield "directory.ldap.url: ldap is not encrypted: use ldaps"
    if smtp is not None and smtp.tls == "none" and smtp.username and not _is_here(smtp.host):
        yield "smtp.tls: without encryption the password can be read on the way"
    if web is not None and web.password is None and not _is_here(web.listen.rpartition(":")[0].strip("[]")):
        yield "web.password: is absent, and web.listen lets others in"
    if alerts is not None and not alerts.urls and not alerts.operators:
        yield "alerts: with neither urls nor operators nobody is told"
    if alerts is not None and alerts.operators and smtp is None:
        yield "alerts.operators: needs smtp, which is absent"


def _out_of_reach(configuration: Configuration) -> Iterator[str]:
    """Documents at an address of this machine or network, for an endpoint that is elsewhere."""
    if _is_private(_host(configuration.recognition.url)):
        return
    for name, store in configuration.stores.items():
        for key, address in _given(store):
            if _is_private(_host(address)):
                told = f"the endpoint is elsewhere, and cannot fetch documents from {_host(address)}"
                yield f"stores.{name}.{key}: {told}"


def _given(store: object) -> Iterator[tuple[str, str]]:
    """Where the addresses of documents lead, by the key that says so."""
    if isinstance(store, ResolveStore):
        yield "base_url", store.base_url
    elif isinstance(store, ObjectsStore) and store.attachment_url.startswith("http"):
        yield "attachment_url", store.attachment_url
    elif isinstance(store, ObjectsStore) and store.attachment_url.startswith("presigned"):
        endpoint = store.options.get("endpoint")
        if endpoint is not None and endpoint.plain:
            yield "options.endpoint", endpoint.reveal()


def _host(address: str) -> str:
    """Empty where there is none."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def _is_private(host: str) -> bool:
    """Whether it is surely this machine, or of the network that it is in."""
    try:
        return host == "localhost" or ip_address(host).is_private
    except ValueError:
        return False


def _unused(configuration: Configuration) -> Iterator[str]:
    used = {mailbox.store for mailbox in configuration.mailboxes} | {folder.store for folder in configuration.folders}
    used |= {s.parts for s in configuration.stores.values() if isinstance(s, ResolveStore) and s.parts}
    for name, store in configuration.stores.items():
        if name not in used:
            yield f"stores.{name}: is used by no source"
        if isinstance(store, ObjectsStore) and store.service == "fs" and store.attachment_url == "key":
            yield f"stores.{name}.attachment_url: a key in a folder is no address that the endpoint can fetch"
    for name, store in configuration.stores.items():
        if isinstance(store, ResolveStore) and store.parts is None:
            yield f"stores.{name}.parts: is absent, so that files from archives and parts of long PDFs end as errors"


def _logins_of_others(configuration: Configuration) -> Iterator[str]:
    """Options that are another service's login, where this one's is not whole."""
    every = {option for login in _LOGIN_OPTIONS.values() for option in login}
    for name, store in configuration.stores.items():
        own = _LOGIN_OPTIONS.get(store.service) if isinstance(store, ObjectsStore) else None
        if own is None or not isinstance(store, ObjectsStore) or store.options.keys() >= set(own):
            continue
        for option in sorted((store.options.keys() & every) - set(own)):
            told = f"{store.service} has no such option: its login is {own[0]} and {own[1]}"
            yield f"stores.{name}.options.{option}: {told}"
