"""The libraries that run us, packed up again: so they can be installed anew, hash-checked, without a network."""

from __future__ import annotations

import hashlib
import re
import zipfile
from importlib.metadata import PackageNotFoundError, PackagePath, distribution
from pathlib import Path

_OF_THE_INSTALLER = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")


def pack(lock: Path, folder: Path) -> str:
    """Put a wheel of everything in a lock that is installed here into `folder`; the lock for these wheels."""
    names = re.findall(r"^([\w.-]+)==", lock.read_text(encoding="utf-8"), re.MULTILINE)
    return "".join(f"{line}\n" for name in names if (line := _packed(name, folder)))


def _packed(name: str, folder: Path) -> str | None:
    try:
        installed = distribution(name)
    except PackageNotFoundError:  # it is for other systems
        return None
    files = installed.files or []
    (described,) = (path for path in files if path.name == "WHEEL" and len(path.parts) == 2)
    wheel = folder / f"{name.replace('-', '_')}-{installed.version}-{_tag(described)}.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path in files:
            if _is_of_the_wheel(path):
                archive.write(str(installed.locate_file(path)), str(path))
        archive.writestr(str(described.parent / "RECORD"), "")
    return f"{name}=={installed.version} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}"


def _tag(described: PackagePath) -> str:
    """Several tags stand in the name as one: py2.py3-none-any."""
    tags = [tag.split("-") for tag in re.findall(r"^Tag: (\S+)", described.read_text(), re.MULTILINE)]
    return "-".join(".".join(dict.fromkeys(part)) for part in zip(*tags, strict=True))


def _is_of_the_wheel(path: PackagePath) -> bool:
    return ".." not in path.parts and path.suffix != ".pyc" and path.name not in _OF_THE_INSTALLER
