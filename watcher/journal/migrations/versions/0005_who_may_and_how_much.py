"""Held mails can be released, senders and replies are counted, notices and alerts are remembered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

COUNTED = "counts_as IS NOT NULL"
DUE = "due_at IS NOT NULL"


def upgrade() -> None:
    op.add_column("submissions", sa.Column("held_at", sa.BigInteger(), nullable=True))
    op.add_column("submissions", sa.Column("released", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("submissions", sa.Column("let_in_at", sa.BigInteger(), nullable=True))
    op.add_column("submissions", sa.Column("let_in_despite", sa.Text(), nullable=True))
    op.add_column("submissions", sa.Column("size", sa.BigInteger(), nullable=True))
    op.add_column("submissions", sa.Column("counts_as", sa.Text(), nullable=True))
    op.execute("UPDATE submissions SET held_at = recorded_at WHERE state = 'held'")
    op.add_column("sources", sa.Column("surplus", sa.Integer(), server_default=sa.text("0"), nullable=False))
    _partial("ix_submissions_released", "submissions", ["source"], "released")
    _partial("ix_submissions_counted", "submissions", ["counts_as", "recorded_at"], COUNTED)
    _partial("ix_bookings_booked_twice", "bookings", ["settled_at"], "code = 'BOOKED_TWICE'")
    _sent()
    _notices()
    op.create_table(
        "alerts",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("told_at", sa.BigInteger(), nullable=True),
        sa.Column("gone_at", sa.BigInteger(), nullable=True),
        sa.Column("times", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_alerts"),
    )
    op.create_table(
        "duties",
        sa.Column("name", sa.Text(), nullable=False),
        *_claimable(),
        sa.PrimaryKeyConstraint("name", name="pk_duties"),
    )


def _sent() -> None:
    op.create_table(
        "sent",
        sa.Column("id", _number(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sent"),
    )
    op.create_index("ix_sent_recipient_sent_at", "sent", ["recipient", "sent_at"])
    op.create_index("ix_sent_sent_at", "sent", ["sent_at"])


def _notices() -> None:
    op.create_table(
        "notices",
        sa.Column("id", _number(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("concerns", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        *_claimable(),
        sa.PrimaryKeyConstraint("id", name="pk_notices"),
        sqlite_autoincrement=True,
    )
    _partial("ix_notices_due", "notices", ["source", "due_at", "id"], DUE)
    op.create_index("ix_notices_concerns", "notices", ["source", "concerns", "created_at"])


def _claimable() -> list[sa.Column[object]]:
    return [
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("claim", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("claimed", sa.Boolean(), server_default=sa.false(), nullable=False),
    ]


def _number() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _partial(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
