"""Indexes of what lists are asked for, so that they are as quick with a million submissions as with ten."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.drop_index("ix_documents_outcome", "documents")
    op.create_index("ix_documents_outcome_submission", "documents", ["outcome", "submission"])
    op.create_index("ix_submissions_source", "submissions", [sa.text("(source || '')"), "seq"])
    op.create_index("ix_submissions_sender", "submissions", [sa.text("lower(sender)"), "seq"])
    op.create_index("ix_submissions_received", "submissions", ["received_at"])
