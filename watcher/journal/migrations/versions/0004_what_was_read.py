"""What was read in a document and what was left out is kept, and parts of a file know their file."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

PARTS = "parent IS NOT NULL"


def upgrade() -> None:
    op.add_column("documents", sa.Column("read", sa.Text(), nullable=True))
    op.add_column("submissions", sa.Column("left_out", sa.Text(), nullable=True))
    op.add_column("bookings", sa.Column("parent", sa.Text(), nullable=True))
    op.create_index(
        "ix_bookings_parts", "bookings", ["parent"], sqlite_where=sa.text(PARTS), postgresql_where=sa.text(PARTS)
    )
