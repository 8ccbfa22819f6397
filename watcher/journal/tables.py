"""The tables. Times are milliseconds since the epoch; amounts are the endpoint's own text.

Three columns make a row claimable (see claims.py): `due_at`, when it may be taken; `claim`, which only
grows and fences late writes; `claimed`, whether somebody is at work on it (or died over it).
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from watcher.journal.text_types import Place, Words

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_Number = BigInteger().with_variant(Integer, "sqlite")  # INTEGER is what SQLite counts up by itself
CONDITION = "condition"  # of a partial index, in its `info`
# Compared byte by byte, so that a prefix is a range of the index whatever the database's locale.
_Id = Text().with_variant(Text(collation="C"), "postgresql")


def _claimable() -> list[Column[Any]]:
    return [
        Column("due_at", BigInteger),
        Column("claim", BigInteger, nullable=False, server_default=text("0")),
        Column("claimed", Boolean, nullable=False, server_default=false()),
    ]


def _partial(name: str, *columns: str, where: str) -> Index:
    """An index of the few rows that still want something; the condition stands in the SQL, word for word."""
    return Index(name, *columns, sqlite_where=text(where), info={CONDITION: where})


# Which submission a mail or a state of a file became; kept for ever, also when the submission is deleted.
identities = Table(
    "identities",
    metadata,
    Column("key", Words, primary_key=True),
    Column("submission", _Id, nullable=False),
    Column("stays", Boolean, nullable=False, server_default=false()),  # answered without being moved
)

submissions = Table(
    "submissions",
    metadata,
    Column("seq", _Number, primary_key=True),  # the order of recording
    Column("id", _Id, nullable=False, unique=True),
    Column("key", Words, nullable=False),
    Column("source", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("place", Place, nullable=False),
    Column("fingerprint", Words, nullable=False),
    Column("sender", Words),
    Column("subject", Words),
    Column("path", Place),
    Column("user_code", Words),
    Column("person_name", Words),
    Column("language", Text),
    Column("received_at", BigInteger, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Words),
    Column("answer", Boolean, nullable=False),
    Column("thread", Words),  # JSON
    Column("create_expense", Boolean, nullable=False),
    Column("answered_at", BigInteger),
    Column("answer_number", Integer, nullable=False, server_default=text("0")),
    Column("target", Place),  # where the answer under way is about to move it
    Column("replied", Boolean, nullable=False, server_default=false()),  # the answer under way
    Column("moved_to", Place),  # where the last answer moved it
    Column("remark", Words),  # what the last answer had to say
    Column("left_out", Words),  # JSON: what in it is no document
    Column("held_at", BigInteger),  # since when it waits for a decision; null: it does not
    Column("released", Boolean, nullable=False, server_default=false()),  # it waits to be taken in after all
    Column("let_in_at", BigInteger),  # when a person has released it; kept, because it says who answers for it
    Column("let_in_despite", Words),  # why it was held then
    Column("size", BigInteger),  # of a mail, in bytes
    Column("counts_as", Words),  # whose hourly allowance it is counted in; null: nobody's
    Column("unacknowledged_since", BigInteger),  # null: it is none that is acknowledged, or was, or was answered
    *_claimable(),
    _partial("ix_submissions_settled", "source", "due_at", "seq", where="state = 'settled'"),
    # An open one that is due has its file to be put back before its documents are posted again.
    _partial("ix_submissions_returning", "source", "due_at", "seq", where="state = 'open' AND due_at IS NOT NULL"),
    _partial("ix_submissions_unclosed", "state", "recorded_at", where="state <> 'closed'"),
    _partial("ix_submissions_released", "source", where="released"),
    _partial("ix_submissions_counted", "counts_as", "recorded_at", where="counts_as IS NOT NULL"),
    _partial(
        "ix_submissions_unacknowledged",
        *("source", "unacknowledged_since"),
        where="unacknowledged_since IS NOT NULL AND state IN ('open', 'held')",
    ),
    Index("ix_submissions_answered", "answered_at"),
    # What `list` asks for: each in the order of the pages, but for the times. Written so that no statement of the
    # daemon fits them: without statistics SQLite might take one of these for a partial one above.
    Index("ix_submissions_source", text("(source || '')"), "seq"),
    Index("ix_submissions_sender", text("lower(sender)"), "seq"),
    Index("ix_submissions_received", "received_at"),
    sqlite_autoincrement=True,
)

# One content for one employee; what is claimed and posted. Never deleted.
bookings = Table(
    "bookings",
    metadata,
    Column("id", _Number, primary_key=True),
    Column("content", Text, nullable=False),
    Column("user_code", Words, nullable=False),
    Column("create_expense", Boolean, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("biz_id", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("store", Text, nullable=False),
    Column("store_key", Place, nullable=False),
    Column("url", Place),
    Column("state", Text, nullable=False),
    Column("outcome", Text),
    Column("code", Words),
    Column("message", Words),
    Column("created_at", BigInteger, nullable=False),
    Column("settled_at", BigInteger),
    Column("first_document", BigInteger),  # whose outcome it became; no foreign key: it outlives the document
    Column("attempts", Integer, nullable=False, server_default=text("0")),  # counted tries
    Column("tries", Integer, nullable=False, server_default=text("0")),  # the number of the last try
    Column("first_failed_at", BigInteger),
    Column("in_doubt", Boolean, nullable=False, server_default=false()),
    *_claimable(),
    Column("interrupted", Boolean, nullable=False, server_default=false()),  # when it was claimed somebody was at it
    Column("waits_for", Text),  # something else than time: one of bookings.WaitsFor
    Column("parent", Text),  # of a part of a file: the file's sha256
    UniqueConstraint("content", "user_code", "create_expense", "generation"),
    _partial("ix_bookings_parts", "parent", where="parent IS NOT NULL"),
    _partial("ix_bookings_booked_twice", "settled_at", where="code = 'BOOKED_TWICE'"),
    _partial("ix_bookings_due", "due_at", "id", where="state = 'pending'"),
    _partial("ix_bookings_fresh", "source", "due_at", "id", where="state = 'pending' AND attempts = 0"),
    _partial("ix_bookings_retries", "source", "due_at", "id", where="state = 'pending' AND attempts > 0"),
    sqlite_autoincrement=True,
)

documents = Table(
    "documents",
    metadata,
    Column("id", _Number, primary_key=True),
    Column("submission", BigInteger, ForeignKey("submissions.seq", ondelete="CASCADE"), nullable=False, index=True),
    Column("name", Words, nullable=False),
    Column("media_type", Words, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("store", Text),
    Column("store_key", Place),
    Column("url", Place),
    Column("booking", BigInteger, ForeignKey("bookings.id"), index=True),
    Column("state", Text, nullable=False),
    Column("outcome", Text),
    Column("code", Words),
    Column("message", Words),
    Column("settled_at", BigInteger),
    Column("duplicate_of", BigInteger),  # no foreign key: the first may be deleted, and is named all the same
    Column("read", Words),  # JSON: the invoices that were read in it before it was sent
    _partial("ix_documents_pending", "submission", "booking", where="state = 'pending'"),
    Index("ix_documents_outcome_submission", "outcome", "submission"),
    Index("ix_documents_settled_at_outcome", "settled_at", "outcome"),
    sqlite_autoincrement=True,
)

# One request that was, or was about to be, sent for a booking.
tries = Table(
    "tries",
    metadata,
    Column("id", _Number, primary_key=True),
    Column("booking", BigInteger, ForeignKey("bookings.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("biz_id", Text, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("result", Text),
    Column("in_doubt", Boolean, nullable=False, server_default=false()),
    Column("code", Words),
    Column("message", Words),
    Column("raw", Words),
    UniqueConstraint("booking", "number"),
)

invoices = Table(
    "invoices",
    metadata,
    Column("id", _Number, primary_key=True),
    Column("booking", BigInteger, ForeignKey("bookings.id"), nullable=False, index=True),
    Column("number", Words, index=True),
    Column("code", Words),
    Column("type", Words),
    Column("name", Words),
    Column("amount", Words),
    Column("tax_amount", Words),
    Column("currency", Words),
    Column("date", Text),  # YYYY-MM-DD
    Column("seller_name", Words),
    Column("seller_tax_code", Words),
    Column("buyer_name", Words),
    Column("buyer_tax_code", Words),
    Column("verified", Boolean),
    Column("expense_id", Words, index=True),
    Column("expense_status", Words),
    Column("message", Words),
    Column("message_code", Words),
)

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
    *_claimable(),
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
    *_claimable(),
)

# Mails that were handed over, for the limit on how many one address gets in an hour; deleted when they are older.
sent = Table(
    "sent",
    metadata,
    Column("id", _Number, primary_key=True),
    Column("recipient", Words, nullable=False),  # in lower case
    Column("sent_at", BigInteger, nullable=False),
    Index("ix_sent_recipient_sent_at", "recipient", "sent_at"),
    Index("ix_sent_sent_at", "sent_at"),
)

# Mails that are no answers: what a sender has to be told before there is one. Those that are due are to be sent.
notices = Table(
    "notices",
    metadata,
    Column("id", _Number, primary_key=True),
    Column("source", Text, nullable=False),
    Column("concerns", Words, nullable=False),  # whom, as `submissions.counts_as`: told once, and not for each mail
    Column("created_at", BigInteger, nullable=False),
    Column("content", Words, nullable=False),  # JSON
    *_claimable(),
    _partial("ix_notices_due", "source", "due_at", "id", where="due_at IS NOT NULL"),
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
duties = Table("duties", metadata, Column("name", Text, primary_key=True), *_claimable())

# How many there are of what only ever becomes more: kept by the database itself, see making.py. The number of each is
# the sum of its rows. On SQLite it has one; on PostgreSQL each change is one, until they are folded (counting.py).
totals = Table(
    "totals",
    metadata,
    Column("counted", Text, nullable=False),  # "submissions closed", "documents done", and of each other outcome
    Column("number", BigInteger, nullable=False),
    Index("ix_totals_counted", "counted", unique=True).ddl_if(dialect="sqlite"),
)
