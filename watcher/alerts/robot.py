"""Alerts by apprise: WeCom, DingTalk and Feishu robots, and many more.

Each message is sent by a process of its own, which is ended where it takes too long: apprise waits for some servers
as long as they like, and is loaded in a tenth of a second and 30 MB that the daemon has better uses for. The address
goes to it by a pipe, never by its arguments, and neither it nor apprise's own log is let out.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import watcher
from watcher.config.secret import Secret
from watcher.errors import AlertUnavailable
from watcher.headers import clean
from watcher.model import Finding

_SECONDS = 20.0
_START = "import json, sys; sys.path[:] = json.loads(sys.argv.pop()); from watcher.alerts.sending import main; main()"
# What of the environment says how the world is reached; the rest of it is none of apprise's business.
_PASSED_ON = re.compile(
    r"(https?|all|no)_proxy|SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|TZ", re.IGNORECASE
)
_MEND = (
    "write an apprise URL, such as wecombot://KEY, dingtalk://SECRET@TOKEN or feishu://TOKEN, with the key or token "
    "from the end of the robot's webhook address"
)


class RobotChannel:
    """`ports.AlertChannel` for one of `alerts.urls`."""

    def __init__(self, url: Secret, *, place: str, seconds: float = _SECONDS) -> None:
        """`place` is where it stands in the configuration; a message is given up after so many seconds."""
        self._url = url
        self._place = place
        self._seconds = seconds

    @property
    def name(self) -> str:
        return self._place

    def tell(self, subject: str, text: str, *, good: bool) -> None:
        """Raises AlertUnavailable."""
        self._ask({"subject": subject, "text": text, "good": good})

    def check(self) -> list[Finding]:
        """Whether apprise knows what to do with the address."""
        try:
            service = self._ask({})
        except AlertUnavailable as problem:
            return [Finding(subject=self._place, ok=False, message=str(problem), mend=_MEND)]
        return [
            Finding(subject=self._place, ok=True, message=f"{service}: the address is well formed; nothing is sent")
        ]

    def _ask(self, message: dict[str, object]) -> str:
        """What the child says of it. Raises AlertUnavailable."""
        try:
            url = self._url.reveal()
        except ValueError as error:
            raise AlertUnavailable(str(error)) from error
        answer = _answer_of({"url": url, "seconds": self._seconds, **message}, self._seconds)
        said = clean(str(answer.get("said")), 200)
        if answer.get("ok") is not True:
            raise AlertUnavailable(said)
        return said


def _answer_of(request: dict[str, object], seconds: float) -> dict[str, Any]:
    paths = [str(Path(watcher.__file__).resolve().parent.parent), *filter(None, sys.path)]
    try:
        ended = subprocess.run(  # noqa: S603 - this program itself
            [sys.executable, "-I", "-S", "-c", _START, json.dumps(paths)],
            input=json.dumps(request).encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
            check=True,
            env={name: value for name, value in os.environ.items() if _PASSED_ON.fullmatch(name)},
            cwd="/",
            start_new_session=True,
        )
        answer: dict[str, Any] = json.loads(ended.stdout)
    except subprocess.TimeoutExpired:
        raise AlertUnavailable(f"no answer within {seconds:.0f} s") from None  # the cause has the address
    except (OSError, subprocess.CalledProcessError, ValueError) as error:
        raise AlertUnavailable(f"the process that sends alerts failed: {type(error).__name__}") from None
    return answer
