"""Where the configuration is."""

from __future__ import annotations

import os
from pathlib import Path

from watcher.errors import ConfigurationError

_SEARCHED = ("config.yaml", "/etc/invoice-watcher/config.yaml")
_NONE_FOUND = (
    "no configuration: there is no ./config.yaml and no /etc/invoice-watcher/config.yaml; name one with "
    "--config FILE or $INVOICE_WATCHER_CONFIG, or try `invoice-watcher demo`, which needs none"
)


class Place:
    """Where the configuration is, found when it is first asked for."""

    def __init__(self, given: Path | None) -> None:
        self._given = given

    @property
    def path(self) -> Path:
        if self._given is not None:
            return self._given
        if named := os.environ.get("INVOICE_WATCHER_CONFIG"):
            return Path(named)
        for candidate in _SEARCHED:
            if _may_be_there(Path(candidate)):
                return Path(candidate)
        raise ConfigurationError([_NONE_FOUND])


def _may_be_there(candidate: Path) -> bool:
    """Whether it is a file. One of a fixed place that may not be looked at counts as there: reading it says why not."""
    try:
        return candidate.is_file()
    except PermissionError:
        return candidate.is_absolute()
