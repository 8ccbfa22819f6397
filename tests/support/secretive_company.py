"""A company whose configuration has a canary in every secret, and servers that repeat what they are told."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.canaries import Canaries, every_form
from tests.support.servers.echoing import Answer, EchoingWorld
from tests.support.servers.process import free_port
from tests.support.servers.slapd import BASE, READER
from tests.support.waiting import wait_for
from tests.support.workplace import COMMAND, Workplace, environment, pdf


@dataclass(kw_only=True)
class Company:
    """Servers, and a configuration with a canary in every secret; `said` is all that came of it."""

    workplace: Workplace
    canaries: Canaries
    world: EchoingWorld
    said: dict[str, bytes] = field(default_factory=dict)

    def command(self, *arguments: str) -> str:
        """Its standard output; everything is kept."""
        done = subprocess.run(
            [COMMAND, "--config", self.workplace.config_file, *arguments],
            capture_output=True,
            env=self.environment(),
            timeout=120,
            check=False,
        )
        self.said[" ".join(arguments) + f" #{len(self.said)}"] = done.stdout + done.stderr
        return done.stdout.decode()

    def environment(self) -> dict[str, str]:
        temporary = self.workplace.root / "tmp"
        temporary.mkdir(exist_ok=True)
        return {**environment(), **self.canaries.environment, "TMPDIR": str(temporary)}

    def run_until(self, ready: Callable[[str], bool]) -> None:
        """The daemon, until what it has logged is `ready`; then what commands tell beside it, and its end."""
        log = self.workplace.root / "daemon.log"
        with log.open("wb") as output:
            command: list[str | Path] = [COMMAND, "--config", self.workplace.config_file, "run"]
            process = subprocess.Popen(command, stdout=output, stderr=output, env=self.environment())
            try:
                wait_for(
                    lambda: self._look(process.pid) or ready(log.read_text()),
                    90,
                    "what is waited for in the log",
                    every=0.2,
                )
                self._ask()
            finally:
                process.terminate()
                assert process.wait(60) == 0

    def _ask(self) -> None:
        """What people ask beside the daemon, who may see more than they should."""
        listed = [json.loads(line) for line in self.command("list", "--json").splitlines()]
        self.command("status")
        for submission, form in zip(listed, ((), ("--json",)), strict=False):
            self.command("show", submission["id"], *form)
        if listed:
            self.command("retry", listed[0]["id"])
        for path in self.workplace.root.glob("journal.db*"):  # the -wal goes when the daemon does
            self.said[f"{path.name} while the daemon runs"] = path.read_bytes()

    def _look(self, daemon: int) -> bool:
        """What others see of the daemon and its children; False."""
        for process in [daemon, *_children(daemon)]:
            with contextlib.suppress(OSError):
                self.said[f"cmdline of {process}"] = Path(f"/proc/{process}/cmdline").read_bytes()
                if process != daemon:
                    self.said[f"environ of {process}"] = Path(f"/proc/{process}/environ").read_bytes()
        return False

    def files(self, folder: str) -> list[Path]:
        """All that lies in done or error by now."""
        return [path for path in (self.workplace.root / folder).rglob("*") if path.is_file()]

    def left_behind(self) -> Mapping[str, bytes]:
        """All that was said, and every file but those that hold the secrets by right."""
        root = self.workplace.root
        own = {self.workplace.config_file}
        files = [path for path in root.rglob("*") if path.is_file() and path not in own and "secrets" not in path.parts]
        return self.said | {str(path.relative_to(root)): path.read_bytes() for path in files}


def _children(process: int) -> list[int]:
    found = []
    for place in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(place.read_text().rpartition(")")[2].split()[1]) == process:
                found.append(int(place.parent.name))
    return [*found, *(grandchild for child in found for grandchild in _children(child))]


# --------------------------------------------------------------------------------- the configuration


def _planted(root: Path, first: int, smtp_by: str) -> tuple[Canaries, dict[str, Any]]:
    """A configuration with a canary in every secret that there is, but for where the servers are."""
    canaries = Canaries(root / "secrets", first=first)
    plant = canaries.written

    def oauth2(name: str) -> dict[str, Any]:
        given = {"client_secret": plant(f"{name} client"), "refresh_token": plant(f"{name} refresh")}
        return {"token_url": "http://127.0.0.1:9/oauth", "client_id": "us", **given}

    def mailbox(name: str, **login: Any) -> dict[str, Any]:
        server = {"host": "127.0.0.1", "port": 9, "tls": "none", "verify_sender": False, "poll": "1s"}
        return {"name": name, "username": f"{name}@corp.example", **server, **login}

    keys = {"access_key_id": plant("key id"), "secret_access_key": plant("access key")}
    options = {"bucket": "bucket", "region": "r", "disable_config_load": "true", **keys}
    objects = {"type": "objects", "service": "s3", "attachment_url": "presigned: 1d", "options": options}
    auth = {"token_url": "http://127.0.0.1:9/token", "client_id": "us", "client_secret": plant("client secret")}
    login = {"oauth2": oauth2("smtp oauth")} if smtp_by == "token" else {"password": plant("smtp")}
    return canaries, {
        "recognition": {"headers": {"X-Api-Key": plant("api key")}, "auth": auth, "timeout": "5s"},
        "stores": {
            "default": objects,
            "platform": {"type": "http", "form": {"app_secret": canaries.value("app secret")}},
        },
        "directory": {
            "http": {"headers": {"Authorization": plant("directory header", around="Bearer {}")}},
            "ldap": {"bind_dn": READER, "password": plant("ldap"), "base": BASE},
        },
        "mailboxes": [
            mailbox("by-password", password=plant("imap")),
            mailbox("by-token", oauth2=oauth2("imap oauth")),
        ],
        "web": {"listen": f"127.0.0.1:{free_port()}", "password": plant("web")},
        "alerts": {"urls": [plant("alert", around="json://127.0.0.1:9/{}")], "after": "1s"},
        "smtp": {"host": "127.0.0.1", "port": 9, "tls": "none", "username": "us", "from": "us@corp.example", **login},
    }


@contextlib.contextmanager
def company(
    root: Path, answers: Mapping[str, Callable[[str], Answer]], *, turn: int, smtp_by: str = "password"
) -> Iterator[Company]:
    root.mkdir()
    canaries, config = _planted(root, turn, smtp_by)
    with EchoingWorld(answers, lambda: every_form(canaries.values.values())) as world:
        workplace = Workplace(root / "company", world)  # type: ignore[arg-type] # its address is given below
        workplace.config |= config
        workplace.config["log"] = {"level": "debug", "format": "json" if turn % 2 else "auto"}
        _address(workplace.config, world)
        inboxes = {name: workplace.root / name for name in ("shared", "uploads")}
        for name, store in zip(inboxes, ("default", "platform"), strict=True):
            (inboxes[name] / "903851").mkdir(parents=True)
            targets = {"done": str(workplace.done / name), "error": str(workplace.error / name)}
            workplace.with_folder(name=name, path=str(inboxes[name]), store=store, poll="1s", settle="0s", **targets)
            (inboxes[name] / "903851" / f"{name}.pdf").write_bytes(pdf(name))
        yield Company(workplace=workplace, canaries=canaries, world=world)


def _address(config: dict[str, Any], world: EchoingWorld) -> None:
    config["recognition"] |= {"url": world.url("/ocr"), "retry": {"first": "1s"}}
    config["recognition"]["auth"]["token_url"] = world.url("/token")
    config["stores"]["default"]["options"]["endpoint"] = world.url()
    config["stores"]["platform"]["url"] = world.url("/upload")
    config["directory"]["http"]["url"] = world.url("/hr/{address}")
    config["directory"]["ldap"]["url"] = "ldap://127.0.0.1:9"
    for holder in (*config["mailboxes"], config["smtp"]):
        if "oauth2" in holder:
            holder["oauth2"]["token_url"] = world.url("/oauth")


def issuing(canaries: Canaries, **answers: Callable[[str], Answer]) -> dict[str, Callable[[str], Answer]]:
    """Services that issue tokens, which are canaries too, and say all they know in places that nobody needs."""

    def grant(said: str) -> Answer:
        access, refresh = canaries.value("access token"), canaries.value("next refresh token")
        return 200, {"access_token": access, "expires_in": 3600, "refresh_token": refresh, "error": said}

    def token(said: str) -> Answer:
        return 200, {"resMsg": said, "data": {"access_token": canaries.value("token"), "expires_in": 7200}}

    return {
        "token": token,
        "oauth": grant,
        "hr": lambda said: (200, {"resMsg": said, "data": {"code": "903851", "lang": "en"}}),
        "upload": lambda said: (
            200,
            {"resCode": 200000, "message": said, "data": {"attachment_url": "https://f.example/1"}},
        ),
        "bucket": lambda _said: (200, b""),
        **answers,
    }
