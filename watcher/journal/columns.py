"""What the tables are made of.

Three columns make a row claimable (see claims.py): `due_at`, when it may be taken; `claim`, which only
grows and fences late writes; `claimed`, whether somebody is at work on it (or died over it).
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, Text, false, text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Number = BigInteger().with_variant(Integer, "sqlite")  # INTEGER is what SQLite counts up by itself
CONDITION = "condition"  # of a partial index, in its `info`
# Compared byte by byte, so that a prefix is a range of the index whatever the database's locale.
Id = Text().with_variant(Text(collation="C"), "postgresql")


def claimable() -> list[Column[Any]]:
    """Of a row that somebody may take: new ones for each table."""
    return [
        Column("due_at", BigInteger),
        Column("claim", BigInteger, nullable=False, server_default=text("0")),
        Column("claimed", Boolean, nullable=False, server_default=false()),
    ]


def partial(name: str, *columns: str, where: str) -> Index:
    """An index of the few rows that still want something; the condition stands in the SQL, word for word."""
    return Index(name, *columns, sqlite_where=text(where), info={CONDITION: where})
