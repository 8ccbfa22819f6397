"""What takes long is acknowledged: a mail says since when its sender has heard nothing."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

# What was taken in before is answered as it would have been, and not acknowledged.
UNACKNOWLEDGED = "unacknowledged_since IS NOT NULL AND state IN ('open', 'held')"


def upgrade() -> None:
    op.add_column("submissions", sa.Column("unacknowledged_since", sa.BigInteger(), nullable=True))
    op.create_index(
        "ix_submissions_unacknowledged",
        "submissions",
        ["source", "unacknowledged_since"],
        sqlite_where=sa.text(UNACKNOWLEDGED),
        postgresql_where=sa.text(UNACKNOWLEDGED),
    )
