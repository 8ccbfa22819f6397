"""How things stand, in one line for whoever types `systemctl status`."""

from __future__ import annotations

from collections.abc import Mapping

from watcher.model import Gate

_MOST_NAMED = 3


def state_line(failures: Mapping[str, str | None], gate: Gate) -> str:
    """``ready: 2 sources; gate open``. `failures` has every source, with what its last look failed by."""
    failing = {name: failure for name, failure in failures.items() if failure}
    said = [f"ready: {len(failures)} source{'s' if len(failures) != 1 else ''}"]
    if failing:
        named = [f"{name} ({failure})" for name, failure in list(failing.items())[:_MOST_NAMED]]
        said.append(f"{len(failing)} in trouble: {', '.join(named)}")
    said.append("gate open" if gate.open else f"gate closed: {gate.reason}")
    return "; ".join(said)
