"""What a systemd unit lets its service read and write, by the text of its files. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

_TRUE = ("1", "yes", "true", "on")
_DIRECTORIES = {
    "StateDirectory": "/var/lib",
    "CacheDirectory": "/var/cache",
    "LogsDirectory": "/var/log",
    "RuntimeDirectory": "/run",
}
_HOMES = ("/home", "/root", "/run/user")
_SYSTEM = {"strict": ("/",), "full": ("/usr", "/boot", "/efi", "/etc")}
_KERNEL = ("/dev", "/proc", "/sys")  # which ProtectSystem=strict leaves as they are


class Unit(Struct, frozen=True):
    """The settings of its [Service] section, each with all its values in their order."""

    name: str
    settings: Mapping[str, Sequence[str]]

    @property
    def user(self) -> str | None:
        return self._last("User")

    @property
    def configuration(self) -> str | None:
        """The file after --config in its command, which may have %i for the name of an instance."""
        words = self._words("ExecStart")
        for option in ("--config", "-c"):
            if option in words[:-1]:
                return words[words.index(option) + 1]
        return next((word.partition("=")[2] for word in words if word.startswith("--config=")), None)

    def instance_for(self, configuration: str) -> str | None:
        """Which instance of the unit reads this configuration: "" of a plain unit, None where none does."""
        named = self.configuration
        if named is None:
            return None
        pattern = "(?P<i>[^/]+)".join(re.escape(part) for part in re.split("%[iI]", named, maxsplit=1))
        found = re.fullmatch(pattern, configuration)
        return None if found is None else found.groupdict().get("i", "")

    def credentials(self, instance: str = "") -> Iterator[tuple[str, str]]:
        """Names, and the files that LoadCredential= takes them from; what it finds by itself is not among them."""
        for word in self._words("LoadCredential"):
            name, _, path = word.partition(":")
            if path.startswith("/") and name and "/" not in name and name not in (".", ".."):
                yield name, path.replace("%i", instance).replace("%I", instance)

    def may_write(self, path: str, instance: str = "") -> bool:
        """Whether its mounts let it; rights are another matter. `path` is absolute and without links."""
        if not self.sees(path, instance):
            return False
        rules = [(place, True) for place in self._writable(instance)]
        rules += [(place, False) for place in self._readonly(instance)]
        # systemd applies the longest path that fits.
        fitting = [(len(place), writes) for place, writes in rules if _lies_in(path, place)]
        return max(fitting)[1] if fitting else True

    def sees(self, path: str, instance: str = "") -> bool:
        """Whether it is what others see there: not hidden, and not a private copy."""
        shown = [*self._writable(instance), *self._paths("ReadOnlyPaths", instance), *self._binds(instance)]
        hidden = list(self._paths("InaccessiblePaths", instance))
        hidden += [place.partition(":")[0] for place in self._paths("TemporaryFileSystem", instance)]
        if self._last("ProtectHome") in (*_TRUE, "tmpfs"):
            hidden += _HOMES
        if self._last("PrivateTmp") in (*_TRUE, "disconnected"):
            hidden += ["/tmp", "/var/tmp"]  # noqa: S108 - names, not files
        fitting = [(len(place), True) for place in shown if _lies_in(path, place) and place != "/"]
        fitting += [(len(place), False) for place in hidden if _lies_in(path, place)]
        return max(fitting)[1] if fitting else True

    def _writable(self, instance: str) -> Iterator[str]:
        yield from self._paths("ReadWritePaths", instance)
        yield from self._paths("BindPaths", instance)
        for setting, base in _DIRECTORIES.items():
            for name in self._paths(setting, instance):
                yield f"{base}/{name.partition(':')[0]}"

    def _binds(self, instance: str) -> Iterator[str]:
        yield from self._paths("BindReadOnlyPaths", instance)

    def _readonly(self, instance: str) -> Iterator[str]:
        protect = self._last("ProtectSystem") or ""
        yield from _SYSTEM.get(protect, ("/usr", "/boot", "/efi") if protect in _TRUE else ())
        yield from self._paths("ReadOnlyPaths", instance)
        yield from self._binds(instance)
        if self._last("ProtectHome") == "read-only":
            yield from _HOMES

    def _paths(self, setting: str, instance: str) -> Iterator[str]:
        """Without the signs before them; of a bind the place where it is seen."""
        for word in self._words(setting):
            bare = word.lstrip("-+!")
            parts = bare.split(":")
            place = parts[1] if setting.startswith("Bind") and len(parts) > 1 else bare
            yield (place.replace("%i", instance).replace("%I", instance).rstrip("/") or "/")

    def _words(self, setting: str) -> list[str]:
        words: list[str] = []
        for value in self.settings.get(setting, ()):
            words = [*words, *_split(value)] if value else []  # an empty one forgets those before it
        return words

    def _last(self, setting: str) -> str | None:
        values = self.settings.get(setting, ())
        return values[-1] or None if values else None


def read_unit(name: str, texts: Sequence[str]) -> Unit:
    """Of the unit's file, and of its drop-ins in their order."""
    settings: dict[str, list[str]] = {}
    for text in texts:
        for key, value in _assignments(text):
            settings.setdefault(key, []).append(value)
    return Unit(name, settings)


def _assignments(text: str) -> Iterator[tuple[str, str]]:
    """Of the section [Service], lines joined that end in a backslash."""
    section = ""
    for line in re.sub(r"\\\n", " ", text).splitlines():
        bare = line.strip()
        if bare.startswith("["):
            section = bare
        elif section == "[Service]" and "=" in bare and not bare.startswith(("#", ";")):
            key, _, value = bare.partition("=")
            yield key.strip(), value.strip()


def _split(value: str) -> list[str]:
    try:
        return shlex.split(value)
    except ValueError:
        return value.split()


def _lies_in(path: str, place: str) -> bool:
    return place in ("/", path) or path.startswith(place + "/")
