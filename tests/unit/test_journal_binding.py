"""What a driver is given for a statement: as lists for SQLite, as dicts for PostgreSQL."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Boolean, Column, Integer, MetaData, Table, bindparam, make_url, select
from sqlalchemy.sql.expression import Insert, Select

from watcher.journal.prepared import Prepared, Statements
from watcher.journal.text_types import Place, Words

TABLE = Table(
    "things",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("path", Place),
    Column("words", Words),
    Column("more", Words),
    Column("is_new", Boolean),
)
INSERT = TABLE.insert()
HALF = "\ud800"


def prepared(name: str, statement: Insert | Select[Any], parameters: dict[str, Any]) -> Prepared:
    return Statements(make_url(f"{name}://").get_dialect()()).prepared(statement, parameters)


def bound(name: str, statement: Insert | Select[Any], parameters: dict[str, Any]) -> Any:
    return prepared(name, statement, parameters).bound(parameters)


@pytest.mark.parametrize(
    ("path", "words", "stored"),
    [
        ("a", "b", ("a", "b")),
        ("发票.pdf", "发票", ("发票.pdf", "发票")),
        (None, None, (None, None)),
        ("", "", ("", "")),
        ("a", "b\0", ("a", "b\ufffd")),
        ("发", f"票{HALF}", ("发", "票?")),
        ("a\0", "b", ("\ue0006100", "b")),
        (HALF, "票", ("\ue000eda080", "票")),
        ("\ue000", "票", ("\ue000ee8080", "票")),
        ("a", "\ue000", ("a", "\ue000")),
        (f"{HALF}a", "\udc00", ("\ue000eda08061", "?")),
    ],
)
@pytest.mark.parametrize("name", ["sqlite", "postgresql+psycopg"])
def test_text_is_given_as_the_database_takes_it(
    name: str, path: str | None, words: str | None, stored: tuple[str | None, str | None]
) -> None:
    given = bound(name, INSERT, {"path": path, "words": words})
    assert (tuple(given) if name == "sqlite" else (given["path"], given["words"])) == stored


def test_halves_that_meet_between_two_texts_make_no_whole() -> None:
    assert bound("sqlite", INSERT, {"words": "\ud83d", "more": "\ude00"}) == ["?", "?"]


def test_values_stand_where_the_statement_has_them_whatever_their_order() -> None:
    statement = select(TABLE.c.id).where(
        TABLE.c.is_new == bindparam("new"), TABLE.c.id > 7, TABLE.c.words == bindparam("said")
    )
    assert bound("sqlite", statement, {"said": "x", "new": True}) == [1, 7, "x"]
    given = bound("postgresql+psycopg", statement, {"said": "x", "new": True})
    assert (given["new"], given["said"], given["id_1"]) == (True, "x", 7)


@pytest.mark.parametrize(
    ("items", "filled"), [([], []), (["a"], ["a"]), (["a", "b", "c\0"], ["a", "b", "c\ufffd", "c\ufffd"])]
)
def test_a_list_is_filled_with_its_last_value(items: list[str], filled: list[str]) -> None:
    statement = select(TABLE.c.id).where(
        TABLE.c.id == bindparam("one"), TABLE.c.words.in_(bindparam("many", expanding=True)), TABLE.c.id < 9
    )
    assert bound("sqlite", statement, {"many": items, "one": 1}) == [1, *filled, 9]


def test_a_list_may_stand_in_two_places() -> None:
    many = bindparam("many", expanding=True, type_=Words())
    statement = select(TABLE.c.id).where(TABLE.c.words.in_(many) | TABLE.c.more.in_(many))
    assert bound("sqlite", statement, {"many": ["a", "b"]}) == ["a", "b", "a", "b"]


def test_a_value_that_is_missing_is_told() -> None:
    statement = prepared("sqlite", INSERT, {"path": "a", "words": "b"})
    with pytest.raises(KeyError):
        statement.bound({"path": "a"})
