"""Work of a folder that dies at a line of its own, in a child of a small process.

To fork a process that has collected all tests takes several times as long, and there are hundreds of lines.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from tests.support.folders import folder_source

_SMALL = multiprocessing.get_context("forkserver")
_SMALL.set_forkserver_preload(["pytest", __name__])
_DIED = 9


def dies_at_line(number: int, root: Path, settings: dict[str, Any], work: str, *arguments: Any) -> bool:
    """Let a new source of a folder do its `work`, a method, and be gone at its n-th line; whether it got that far."""
    child = _SMALL.Process(target=_do_until, args=(number, root, settings, work, arguments))
    child.start()
    child.join()
    assert child.exitcode in (0, _DIED), "the work failed by itself"
    return child.exitcode == _DIED


def _do_until(number: int, root: Path, settings: dict[str, Any], work: str, arguments: tuple[Any, ...]) -> None:
    do = getattr(folder_source(root, **settings), work)
    lines = 0

    def count(frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal lines
        if "/sources/folder/" not in frame.f_code.co_filename:
            return None
        if event == "line":
            lines += 1
            if lines == number:
                os._exit(_DIED)
        return count

    with contextlib.suppress(BaseException):
        sys.settrace(count)
        do(*arguments)
        sys.settrace(None)
        os._exit(0)
    os._exit(1)
