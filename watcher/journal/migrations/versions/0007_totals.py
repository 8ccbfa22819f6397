"""The database itself counts what is closed and what is settled, so that nobody has to count a million rows."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

MORE = "INSERT INTO totals VALUES ({}, 1) ON CONFLICT (counted) DO UPDATE SET number = number + 1"
LESS = "UPDATE totals SET number = number - 1 WHERE counted = {}"
CLOSED, BEFORE, NOW = "'submissions closed'", "'documents ' || OLD.outcome", "'documents ' || NEW.outcome"
# The name of each, when it fires, on which rows, and what it does.
ON_SQLITE = (
    ("submissions_made", "INSERT ON submissions", "NEW.state = 'closed'", MORE.format(CLOSED)),
    (
        "submissions_closed",
        "UPDATE OF state ON submissions",
        "NEW.state = 'closed' AND OLD.state <> 'closed'",
        MORE.format(CLOSED),
    ),
    (
        "submissions_reopened",
        "UPDATE OF state ON submissions",
        "OLD.state = 'closed' AND NEW.state <> 'closed'",
        LESS.format(CLOSED),
    ),
    ("submissions_deleted", "DELETE ON submissions", "OLD.state = 'closed'", LESS.format(CLOSED)),
    ("documents_made", "INSERT ON documents", "NEW.outcome IS NOT NULL", MORE.format(NOW)),
    (
        "documents_settled",
        "UPDATE OF outcome ON documents",
        "NEW.outcome IS NOT NULL AND NEW.outcome IS NOT OLD.outcome",
        MORE.format(NOW),
    ),
    (
        "documents_reopened",
        "UPDATE OF outcome ON documents",
        "OLD.outcome IS NOT NULL AND NEW.outcome IS NOT OLD.outcome",
        LESS.format(BEFORE),
    ),
    ("documents_deleted", "DELETE ON documents", "OLD.outcome IS NOT NULL", LESS.format(BEFORE)),
)

FUNCTIONS = (
    """
    CREATE FUNCTION count_submission() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO totals VALUES (
            'submissions closed', CASE WHEN TG_OP <> 'DELETE' AND NEW.state = 'closed' THEN 1 ELSE -1 END
        );
        RETURN NULL;
    END $$
    """,
    """
    CREATE FUNCTION count_document() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP <> 'INSERT' AND OLD.outcome IS NOT NULL THEN
            INSERT INTO totals VALUES ('documents ' || OLD.outcome, -1);
        END IF;
        IF TG_OP <> 'DELETE' AND NEW.outcome IS NOT NULL THEN
            INSERT INTO totals VALUES ('documents ' || NEW.outcome, 1);
        END IF;
        RETURN NULL;
    END $$
    """,
)
# As above; where WHEN is false no function is called.
ON_POSTGRESQL = (
    ("submissions_made", "INSERT ON submissions", "NEW.state = 'closed'", "count_submission()"),
    (
        "submissions_changed",
        "UPDATE OF state ON submissions",
        "(NEW.state = 'closed') <> (OLD.state = 'closed')",
        "count_submission()",
    ),
    ("submissions_deleted", "DELETE ON submissions", "OLD.state = 'closed'", "count_submission()"),
    ("documents_made", "INSERT ON documents", "NEW.outcome IS NOT NULL", "count_document()"),
    (
        "documents_changed",
        "UPDATE OF outcome ON documents",
        "NEW.outcome IS DISTINCT FROM OLD.outcome",
        "count_document()",
    ),
    ("documents_deleted", "DELETE ON documents", "OLD.outcome IS NOT NULL", "count_document()"),
)


def upgrade() -> None:
    op.create_table(
        "totals",
        sa.Column("counted", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
    )
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    if on_sqlite:
        op.create_index("ix_totals_counted", "totals", ["counted"], unique=True)
    for statement in triggers(op.get_bind().dialect.name):
        op.execute(statement)
    # After the triggers, which lock out whoever would write meanwhile.
    op.execute("INSERT INTO totals SELECT 'submissions closed', count(*) FROM submissions WHERE state = 'closed'")
    op.execute(
        "INSERT INTO totals SELECT 'documents ' || outcome, count(*) FROM documents"
        " WHERE outcome IS NOT NULL GROUP BY outcome"
    )


def triggers(name: str) -> Iterator[str]:
    """The statements that make the triggers in a database of this kind."""
    if name == "sqlite":
        for trigger, event, which, does in ON_SQLITE:
            yield f"CREATE TRIGGER tr_{trigger} AFTER {event} WHEN {which} BEGIN {does}; END"
        return
    yield from FUNCTIONS
    for trigger, event, which, does in ON_POSTGRESQL:
        yield f"CREATE TRIGGER tr_{trigger} AFTER {event} FOR EACH ROW WHEN ({which}) EXECUTE FUNCTION {does}"
