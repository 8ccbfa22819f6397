"""The child that sends one message with apprise. It reads a JSON object and writes one, `{"ok": …, "said": …}`.

With a text it sends it; without, it says which service the address is of. What it says has nothing of the address.
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
import signal
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from watcher.alerts.answers import refusal
from watcher.seclusion import seclude

if TYPE_CHECKING:
    from apprise import NotifyBase

_MARGIN_SECONDS = 5  # the parent ends this process sooner; should it have died, this one ends by itself
_SHORTEST_SECRET = 6


def main() -> None:
    """Standard input to standard output."""
    seclude()
    request = json.load(sys.stdin)
    signal.alarm(round(request["seconds"]) + _MARGIN_SECONDS)
    logging.disable()
    with contextlib.redirect_stdout(sys.stderr):  # what a plugin prints is no answer of ours
        ok, said = _answered(request)
    json.dump({"ok": ok, "said": _without(request["url"], said)}, sys.stdout)


def _answered(request: Mapping[str, Any]) -> tuple[bool, str]:
    service = _service(request["url"])
    if service is None:
        return False, "apprise does not know such an address"
    if "text" not in request:
        return True, str(service.service_name)
    return _sent(service, request)


def _service(url: str) -> NotifyBase | None:
    from apprise import Apprise, AppriseAsset, NotifyBase

    asset = AppriseAsset(async_mode=False, app_id="invoice-watcher", app_desc="invoice-watcher", app_url="")
    service = Apprise.instantiate(url, asset=asset, suppress_exceptions=True)
    return service if isinstance(service, NotifyBase) else None


def _sent(service: NotifyBase, request: Mapping[str, Any]) -> tuple[bool, str]:
    from apprise import NotifyFormat, NotifyType

    heard = _listen()
    kind = NotifyType.SUCCESS if request["good"] else NotifyType.WARNING
    try:
        ok = service.notify(
            body=request["text"], title=request["subject"], notify_type=kind, body_format=NotifyFormat.TEXT
        )
    except Exception as error:  # noqa: BLE001 - a plugin of somebody else's
        return False, f"{service.service_name}: {type(error).__name__}"
    return bool(ok), str(service.service_name) if ok else f"{service.service_name}: {heard[-1] if heard else 'failed'}"


def _listen() -> list[str]:
    """Have every request of this process heard: apprise itself tells neither why one failed nor what robots refuse."""
    import requests

    heard: list[str] = []

    class Listening(requests.Session):
        def request(self, *arguments: Any, **options: Any) -> requests.Response:
            try:
                response = super().request(*arguments, **options)
            except requests.RequestException as error:
                heard.append(f"no answer ({type(error).__name__})")
                raise
            heard.append(f"answered {response.status_code}")
            if refused := refusal(response.url, response.content):
                heard.append(refused)
                raise requests.RequestException
            return response

    requests.sessions.Session = Listening  # type: ignore[misc]
    return heard


def _without(url: str, said: str) -> str:
    """Whatever may be a key or a token of the address is struck out."""
    for piece in re.findall(rf"[A-Za-z0-9]{{{_SHORTEST_SECRET},}}", url):
        said = re.sub(re.escape(piece), "***", said, flags=re.IGNORECASE)
    return said
