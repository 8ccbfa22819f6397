"""The journal as it began."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "bookings",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("user_code", sa.Text(), nullable=False),
        sa.Column("create_expense", sa.Boolean(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("biz_id", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("store", sa.Text(), nullable=False),
        sa.Column("store_key", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.Column("first_document", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("tries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("first_failed_at", sa.BigInteger(), nullable=True),
        sa.Column("in_doubt", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("claim", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("claimed", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_bookings"),
        sa.UniqueConstraint(
            "content",
            "user_code",
            "create_expense",
            "generation",
            name="uq_bookings_content_user_code_create_expense_generation",
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_bookings_due",
        "bookings",
        ["due_at", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index(
        "ix_bookings_fresh",
        "bookings",
        ["source", "due_at", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'pending' AND attempts = 0"),
        postgresql_where=sa.text("state = 'pending' AND attempts = 0"),
    )
    op.create_index(
        "ix_bookings_retries",
        "bookings",
        ["source", "due_at", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'pending' AND attempts > 0"),
        postgresql_where=sa.text("state = 'pending' AND attempts > 0"),
    )
    op.create_table(
        "gates",
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("since", sa.BigInteger(), nullable=True),
        sa.Column("resumes_at", sa.BigInteger(), nullable=True),
        sa.Column("probe_ms", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("claim", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("claimed", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("endpoint", name="pk_gates"),
    )
    op.create_table(
        "identities",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("submission", ID, nullable=False),
        sa.Column("stays", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_identities"),
    )
    op.create_table(
        "sources",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("up", sa.Boolean(), nullable=True),
        sa.Column("since", sa.BigInteger(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("left_alone", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("claim", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("claimed", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_sources"),
    )
    op.create_table(
        "submissions",
        sa.Column("seq", NUMBER, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("path", sa.Text(), nullable=True),
        sa.Column("user_code", sa.Text(), nullable=True),
        sa.Column("person_name", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("answer", sa.Boolean(), nullable=False),
        sa.Column("thread", sa.Text(), nullable=True),
        sa.Column("create_expense", sa.Boolean(), nullable=False),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.Column("answer_number", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("target", sa.Text(), nullable=True),
        sa.Column("replied", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("moved_to", sa.Text(), nullable=True),
        sa.Column("remark", sa.Text(), nullable=True),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("claim", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("claimed", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_submissions"),
        sa.UniqueConstraint("id", name="uq_submissions_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_submissions_answered", "submissions", ["answered_at"], unique=False)
    op.create_index(
        "ix_submissions_settled",
        "submissions",
        ["source", "due_at", "seq"],
        unique=False,
        sqlite_where=sa.text("state = 'settled'"),
        postgresql_where=sa.text("state = 'settled'"),
    )
    op.create_index(
        "ix_submissions_unclosed",
        "submissions",
        ["state", "recorded_at"],
        unique=False,
        sqlite_where=sa.text("state <> 'closed'"),
        postgresql_where=sa.text("state <> 'closed'"),
    )
    op.create_table(
        "documents",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("submission", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("store", sa.Text(), nullable=True),
        sa.Column("store_key", sa.Text(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("booking", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.Column("duplicate_of", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["booking"], ["bookings.id"], name="fk_documents_booking"),
        sa.ForeignKeyConstraint(
            ["submission"], ["submissions.seq"], name="fk_documents_submission", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_documents"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_documents_booking", "documents", ["booking"], unique=False)
    op.create_index("ix_documents_outcome", "documents", ["outcome"], unique=False)
    op.create_index(
        "ix_documents_pending",
        "documents",
        ["submission", "booking"],
        unique=False,
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index("ix_documents_settled_at_outcome", "documents", ["settled_at", "outcome"], unique=False)
    op.create_index("ix_documents_submission", "documents", ["submission"], unique=False)
    op.create_table(
        "invoices",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("booking", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("type", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("amount", sa.Text(), nullable=True),
        sa.Column("tax_amount", sa.Text(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("date", sa.Text(), nullable=True),
        sa.Column("seller_name", sa.Text(), nullable=True),
        sa.Column("seller_tax_code", sa.Text(), nullable=True),
        sa.Column("buyer_name", sa.Text(), nullable=True),
        sa.Column("buyer_tax_code", sa.Text(), nullable=True),
        sa.Column("verified", sa.Boolean(), nullable=True),
        sa.Column("expense_id", sa.Text(), nullable=True),
        sa.Column("expense_status", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("message_code", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["booking"], ["bookings.id"], name="fk_invoices_booking"),
        sa.PrimaryKeyConstraint("id", name="pk_invoices"),
    )
    op.create_index("ix_invoices_booking", "invoices", ["booking"], unique=False)
    op.create_index("ix_invoices_expense_id", "invoices", ["expense_id"], unique=False)
    op.create_index("ix_invoices_number", "invoices", ["number"], unique=False)
    op.create_table(
        "tries",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("booking", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("biz_id", sa.Text(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("in_doubt", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("raw", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["booking"], ["bookings.id"], name="fk_tries_booking"),
        sa.PrimaryKeyConstraint("id", name="pk_tries"),
        sa.UniqueConstraint("booking", "number", name="uq_tries_booking_number"),
    )
