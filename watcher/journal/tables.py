"""The tables. Times are milliseconds since the epoch; amounts are the endpoint's own text.

Here are those of the way of an invoice; all others are named here, too, so that nobody has some of them alone.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from watcher.journal.columns import CONDITION, Id, Number, claimable, metadata, partial
from watcher.journal.text_types import Place, Words
from watcher.journal.upkeep_tables import alerts, duties, gates, notices, sent, sources, totals

__all__ = [
    "CONDITION",
    "alerts",
    "bookings",
    "documents",
    "duties",
    "gates",
    "identities",
    "invoices",
    "metadata",
    "notices",
    "sent",
    "sources",
    "submissions",
    "totals",
    "tries",
]

# Which submission a mail or a state of a file became; kept for ever, also when the submission is deleted.
identities = Table(
    "identities",
    metadata,
    Column("key", Words, primary_key=True),
    Column("submission", Id, nullable=False),
    Column("stays", Boolean, nullable=False, server_default=false()),  # answered without being moved
)

submissions = Table(
    "submissions",
    metadata,
    Column("seq", Number, primary_key=True),  # the order of recording
    Column("id", Id, nullable=False, unique=True),
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
    *claimable(),
    partial("ix_submissions_settled", "source", "due_at", "seq", where="state = 'settled'"),
    # An open one that is due has its file to be put back before its documents are posted again.
    partial("ix_submissions_returning", "source", "due_at", "seq", where="state = 'open' AND due_at IS NOT NULL"),
    partial("ix_submissions_unclosed", "state", "recorded_at", where="state <> 'closed'"),
    partial("ix_submissions_released", "source", where="released"),
    partial("ix_submissions_counted", "counts_as", "recorded_at", where="counts_as IS NOT NULL"),
    partial(
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
    Column("id", Number, primary_key=True),
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
    *claimable(),
    Column("interrupted", Boolean, nullable=False, server_default=false()),  # when it was claimed somebody was at it
    Column("waits_for", Text),  # something else than time: one of bookings.WaitsFor
    Column("parent", Text),  # of a part of a file: the file's sha256
    UniqueConstraint("content", "user_code", "create_expense", "generation"),
    partial("ix_bookings_parts", "parent", where="parent IS NOT NULL"),
    partial("ix_bookings_booked_twice", "settled_at", where="code = 'BOOKED_TWICE'"),
    partial("ix_bookings_due", "due_at", "id", where="state = 'pending'"),
    partial("ix_bookings_fresh", "source", "due_at", "id", where="state = 'pending' AND attempts = 0"),
    partial("ix_bookings_retries", "source", "due_at", "id", where="state = 'pending' AND attempts > 0"),
    sqlite_autoincrement=True,
)

documents = Table(
    "documents",
    metadata,
    Column("id", Number, primary_key=True),
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
    partial("ix_documents_pending", "submission", "booking", where="state = 'pending'"),
    Index("ix_documents_outcome_submission", "outcome", "submission"),
    Index("ix_documents_settled_at_outcome", "settled_at", "outcome"),
    sqlite_autoincrement=True,
)

# One request that was, or was about to be, sent for a booking.
tries = Table(
    "tries",
    metadata,
    Column("id", Number, primary_key=True),
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
    Column("id", Number, primary_key=True),
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
