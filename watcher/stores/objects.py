"""Object stores of any kind, through OpenDAL."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from watcher.config.sections import ObjectsStore as Section
from watcher.errors import StoreRefused, StoreUnavailable
from watcher.findings import About
from watcher.headers import clean
from watcher.model import Finding, Locator
from watcher.ports import FoundDocument
from watcher.secrecy import KnownSecrets
from watcher.spool import IN_MEMORY_BYTES, Spooled
from watcher.stores.addresses import Addressing, key_of
from watcher.stores.fetching import fetch_finding
from watcher.stores.folders import TEMPORARY_FOLDER, LocalFolder, Mount, clear_partial, is_local, without_new_folders
from watcher.tls import trust_advice

log = logging.getLogger(__name__)

_CONTROL_SECONDS = 15.0
_CHECK_SECONDS = 6.0
_TRANSFER_SECONDS = 30.0  # for one piece
_TRIES_MORE = 2
_PIECE_BYTES = 8 * 1024 * 1024  # S3 wants at least 5 MiB for each but the last
_SOON_STORED_BYTES = 4 * 1024 * 1024  # beyond that a drive takes longer than the next document takes to come
_TREES = ("fs", "webdav")  # where `root` is a folder, and all others have buckets
_STATUS = re.compile(r"status: (\d{3})")


class ObjectsStore:
    """Keeps documents under their content's hash. The operator is built when it is prepared or first used."""

    def __init__(self, name: str, section: Section, *, known: KnownSecrets | None = None) -> None:
        """`known` is kept out of what the store says, and so is every option."""
        self._known = known or KnownSecrets()
        self._name = name
        self._section = section
        self._addressing = Addressing.of(section.attachment_url)
        self._built: Any = None
        self._mounts: dict[str, Mount] = {}  # of a file system: of its root
        self._local: LocalFolder | None = None  # until it is known where it is
        self._is_placed = False
        self._building = threading.Lock()

    @property
    def name(self) -> str:
        return self._name

    @property
    def keeps(self) -> bool:
        return True

    def prepare(self) -> None:
        """Loading OpenDAL takes longer than all the rest of a document's way; a folder of this machine needs none."""
        with suppress(StoreUnavailable), self._translated("be prepared"):
            if (local := self._local_folder()) is not None:
                local.make()
            else:
                self._require_drive()
                self._operator()
            if (folder := self._folder()) is not None:
                clear_partial(Path(folder.partial))

    def put(self, document: FoundDocument) -> Locator:
        """Upload it. Doing so twice changes nothing: the same content has the same key."""
        if document.content is None:
            raise StoreRefused(f"there is nothing of {document.name} to upload")
        key = key_of(self._section.key, document.content.sha256, document.extension)
        with self._translated("upload"):
            if (local := self._local_folder()) is not None:
                local.write(key, document.content.chunks())
            else:
                self._require_drive()
                self._upload(self._operator(), key, document.content, document.media_type)
            return Locator(store=self._name, key=key, url=self._posted(key))

    def secure(self) -> None:
        """A service has what it has taken; of a folder on this machine, what is in it has to be on the disk, too."""
        if self._local is not None:
            with self._translated("write its folders to the disk"):
                self._local.secure()

    def is_near(self, document: FoundDocument) -> bool:
        """Whether it is a folder on a drive of this machine, and the document soon there."""
        return self._local is not None and document.size <= _SOON_STORED_BYTES

    def replaced_by(self, locator: Locator, content: str) -> str | None:  # noqa: ARG002 - nobody else writes there
        return None

    def attachment_url(self, locator: Locator, content: str | None = None) -> str:  # noqa: ARG002 - nobody else writes there
        if locator.url is not None:
            return locator.url
        with self._translated("sign"):
            return self._signed(locator.key)

    def check(self) -> list[Finding]:
        """Write a probe beside the documents, read it back, fetch it at its address as the endpoint will, delete it."""
        about = About(f"store {self._name}")
        found: list[Finding] = []
        try:
            left = self._try_probe(about, found)
        except StoreUnavailable as error:
            mend = "compare service and options with what the provider shows, and the rights of the key"
            if "certificate" in str(error):  # OpenDAL has its own TLS, and no option for it
                mend = trust_advice("$SSL_CERT_FILE or the system's store (update-ca-certificates)")
            return [about.wrong(str(error), mend)]
        if left is not None:
            mend = "nothing need be done: documents are never deleted; the probe may be removed by hand"
            return [about.note(f"works, but its probe stays: {left}", mend), *found]
        posted, short = self._posted(self._section.key), self._addressing.url(self._section.key)
        told = "" if posted == short else f"; posted is {posted}, its whole key in the bucket"
        return [about.well(f"{self._section.service}: wrote, read and deleted a probe{told}"), *found]

    def _posted(self, key: str) -> str | None:
        """What is posted for a key; None where it has to be signed.

        OpenDAL puts `root` before each key, and a bucket knows the object by both. In a tree of files the key is a
        path below it.
        """
        if self._addressing.is_key and self._section.service not in _TREES:
            return "/".join([*filter(None, self._options().get("root", "").split("/")), key])
        return self._addressing.url(key)

    def close(self) -> None:
        with self._building:
            self._built = None

    def _upload(self, operator: Any, key: str, content: Spooled, media_type: str) -> None:
        capability = operator.capability()
        extra = {"content_type": media_type} if capability.write_with_content_type else {}
        if content.size <= IN_MEMORY_BYTES or not capability.write_can_multi:
            operator.write(key, content.read(), **extra)
            return
        if self._has(operator, key, content.size):
            return
        file = operator.open(key, "wb", chunk=_PIECE_BYTES, **extra)
        # Not a `with`: that would finish the object after a failure, cut off as it is.
        for piece in content.chunks():
            file.write(piece)
        file.close()

    def _has(self, operator: Any, key: str, size: int) -> bool:
        from opendal.exceptions import NotFound

        try:
            return bool(operator.stat(key).content_length == size)
        except NotFound:
            return False

    def _signed(self, key: str) -> str:
        """Presigning is computed here, without a request; OpenDAL has it in its asynchronous form alone."""
        lifetime = self._addressing.signed_for
        if lifetime is None:
            raise StoreUnavailable(f"the store {self._name} no longer signs addresses: set attachment_url to presigned")
        operator = self._operator().to_async_operator()

        async def sign() -> str:
            return str((await operator.presign_read(key, int(lifetime.total_seconds()))).url)

        return asyncio.run(sign())

    def _try_probe(self, about: About, found: list[Finding]) -> str | None:
        """Why the probe could not be deleted, or None. Raises StoreUnavailable for all that is needed for work."""
        text = f"invoice-watcher-probe-{secrets.token_hex(8)}"
        key, data = key_of(self._section.key, text, ".txt"), hashlib.sha256(text.encode()).hexdigest().encode()
        with without_new_folders(self._ways(key)):
            with self._translated("write a probe"):
                operator = self._impatient()
                operator.write(key, data)
            try:
                with self._translated("read its probe back"):
                    if bytes(operator.read(key)) != data:
                        raise StoreUnavailable(f"the store {self._name} gave something else back than was written")
                found += self._fetched(key, data, about)
            finally:
                left = self._delete(operator, key)
        return left

    def _ways(self, key: str) -> list[Path]:
        """Of a file system: the files that are written for a key."""
        folder = self._folder()
        return [] if folder is None else [Path(folder.root, key), Path(folder.partial, "x")]

    def _folder(self) -> LocalFolder | None:
        """Of a file system, on whatever drive."""
        options = self._options()
        if self._section.service != "fs" or "root" not in options:
            return None
        root = options["root"]
        mount = self._mounts.setdefault(root, Mount(root))
        return LocalFolder(root=root, partial=options["atomic_write_dir"], mount=mount)

    def _require_drive(self) -> None:
        if (folder := self._folder()) is not None:
            folder.mount.require_above()

    def _fetched(self, key: str, data: bytes, about: About) -> list[Finding]:
        """What the probe's address gives, where it has one."""
        url = self._addressing.url(key)
        if self._addressing.signed_for is not None:
            with self._translated("sign"):
                url = self._signed(key)
        return [] if url is None or url == key else [fetch_finding(url, data, about, self._addressing.place)]

    def _delete(self, operator: Any, key: str) -> str | None:
        try:
            with self._translated("delete its probe"):
                operator.delete(key)
        except StoreUnavailable as error:
            return str(error)
        return None

    def _local_folder(self) -> LocalFolder | None:
        """The folder, where it is on a drive of this machine."""
        with self._building:
            if not self._is_placed:
                folder = self._folder()
                self._local = folder if folder is not None and is_local(folder.root) else None
                self._is_placed = True
            return self._local

    def _operator(self) -> Any:
        with self._building:
            if self._built is None:
                self._built = self._build()
            return self._built

    def _impatient(self) -> Any:
        """For a check, which has to be over soon: nothing is tried twice."""
        return self._limited(_CHECK_SECONDS, _CHECK_SECONDS)

    def _limited(self, control_seconds: float, transfer_seconds: float) -> Any:
        from opendal import Operator
        from opendal.layers import TimeoutLayer

        operator = Operator(self._section.service, **self._options())
        return operator.layer(TimeoutLayer(timeout=control_seconds, io_timeout=transfer_seconds))

    def _build(self) -> Any:
        from opendal.layers import RetryLayer

        limited = self._limited(_CONTROL_SECONDS, _TRANSFER_SECONDS)
        return limited.layer(RetryLayer(max_times=_TRIES_MORE, min_delay=0.2, max_delay=2.0, jitter=True))

    def _options(self) -> dict[str, str]:
        options = {key: secret.reveal() for key, secret in self._section.options.items()}
        if self._section.service == "fs" and "root" in options:
            options.setdefault("atomic_write_dir", f"{options['root'].rstrip('/')}/{TEMPORARY_FOLDER}")
        return options

    @contextmanager
    def _translated(self, what: str) -> Iterator[None]:
        """OpenDAL's errors have no common root; every one is a matter of the store or of its configuration."""
        try:
            yield
        except _foreign_errors() as error:
            reason = self._described(error)
            log.warning("A store failed.", extra={"store": self._name, "task": what, "reason": reason})
            raise StoreUnavailable(f"the store {self._name} cannot {what}: {reason}") from error

    def _described(self, error: Exception) -> str:
        """The message, the HTTP status and the innermost cause, without OpenDAL's trace and without any option."""
        if isinstance(error, OSError) and error.strerror:
            return f"{type(error).__name__}: {error.strerror}"
        first, _, rest = str(error).partition("\n")
        status = _STATUS.search(rest)
        cause = rest.partition("Source:")[2].strip().partition("\n")[0]
        parts = [first.partition("=>")[2].strip() or first, f"HTTP {status[1]}" if status else "", cause]
        text = f"{type(error).__name__}: {', '.join(part for part in parts if part)}"
        return clean(self._known.hidden(KnownSecrets(self._secrets()).hidden(text)), limit=300)

    def _secrets(self) -> Iterator[str]:
        for secret in self._section.options.values():
            with suppress(ValueError):
                yield secret.reveal()


def _foreign_errors() -> tuple[type[Exception], ...]:
    from opendal import exceptions

    kinds = [kind for kind in vars(exceptions).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    return (OSError, ValueError, TypeError, *kinds)
