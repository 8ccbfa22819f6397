"""The tables of what the daemon has to remember beside invoices: how its sources fare, whom it has told what."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Table, Text, text

from watcher.journal.columns import Number, claimable, metadata, partial
from watcher.journal.text_types import Words

sources = Table(
    "sources",
    metadata,
    Column("name", Text, primary_key=True),
    Column("kind", Text),
    Column("up", Boolean),
    Column("since", BigInteger),
    Column("message", Words),
    Column("left_alone", Integer, nullable=False, server_default=text("0")),
    Column("surplus", Integer, nullable=False, server_default=text("0")),
    *claimable(),
)

gates = Table(
    "gates",
    metadata,
    Column("endpoint", Words, primary_key=True),
    Column("open", Boolean, nullable=False),
    Column("reason", Words),
    Column("since", BigInteger),
    Column("resumes_at", BigInteger),
    Column("probe_ms", BigInteger, nullable=False, server_default=text("0")),
    *claimable(),
)

# Mails that were handed over, for the limit on how many one address gets in an hour; deleted when they are older.
sent = Table(
    "sent",
    metadata,
    Column("id", Number, primary_key=True),
    Column("recipient", Words, nullable=False),  # in lower case
    Column("sent_at", BigInteger, nullable=False),
    Index("ix_sent_recipient_sent_at", "recipient", "sent_at"),
    Index("ix_sent_sent_at", "sent_at"),
)

# Mails that are no answers: what a sender has to be told before there is one. Those that are due are to be sent.
notices = Table(
    "notices",
    metadata,
    Column("id", Number, primary_key=True),
    Column("source", Text, nullable=False),
    Column("concerns", Words, nullable=False),  # whom, as `submissions.counts_as`: told once, and not for each mail
    Column("created_at", BigInteger, nullable=False),
    Column("content", Words, nullable=False),  # JSON
    *claimable(),
    partial("ix_notices_due", "source", "due_at", "id", where="due_at IS NOT NULL"),
    Index("ix_notices_concerns", "source", "concerns", "created_at"),
    sqlite_autoincrement=True,
)

# What is wrong and somebody is told of, until it is over.
alerts = Table(
    "alerts",
    metadata,
    Column("key", Words, primary_key=True),  # "source fapiao", "gate https://…"
    Column("since", BigInteger, nullable=False),  # when it was first seen
    Column("said", Words, nullable=False),
    Column("told_at", BigInteger),  # null: nobody yet, it may pass by itself; or it was told to be over
    Column("gone_at", BigInteger),  # when it was first seen to be gone; null: it is there
    Column("times", Integer, nullable=False, server_default=text("0")),  # how often it was told to be over
)

# Work that one node does for all, by turns: claimed as everything else is.
duties = Table("duties", metadata, Column("name", Text, primary_key=True), *claimable())

# How many there are of what only ever becomes more: kept by the database itself, see making.py. The number of each is
# the sum of its rows. On SQLite it has one; on PostgreSQL each change is one, until they are folded (counting.py).
totals = Table(
    "totals",
    metadata,
    Column("counted", Text, nullable=False),  # "submissions closed", "documents done", and of each other outcome
    Column("number", BigInteger, nullable=False),
    Index("ix_totals_counted", "counted", unique=True).ddl_if(dialect="sqlite"),
)
