"""The recognition endpoint as its documentation (api/ocrSyncWithConfig.txt) has it: faithful and strict.

    with Endpoint(latency=1.0) as endpoint:
        endpoint.behave(status=503, retry_after=5, times=1)
        ... post to endpoint.url ...
        assert [request.outcome for request in endpoint.requests] == ["misbehaved", "booked"]

It also has the platform's token route and its upload route, and takes the same orders over HTTP:
POST /sandbox/behave, DELETE /sandbox/behave, GET /sandbox/requests, GET /sandbox/bookings.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from watcher.sandbox.endpoint_answers import answer, plain_json
from watcher.sandbox.endpoint_behaviour import Route, Rules, behaviour_from
from watcher.sandbox.endpoint_http import Connection, HttpAnswer, HttpRequest, HttpServer
from watcher.sandbox.endpoint_ledger import Ledger, Received
from watcher.sandbox.endpoint_platform import PlatformRoutes, Tokens
from watcher.sandbox.endpoint_recognition import RecognitionRoute
from watcher.sandbox.endpoint_rules import read_json
from watcher.sandbox.endpoint_upload import Upload

RECOGNITION_PATH = "/common/InvoiceOCR/ocrSyncWithConfig"
TOKEN_PATH = "/common/unAuth/tokens/get"  # noqa: S105 - an address
UPLOAD_PATH = "/common/files/upload"
CLIENT_ID = "sandbox"
CLIENT_SECRET = "sandbox-secret"  # noqa: S105 - it is meant to be known


class Endpoint:
    """A server in a thread of its own, from `start` (or `with`) to `stop`.

    `latency` is seconds, or a range; `token` whether a valid one is wanted in the header `access_token`;
    `log` a file that gets one JSON line for each request.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        latency: float | tuple[float, float] = 0.0,
        token: bool = False,
        token_seconds: int = 7200,
        client_id: str = CLIENT_ID,
        client_secret: str = CLIENT_SECRET,
        log: Path | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._rules = Rules()
        self._ledger = Ledger(log)
        self._tokens = Tokens(wanted=token, seconds=token_seconds, client=(client_id, client_secret))
        self._server = HttpServer(self._respond, host=host, port=port, tls=tls)
        self._base = f"{'https' if tls else 'http'}://{host}:{self._server.port}"
        later = self._server.loop.call_later
        self._platform = PlatformRoutes(self._rules, self._tokens, later)
        self._recognition = RecognitionRoute(self._rules, self._ledger, self._tokens, later, latency)
        self._routes: dict[tuple[str, str], Callable[[HttpRequest, Connection], None]] = {
            ("POST", RECOGNITION_PATH): self._recognition.recognise,
            ("GET", TOKEN_PATH): self._platform.give_token,
            ("POST", UPLOAD_PATH): self._platform.upload,
            ("POST", "/sandbox/behave"): self._control,
            ("DELETE", "/sandbox/behave"): self._control,
            ("GET", "/sandbox/requests"): self._show,
            ("GET", "/sandbox/bookings"): self._show,
        }

    def start(self) -> Self:
        self._server.start()
        return self

    def stop(self) -> None:
        """Cut all connections; what is under way is never answered."""
        self._server.stop()
        self._ledger.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_error: object) -> None:
        self.stop()

    @property
    def base_url(self) -> str:
        return self._base

    @property
    def url(self) -> str:
        """Of the recognition route."""
        return self._base + RECOGNITION_PATH

    @property
    def token_url(self) -> str:
        return self._base + TOKEN_PATH

    @property
    def upload_url(self) -> str:
        return self._base + UPLOAD_PATH

    @property
    def requests(self) -> tuple[Received, ...]:
        """Every POST to the recognition route that has been dealt with, in the order of their ends."""
        return self._ledger.requests

    @property
    def bookings(self) -> dict[str, tuple[int, ...]]:
        """Expense ids by bizId, of all that was booked, answered or not."""
        return self._ledger.bookings

    @property
    def under_way(self) -> int:
        """Recognition requests that came and are not dealt with yet."""
        return self._ledger.under_way

    @property
    def most_at_once(self) -> int:
        """How many recognition requests were under way together, at most."""
        return self._ledger.most_at_once

    @property
    def uploads(self) -> tuple[Upload, ...]:
        return tuple(self._platform.uploads)

    @property
    def tokens(self) -> tuple[str, ...]:
        """Given and not revoked."""
        return self._tokens.valid

    @property
    def token_requests(self) -> int:
        return self._tokens.asked

    @property
    def connections(self) -> int:
        """How many were accepted so far."""
        return self._server.accepted

    def behave(
        self, *, pattern: str | None = None, times: int | None = None, on: Route = "recognition", **values: Any
    ) -> None:
        """Misbehave (Behaviour's fields) for attachment URLs like `pattern` (* and ?), for the next `times`.

        The newest order that fits a request decides; `reset` takes all back. Raises ValueError.
        """
        self._rules.add(behaviour_from(values), on, pattern, times)

    def reset(self) -> None:
        """Be faithful again, also to what is held; bookings and log stay."""
        self._rules.clear()
        self.release()

    def release(self) -> None:
        """What is `held` is dealt with now, and nothing is held from now on."""
        self._rules.release()
        self._server.loop.call_soon_threadsafe(self._recognition.release)

    def revoke_tokens(self) -> None:
        """From now on every token given so far is refused."""
        self._tokens.revoke()

    def wait_until(self, holds: Callable[[Endpoint], bool], timeout: float = 10.0) -> bool:
        """Whether it came to hold within `timeout` seconds; looked at after every request's begin and end."""
        return self._ledger.wait_until(lambda: holds(self), timeout)

    # ------------------------------------------------------------------------------- routing

    def _respond(self, request: HttpRequest, connection: Connection) -> None:
        route = self._routes.get((request.method, request.path))
        if route is not None:
            route(request, connection)
            return
        allowed = [method for method, path in self._routes if path == request.path]
        if not allowed:
            connection.reply(answer(404, 404000, "接口不存在"))
        elif request.method == "OPTIONS":
            connection.reply(HttpAnswer(status=204, headers={"Allow": ", ".join(allowed)}))
        else:
            connection.reply(answer(405, 405000, "请求方法不支持", Allow=", ".join(allowed)))

    # ------------------------------------------------------------------------------- control

    def _control(self, request: HttpRequest, connection: Connection) -> None:
        try:
            if request.method == "DELETE":
                self.reset()
            else:
                self.behave(**read_json(request.body))
        except (ValueError, TypeError) as error:
            connection.reply(plain_json(400, {"error": str(error)}))
        else:
            connection.reply(plain_json(200, {}))

    def _show(self, request: HttpRequest, connection: Connection) -> None:
        if request.path.endswith("/bookings"):
            connection.reply(plain_json(200, self.bookings))
        else:
            connection.reply(plain_json(200, [received.as_json() for received in self.requests]))
