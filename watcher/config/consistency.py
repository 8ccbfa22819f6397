"""What several keys of the configuration must have in common.

It looks at the plain values and not at the models, so that its faults are told together with all others. What is of
a wrong type is passed over here: the models complain of it.
"""

from __future__ import annotations

import os.path
from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import Any

from watcher.config.document import Path, printable
from watcher.config.sections import Mailbox, ObjectsStore
from watcher.config.values import suggestion
from watcher.overlaps import Fault, Stored, Watched, folder_of_key, overlaps

_LOGINS = ("password", "oauth2")
_KNOWN = frozenset(Mailbox.model_fields)
_DEFAULT_KEY = ObjectsStore.model_fields["key"].default


def faults(value: Any, base: FilePath) -> Iterator[Fault]:
    """Every fault as (path, what is wrong). `base`: where relative paths start."""
    root = value if isinstance(value, dict) else {}
    if not root.get("mailboxes") and not root.get("folders"):
        yield (), "no source: give at least one mailbox under mailboxes, or one folder under folders"
    yield from _names(root)
    yield from _stores(root)
    for index, mailbox in _items(root, "mailboxes"):
        yield from _mailbox(mailbox, ("mailboxes", index))
    yield from _mailbox_paths(root)
    yield from _smtp(root.get("smtp"))
    yield from _folder_paths(root, base)
    yield from _needs(root)


def _items(root: dict[str, Any], key: str) -> list[tuple[int, dict[str, Any]]]:
    items = root.get(key)
    return [(i, item) for i, item in enumerate(items) if isinstance(item, dict)] if isinstance(items, list) else []


def _sources(root: dict[str, Any]) -> Iterator[tuple[Path, dict[str, Any]]]:
    for key in ("mailboxes", "folders"):
        for index, item in _items(root, key):
            yield (key, index), item


def _names(root: dict[str, Any]) -> Iterator[Fault]:
    seen: dict[str, str] = {}
    for path, source in _sources(root):
        name = source.get("name")
        if isinstance(name, str) and name in seen:
            yield (*path, "name"), f"{seen[name]} has this name already: every source needs its own"
        elif isinstance(name, str):
            seen[name] = f"{path[0]}[{path[1]}]"


# ----------------------------------------------------------------------------------- stores


def _stores(root: dict[str, Any]) -> Iterator[Fault]:
    stores = root.get("stores")
    if not isinstance(stores, dict) or not stores:
        return
    for path, source in _sources(root):
        name = source.get("store", "default")
        if isinstance(name, str):
            yield from _store_of(path, name, stores)
    for name, store in stores.items():
        if isinstance(store, dict) and store.get("type") == "resolve" and isinstance(store.get("parts"), str):
            yield from _parts(("stores", name, "parts"), store["parts"], stores)


def _store_of(path: Path, name: str, stores: dict[str, Any]) -> Iterator[Fault]:
    if name not in stores:
        yield (*path, "store"), _no_store(stores, name)
    elif path[0] == "mailboxes" and _resolves(stores[name]):
        yield (*path, "store"), "a store of type resolve serves folders only: what comes by mail has no URL yet"


def _parts(path: Path, name: str, stores: dict[str, Any]) -> Iterator[Fault]:
    if name not in stores:
        yield path, _no_store(stores, name)
    elif _resolves(stores[name]):
        yield path, "must be a store that uploads, not one of type resolve"


def _resolves(store: Any) -> bool:
    return isinstance(store, dict) and store.get("type") == "resolve"


def _no_store(stores: dict[str, Any], name: str) -> str:
    known = ", ".join(printable(store) for store in stores)
    return f"there is no store {printable(name)}{suggestion(name, list(stores))} (under stores: {known})"


# ------------------------------------------------------------------------- mailboxes and smtp


def _mailbox(mailbox: dict[str, Any], path: Path) -> Iterator[Fault]:
    misspelt = any(suggestion(key, _LOGINS) for key in mailbox if key not in _KNOWN)
    if (mailbox.get("password") is None) == (mailbox.get("oauth2") is None) and not misspelt:
        yield path, "give either password or oauth2"
    if mailbox.get("user_code") is not None and mailbox.get("senders") is None:
        yield (*path, "user_code"), "books for whoever writes: name the senders that may, under senders"
    places = [(key, mailbox.get(key, "INBOX" if key == "folder" else None)) for key in ("folder", "done", "error")]
    named = [(key, _mail_folder(place)) for key, place in places if isinstance(place, str)]
    for number, (key, place) in enumerate(named):
        for other, same in named[:number]:
            if place == same:
                yield (*path, key), f"must not be the same mail folder as {other}"


def _mail_folder(name: str) -> str:
    return "INBOX" if name.upper() == "INBOX" else name


def _mailbox_paths(root: dict[str, Any]) -> Iterator[Fault]:
    """No two mailboxes watch one mail folder, and none files mails where another one watches."""
    watched: dict[tuple[str, str, str], int] = {}
    mailboxes = [(i, m) for i, m in _items(root, "mailboxes") if isinstance(m.get("folder", "INBOX"), str)]
    for index, mailbox in mailboxes:
        place = (*_account(mailbox), _mail_folder(mailbox.get("folder", "INBOX")))
        if place in watched:
            yield ("mailboxes", index), f"watches the same mail folder as mailboxes[{watched[place]}]"
        watched.setdefault(place, index)
    for index, mailbox in mailboxes:
        for key in ("done", "error"):
            target = (*_account(mailbox), _mail_folder(str(mailbox.get(key))))
            if watched.get(target, index) != index:
                yield (
                    ("mailboxes", index, key),
                    f"mailboxes[{watched[target]}] watches it: mails would come again",
                )


def _account(mailbox: dict[str, Any]) -> tuple[str, str]:
    return str(mailbox.get("host")).lower(), str(mailbox.get("username"))


def _smtp(smtp: Any) -> Iterator[Fault]:
    if not isinstance(smtp, dict):
        return
    if smtp.get("password") is not None and smtp.get("oauth2") is not None:
        yield ("smtp",), "give either password or oauth2, not both"
    logs_in = smtp.get("password") is not None or smtp.get("oauth2") is not None
    if logs_in and smtp.get("username") is None:
        yield ("smtp", "username"), "is missing: a login needs it"
    if not logs_in and smtp.get("username") is not None:
        yield ("smtp",), "username needs a password or oauth2"


# ---------------------------------------------------------------------------------- folders


def _folder_paths(root: dict[str, Any], base: FilePath) -> Iterator[Fault]:
    folders = [(i, f) for i, f in _items(root, "folders") if isinstance(f.get("path"), str)]
    watched = [_watched(index, folder, base) for index, folder in folders]
    for each in watched:
        if len(set(each.targets.values())) < len(each.targets):
            yield ("folders", each.index, "error"), "must not be the same folder as done"
    yield from overlaps(watched, list(_stored(root)))


def _watched(index: int, folder: dict[str, Any], base: FilePath) -> Watched:
    return Watched(
        index=index,
        place=_absolute(base, folder["path"]),
        recursive=folder.get("recursive", True) is not False,
        targets={key: _absolute(base, folder[key]) for key in ("done", "error") if isinstance(folder.get(key), str)},
    )


def _stored(root: dict[str, Any]) -> Iterator[Stored]:
    """The stores in a folder of which the configuration itself says where that is."""
    stores = root.get("stores")
    for name, store in stores.items() if isinstance(stores, dict) else ():
        if not isinstance(store, dict) or store.get("service") != "fs" or not isinstance(store.get("options"), dict):
            continue
        place, key = store["options"].get("root"), store.get("key", _DEFAULT_KEY)
        if isinstance(place, str) and place.startswith("/") and isinstance(key, str):
            yield Stored(name=name, place=_absolute(FilePath(place), folder_of_key(key)))


def _absolute(base: FilePath, path: str) -> str:
    return os.path.normpath(os.path.join(base, path))  # noqa: PTH118 - pathlib does not take ".." out


def _needs(root: dict[str, Any]) -> Iterator[Fault]:
    directory = root.get("directory")
    ldap = directory.get("ldap") if isinstance(directory, dict) else None
    if isinstance(ldap, dict) and (ldap.get("bind_dn") is None) != (ldap.get("password") is None):
        yield ("directory", "ldap"), "bind_dn and password go together"
    known = isinstance(directory, dict) and bool(directory.get("file"))
    for index, folder in _items(root, "folders"):
        choice = folder.get("user_code")
        if isinstance(choice, dict) and choice.get("from") == "owner" and not known:
            yield ("folders", index, "user_code"), "from: owner needs directory.file, to look the login name up in"
