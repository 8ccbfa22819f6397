"""Bookings may wait for a person or a file, and files may have to be put back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

RETURNING = "state = 'open' AND due_at IS NOT NULL"


def upgrade() -> None:
    op.add_column("bookings", sa.Column("interrupted", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("bookings", sa.Column("waits_for", sa.Text(), nullable=True))
    op.execute("UPDATE submissions SET due_at = NULL WHERE state = 'open'")  # a retry used to leave one there
    op.create_index(
        "ix_submissions_returning",
        "submissions",
        ["source", "due_at", "seq"],
        sqlite_where=sa.text(RETURNING),
        postgresql_where=sa.text(RETURNING),
    )
