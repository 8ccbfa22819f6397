"""Which submission a key is of: whoever adds it takes the submission in."""

from __future__ import annotations

from sqlalchemy import bindparam, exists, insert, select, update
from sqlalchemy.exc import IntegrityError

from watcher.journal.connection import Connection
from watcher.journal.deferred import Deferred
from watcher.journal.in_step import Step
from watcher.journal.pointing import FILES_LOCKED, locks_of
from watcher.journal.tables import identities
from watcher.model import NewSubmission

_KEY = Deferred(lambda: bindparam("key", type_=identities.c.key.type))
# Nothing, where the key is known: the look and the insert are one statement.
_NEW_IDENTITY = Deferred(
    lambda: select(_KEY(), bindparam("name", type_=identities.c.submission.type)).where(
        ~exists().where(identities.c.key == _KEY())
    )
)
ADD_IDENTITY = Deferred(lambda: insert(identities).from_select(["key", "submission"], _NEW_IDENTITY()))
# A lock by itself would be one more statement for each submission.
_ADD_IDENTITY_AND_LOCK = Deferred(
    lambda: insert(identities).from_select(
        ["key", "submission"], _NEW_IDENTITY().where(FILES_LOCKED().scalar_subquery() >= 0)
    )
)
_POINT_IDENTITY = Deferred(
    lambda: (
        update(identities)
        .where(identities.c.key == bindparam("of"), identities.c.submission == bindparam("old"))
        .values(submission=bindparam("new"), stays=False)
    )
)


def is_new(connection: Connection, new: NewSubmission, name: str) -> Step[bool]:
    """Whether its key was unknown, and is its own now. Either way its files are locked."""
    identity = {"key": new.key, "name": name}
    if connection.dialect.name == "sqlite":  # one writes at a time
        return connection.execute(ADD_IDENTITY, identity).rowcount == 1
    locks = {"locks": locks_of(new)}
    added = connection.execute(_ADD_IDENTITY_AND_LOCK, {**identity, **locks})
    yield
    if added.rowcount == 1:
        return True
    connection.execute(FILES_LOCKED, locks)  # without a row it is not said whether they were
    return False


def point_on(connection: Connection, key: str, old: str, name: str) -> None:
    """Let the key be this submission's. Another node that was faster makes the whole transaction begin anew."""
    if connection.execute(_POINT_IDENTITY, {"of": key, "old": old, "new": name}).rowcount != 1:
        raise IntegrityError("the identity has changed meanwhile", None, RuntimeError(key))
