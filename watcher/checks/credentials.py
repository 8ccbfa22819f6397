"""The secrets that systemd gives the service ({credential: NAME}), for a check that is started by hand."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from watcher.checks.service_unit import FOLDERS, unit_for

_VARIABLE = "CREDENTIALS_DIRECTORY"
_RUNNING = "/run/credentials"


@contextmanager
def credentials_of_the_unit(file: Path, *, folders: Sequence[str] = FOLDERS, running: str = _RUNNING) -> Iterator[None]:
    """Within it $CREDENTIALS_DIRECTORY is what the unit that reads this configuration has, where one does.

    That is the running service's own, where we may read it; else a folder of links to the files of LoadCredential=. No
    secret is copied. Where the variable is set already, or there is no such unit, nothing changes.
    """
    found = None if _VARIABLE in os.environ else unit_for(os.path.abspath(file), folders)  # noqa: PTH100 - as the unit has it
    if found is None or not any(setting.startswith("LoadCredential") for setting in found[0].settings):
        yield
        return
    unit, instance = found
    of_the_service = Path(running) / unit.name.replace("@.", f"@{instance}.")
    with ExitStack() as stack:
        if not os.access(of_the_service, os.R_OK | os.X_OK):
            links = stack.enter_context(tempfile.TemporaryDirectory(prefix="invoice-watcher-check-"))
            for name, path in unit.credentials(instance):
                (Path(links) / name).symlink_to(path)
            of_the_service = Path(links)
        os.environ[_VARIABLE] = str(of_the_service)
        stack.callback(os.environ.pop, _VARIABLE, None)
        yield
