"""`/livez` and `/readyz`, for supervisors and load balancers: no password is asked."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from flask import Blueprint, Response, jsonify


def blueprint(*, late: Callable[[], list[str]], missing: Callable[[], list[str]]) -> Blueprint:
    """`late` names the workers that give no sign of life, `missing` says why the daemon is not ready.

    What is missing is told by kind alone: the words of servers and databases are not for everybody.
    """
    health = Blueprint("health", __name__)

    @health.get("/livez")
    def livez() -> tuple[Response, int]:
        names = late()
        return jsonify(alive=not names, late=names), _status(well=not names)

    @health.get("/readyz")
    def readyz() -> tuple[Response, int]:
        lacking = missing()
        return jsonify(ready=not lacking, missing=lacking), _status(well=not lacking)

    return health


def _status(*, well: bool) -> int:
    return HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE
