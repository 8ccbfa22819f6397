"""Whether the service, as systemd starts it, reaches what the configuration names: the commonest trap of a hardened
unit, and of a check that is run by another user.
"""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from watcher.checks.needs import Need
from watcher.checks.unit_file import Unit, read_unit
from watcher.findings import About, some
from watcher.model import Finding

# The first that has the unit wins; drop-ins of all of them count.
FOLDERS = ("/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system")
NAMES = ("invoice-watcher.service", "invoice-watcher@.service")
_ABOUT = About("service")
_SECONDS = 10.0
# It becomes that user after Python has started, which may lie where only root can read.
_TRY = """
import json, os, sys
uid, gid, groups, asked = json.load(sys.stdin)
os.setgroups(groups), os.setgid(gid), os.setuid(uid)
print(json.dumps([os.access(path, mode) for path, mode in asked]))
"""


def service_findings(needs: Sequence[Need], file: Path, *, folders: Sequence[str] = FOLDERS) -> list[Finding]:
    """Nothing where no unit starts the daemon with this configuration; but who checks is told in any case."""
    found = unit_for(os.path.abspath(file), folders)  # noqa: PTH100 - as it is written in the unit
    if found is None:
        return list(_checked_by(None))
    unit, instance = found
    user = unit.user or "root"
    return [*_checked_by(user), *_mounts(unit, instance, needs), *_rights(user, needs)]


def unit_for(file: str, folders: Sequence[str] = FOLDERS) -> tuple[Unit, str] | None:
    """The unit that starts the daemon with this configuration (an absolute path), and its instance ("": none)."""
    for name in NAMES:
        texts = list(_texts(name, folders))
        unit = read_unit(name, texts) if texts else None
        instance = unit.instance_for(file) if unit is not None else None
        if unit is not None and instance is not None:
            return unit, instance
    return None


def _texts(name: str, folders: Sequence[str]) -> Iterator[str]:
    """Of the unit's file, then of its drop-ins by their names."""
    file = next((path for folder in folders if (path := Path(folder) / name).is_file()), None)
    if file is None:
        return
    drop_ins: dict[str, Path] = {}
    for folder in reversed(folders):
        drop_ins.update({path.name: path for path in (Path(folder) / f"{name}.d").glob("*.conf")})
    for path in (file, *(drop_ins[each] for each in sorted(drop_ins))):
        try:
            yield path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue


# ------------------------------------------------------------------------------------------ who checks


def _checked_by(user: str | None) -> Iterator[Finding]:
    me = _login(os.geteuid())
    if user is None and me == "root":
        yield _ABOUT.note(
            "this is checked as root, who may read and write everything",
            "run check as the user that the daemon runs as: runuser -u USER -- invoice-watcher check",
        )
    elif user is not None and me not in ("root", user):
        yield _ABOUT.note(
            f"this is checked as {me}, and the daemon runs as {user}: what they may read and write may differ",
            f"run check as that user: sudo -u {user} invoice-watcher check",
        )
    elif user is not None:
        yield _ABOUT.well(f"the daemon runs as {user}")


def _login(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


# ------------------------------------------------------------------------------------- what it may reach


def _mounts(unit: Unit, instance: str, needs: Sequence[Need]) -> Iterator[Finding]:
    real = {need: os.path.realpath(need.path) for need in needs}
    hidden = [need for need in needs if not unit.sees(real[need], instance)]
    shut = [need for need in needs if need not in hidden and need.writes and not unit.may_write(real[need], instance)]
    if hidden:
        yield _ABOUT.wrong(
            f"{unit.name} hides from the daemon (ProtectHome, PrivateTmp …): {_listed(hidden)}",
            "use another place, such as one below /srv; for homes: systemctl edit, and write ProtectHome=no",
        )
    if shut:
        places = " ".join(dict.fromkeys(real[need] for need in shut))
        yield _ABOUT.wrong(
            f"{unit.name} does not let the daemon write (ProtectSystem, ReadWritePaths): {_listed(shut)}",
            f"systemctl edit {unit.name}, write [Service] and ReadWritePaths={places}, then restart it",
        )


def _listed(needs: Sequence[Need]) -> str:
    return some((f"{need.path} ({need.what})" for need in needs), 6)


def _rights(user: str, needs: Sequence[Need]) -> Iterator[Finding]:
    """As root it can be tried what the daemon's user may; everybody else's own check says it."""
    if os.geteuid() != 0 or user == "root":
        return
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        yield _ABOUT.wrong(f"the user {user} of the unit does not exist", f"make it: useradd --system {user}")
        return
    there = [(need, _existing(need.path)) for need in needs]
    try:
        allowed = _tried(entry, [(path, _mode(need, path)) for need, path in there])
    except (OSError, subprocess.SubprocessError, ValueError):
        yield _ABOUT.note(f"what {user} may read and write could not be tried", f"run check as {user} too")
        return
    barred = [need for (need, _), is_allowed in zip(there, allowed, strict=True) if not is_allowed]
    if barred:
        verbs = "read" if all(not need.writes for need in barred) else "read or write"
        yield _ABOUT.wrong(
            f"the daemon's user {user} may not {verbs}: {_listed(barred)}",
            f"give {user} the right, on every folder above too: chgrp and chmod, or setfacl -m u:{user}:rwX PATH",
        )
    else:
        yield _ABOUT.well(f"{user} may read and write everything that the configuration names")


def _existing(path: str) -> str:
    """The path itself, or the folder that it will be made in."""
    while path != "/" and not os.path.lexists(path):
        path = path.rpartition("/")[0] or "/"
    return path


def _mode(need: Need, path: str) -> int:
    return os.R_OK | (os.W_OK if need.writes else 0) | (os.X_OK if Path(path).is_dir() else 0)


def _tried(entry: pwd.struct_passwd, asked: Sequence[tuple[str, int]]) -> list[bool]:
    """What the kernel says to that user, by a process of theirs: lists of access rights count, too."""
    request = (entry.pw_uid, entry.pw_gid, os.getgrouplist(entry.pw_name, entry.pw_gid), asked)
    done = subprocess.run(  # noqa: S603 - this program's own Python
        [sys.executable, "-I", "-S", "-c", _TRY],
        input=json.dumps(request).encode(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=_SECONDS,
        check=True,
        cwd="/",
        env={},
    )
    answers: list[bool] = json.loads(done.stdout)
    return answers
