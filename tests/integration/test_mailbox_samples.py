"""Mails of public test corpora, through a real server and as files: what their own tests expect is found in them."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.mailboxes import mailbox
from tests.support.reading_process import Read, every_document, read_apart, told
from tests.support.servers.dovecot import Dovecot
from watcher.documents.reader import DocumentReader
from watcher.headers import read_header
from watcher.ports import Arrival, Parcel
from watcher.sources.mailbox import MailboxSource
from watcher.sources.mailbox.identity import uid_at

MOST_SECONDS = 2.0  # of CPU, for any mail
MOST_MEGABYTES = 100  # over what the process has before

# What a corpus calls no attachment, or names by what is no name to the standards.
NO_NAMES = {"enmime/attachment-octet.eml"}  # Content-Type: application/octet-stream; file="ATTACHMENT.EXE"
NOT_THE_LEAF_ITSELF = {"zbateson/m4007.eml"}  # the mail is a message: what is in that one are the leaves
NEVER_TAKEN_IN = {"pmmp/failure.eml"}  # a delivery report
EMPTY = {"enmime/multipart-wo-boundary.eml"}


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A leaf in hand."""

    name: str | None
    content: bytes
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What came of a mail that a server had."""

    files: list[File]
    documents: list[str]
    cpu_seconds: float


@pytest.fixture(scope="module")
def manifest(samples: Path) -> dict[str, dict[str, Any]]:
    mails = json.loads((samples / "mail" / "manifest.json").read_text())["mails"]
    assert len(mails) > 100
    return {mail["file"]: mail for mail in mails}


@pytest.fixture(scope="module")
def delivered(dovecot: Dovecot, samples: Path, manifest: Mapping[str, Any]) -> dict[str, Delivered]:
    """All of them by one look, each read twice: for its files, and for its documents."""
    account = dovecot.account()
    uids = {account.append((samples / "mail" / name).read_bytes()): name for name in manifest if name not in EMPTY}
    with mailbox(account, own_addresses=[]) as source:
        found = {}
        for arrival in source.arrivals(lambda _: {}):
            uid = uid_at(arrival.place, arrival.place.split(":")[0])
            assert uid is not None
            found[uids[uid]] = _delivered(source, arrival)
    return found


@pytest.fixture(scope="module")
def read(samples: Path, manifest: Mapping[str, Any]) -> Read:
    return read_apart([samples / "mail" / name for name in manifest])


def test_every_mail_is_taken_in_but_a_report(delivered: Mapping[str, Delivered], manifest: Mapping[str, Any]) -> None:
    assert delivered.keys() == manifest.keys() - NEVER_TAKEN_IN - EMPTY


def test_what_the_corpora_expect_is_among_the_files(
    delivered: Mapping[str, Delivered], manifest: Mapping[str, dict[str, Any]]
) -> None:
    problems = [
        f"{name}: {problem}"
        for name, mail in manifest.items()
        if name in delivered
        for problem in _unmet(mail, delivered[name].files)
    ]

    assert problems == []


def test_the_documents_are_the_same_whether_a_server_or_a_file_had_the_mail(
    delivered: Mapping[str, Delivered], read: Read, manifest: Mapping[str, Any]
) -> None:
    as_files = dict(zip(manifest, read.documents, strict=True))

    assert {name: mail.documents for name, mail in delivered.items()} == {name: as_files[name] for name in delivered}
    assert sum(map(len, read.documents)) > 10


def test_no_mail_takes_long_or_much_memory(delivered: Mapping[str, Delivered], read: Read) -> None:
    assert max(mail.cpu_seconds for mail in delivered.values()) < MOST_SECONDS
    assert max(read.cpu_seconds) < MOST_SECONDS
    assert read.over_base_mb < MOST_MEGABYTES


def _delivered(source: MailboxSource, arrival: Arrival) -> Delivered:
    began = time.process_time()
    with source.open(arrival) as parcel:
        assert parcel.header is not None
        assert parcel.header.fields[:1] == read_header(parcel.whole()).fields[:1]
        files, documents = [*_files(parcel)], _documents(every_document(), parcel)
    return Delivered(files=files, documents=documents, cpu_seconds=time.process_time() - began)


def _files(parcel: Parcel) -> Iterable[File]:
    for leaf in parcel.leaves():
        content = leaf.fetch()
        yield File(name=leaf.name, content=content.read(), sha256=content.sha256)
        content.close()


def _documents(reader: DocumentReader, parcel: Parcel) -> list[str]:
    found = []
    for document in reader.documents(parcel.leaves()):
        found.append(told(document))
        if document.content is not None:
            document.content.close()
    return sorted(found)


def _unmet(mail: Mapping[str, Any], files: list[File]) -> Iterable[str]:
    """Which of the expectations are not met."""
    left = list(files)
    for expected in mail["attachments"]:
        found = next((file for file in left if _is(expected, file, named=mail["file"] not in NO_NAMES)), None)
        if found is None:
            yield f"{expected} is not among {[(file.name, len(file.content)) for file in files]}"
        else:
            left.remove(found)
    if mail["count"] is not None and mail["file"] not in NOT_THE_LEAF_ITSELF:
        named = Counter(file.name for file in left)
        if len(files) < mail["count"] + mail.get("inlines", 0) or Counter(mail.get("inline_names", ())) - named:
            yield f"{len(files)} files are too few"


def _is(expected: Mapping[str, Any], file: File, *, named: bool) -> bool:
    if named and "name" in expected and (file.name or "").replace("/", "_") != expected["name"]:
        return False
    if "sha256" in expected and file.sha256 != expected["sha256"]:
        return False
    if "size" in expected and len(file.content) != expected["size"]:
        return False
    text = expected.get("contains", "").encode()
    return not text or file.content.count(text) == expected["contains_times"]
