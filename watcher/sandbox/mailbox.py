"""An IMAP server in memory, with the mailboxes of made-up users: pymap's, with three of its habits mended.

pymap (0.36) writes a response in fragments, at which clients in IDLE stumble, drops keywords without a
word, and answers BINARY.PEEK under that name, where RFC 3516 has BINARY. Here a response is one write,
keywords are kept, and BINARY is not offered.
"""

from __future__ import annotations

import asyncio
import ssl
from argparse import Namespace
from asyncio import StreamReader, StreamWriter
from collections.abc import Mapping
from contextlib import AsyncExitStack, closing, suppress
from datetime import UTC, datetime
from io import BytesIO
from typing import Any, Self

from msgspec import Struct
from proxyprotocol.reader import ProxyProtocolReader
from proxyprotocol.sock import SocketInfo
from pymap.backend.dict import Config, Login
from pymap.backend.dict.filter import FilterSet
from pymap.backend.dict.mailbox import MailboxData, MailboxSet
from pymap.concurrent import Subsystem
from pymap.context import connection_exit
from pymap.imap import IMAPConnection
from pymap.imap.state import ConnectionState
from pymap.parsing.message import AppendMessage
from pymap.parsing.response import Response
from pymap.parsing.specials import ObjectId
from pymap.parsing.specials.flag import Flag, Wildcard
from pymap.user import UserMetadata
from pysasl.hashing import Cleartext

from watcher.sandbox.loop import LoopThread

LOOPBACK = "127.0.0.1"


class StoredMail(Struct, frozen=True, kw_only=True):
    """A mail as it lies in a folder."""

    uid: int
    raw: bytes
    flags: frozenset[str]


class SandboxMailbox:
    """Serves IMAP without TLS on the loopback interface, to the users given with their (ASCII) passwords.

    Every user has an INBOX; other folders are made by `append` or by clients. `port` 0 is a free one.
    """

    def __init__(self, *, users: Mapping[str, str], port: int = 0) -> None:
        self.host = LOOPBACK
        self.port = port
        self._users = dict(users)
        self._loop = LoopThread("sandbox-mailbox")
        self._config = _Config(
            Namespace(passlib_cfg=None, proxy_protocol=None),
            host=self.host,
            port=port,
            demo_data=False,
            demo_user="",
            demo_password="",
            tls_enabled=False,
            ssl_context=ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER),
            hash_context=Cleartext(),
            cpu_subsystem=Subsystem.for_asyncio(),
            invalid_user_sleep=0.0,
        )
        self._mailboxes: dict[str, _MailboxSet] = {}
        self._server: asyncio.Server | None = None
        self._conversations: set[asyncio.Task[Any]] = set()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        self._loop.start()
        self._loop.call(self._serve())

    def stop(self) -> None:
        """Cut all connections and forget all mails."""
        self._loop.call(self._close())
        self._loop.stop()

    def append(self, user: str, raw: bytes, folder: str = "INBOX", *, when: datetime | None = None) -> int:
        """Deliver a mail; its UID. `when` is its internal date."""
        return self._loop.call(self._append(user, raw, folder, when or datetime.now(UTC)))

    def messages(self, user: str, folder: str = "INBOX") -> list[StoredMail]:
        """What lies in a folder, by UID; nothing in one that is not there."""
        return self._loop.call(self._messages(user, folder))

    def folders(self, user: str) -> list[str]:
        return self._loop.call(self._folders(user))

    async def _serve(self) -> None:
        self._config.apply_context()
        login = Login(self._config)
        for user, password in self._users.items():
            login.users_dict[user] = UserMetadata(self._config, user, password=password)
            self._mailboxes[user] = _MailboxSet()
            self._config.set_cache[user] = (self._mailboxes[user], FilterSet())

        async def connected(reader: StreamReader, writer: StreamWriter, info: SocketInfo) -> None:
            self._keep(asyncio.current_task())
            connection = _Connection(self._config.commands, self._config, reader, writer, info)
            async with AsyncExitStack() as stack:
                connection_exit.set(stack)
                stack.enter_context(closing(connection))
                await connection.run(ConnectionState(login, self._config))

        callback = ProxyProtocolReader(self._config.proxy_protocol).get_callback(connected)
        self._server = await asyncio.start_server(callback, host=self.host, port=self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def _keep(self, conversation: asyncio.Task[Any] | None) -> None:
        """The loop refers to its tasks weakly: since Python 3.13 one was collected while its client waited."""
        if conversation is not None:
            self._conversations.add(conversation)
            conversation.add_done_callback(self._conversations.discard)

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()

    async def _append(self, user: str, raw: bytes, folder: str, when: datetime) -> int:
        self._config.apply_context()
        mailboxes = self._mailboxes[user]
        if folder != "INBOX" and mailboxes.get_known(folder) is None:
            await mailboxes.add_mailbox(folder)
        mailbox = await mailboxes.get_mailbox(folder)
        message = await mailbox.append(AppendMessage(raw, when), recent=True)
        return int(message.uid)

    async def _messages(self, user: str, folder: str) -> list[StoredMail]:
        self._config.apply_context()
        mailbox = self._mailboxes[user].get_known(folder)
        return [await _stored(message) async for message in mailbox.messages()] if mailbox is not None else []

    async def _folders(self, user: str) -> list[str]:
        return ["INBOX", *self._mailboxes[user].known]


async def _stored(message: Any) -> StoredMail:
    flags = frozenset(str(flag) for flag in message.permanent_flags)
    return StoredMail(uid=message.uid, raw=bytes(message._content), flags=flags)  # noqa: SLF001 - no other way to it


class _Config(Config):
    @property
    def greeting(self) -> bytes:
        """Without the host's full name, for which name servers would be asked."""
        return b"Sandbox ready"

    @property
    def login_capability(self) -> list[bytes]:
        return [capability for capability in super().login_capability if capability != b"BINARY"]


class _Connection(IMAPConnection):
    async def write_response(self, resp: Response) -> None:
        """As one write, with all that belongs to it."""
        whole = BytesIO()
        await resp.async_write(whole)
        with suppress(ConnectionError):
            self.writer.write(whole.getvalue())
            await self.writer.drain()


class _Mailbox(MailboxData):
    @property
    def permanent_flags(self) -> frozenset[Flag]:
        """All that pymap keeps, and any keyword."""
        return frozenset({*super().permanent_flags, Wildcard})


class _MailboxSet(MailboxSet):
    def __init__(self) -> None:
        super().__init__()
        self._inbox = _Mailbox(self._content_cache, self._thread_cache)

    @property
    def known(self) -> list[str]:
        return sorted(self._set)

    def get_known(self, name: str) -> Any:
        return self._inbox if name == "INBOX" else self._set.get(name)

    async def add_mailbox(self, name: str) -> ObjectId:
        await super().add_mailbox(name)
        self._set[name] = made = _Mailbox(self._content_cache, self._thread_cache)
        return made.mailbox_id
