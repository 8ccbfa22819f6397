"""An S3 object store: moto's server, in a process of its own."""

from __future__ import annotations

import secrets
import sys
import urllib.parse
import xml.etree.ElementTree as ET

import requests

from tests.support.servers.process import LOOPBACK, Process, Served, accepts, free_port, program, served_folder

_NAMESPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"


class S3(Served):
    """Buckets in memory, at `endpoint`, by path (``endpoint/bucket/key``). Any key pair is let in."""

    region = "us-east-1"
    access_key_id = "AKIAIOSFODNN7EXAMPLE"
    secret_access_key = "example-secret"

    def __init__(self) -> None:
        self.port = free_port()
        self.endpoint = f"http://{LOOPBACK}:{self.port}"
        self.folder = served_folder("s3")
        self._process: Process | None = None

    def start(self) -> None:
        """Serve, on the same port as before, without any bucket."""
        # The interpreter may lie where nobody but us may read, so this server is not handed to the servant.
        command = [str(program("setpriv", "util-linux")), "--pdeathsig=TERM", sys.executable, "-m", "moto.server"]
        self._process = Process([*command, "-H", LOOPBACK, "-p", str(self.port)], log=self.folder / "output.log")
        self._process.wait_until(lambda: accepts(self.port), timeout=60)

    def stop(self) -> None:
        """Refuse connections; what was stored is gone."""
        if self._process is not None:
            self._process.stop()
        self._process = None

    def bucket(self) -> str:
        """The name of a new, empty one."""
        name = f"bucket-{secrets.token_hex(4)}"
        self._request("PUT", name)
        return name

    def keys(self, bucket: str) -> list[str]:
        """What a bucket has."""
        listing = ET.fromstring(self._request("GET", f"{bucket}?list-type=2").content)
        return sorted(str(key.text) for key in listing.iter(f"{_NAMESPACE}Key"))

    def get(self, bucket: str, key: str) -> bytes:
        """One object."""
        return self._request("GET", f"{bucket}/{urllib.parse.quote(key)}").content

    def _request(self, method: str, path: str) -> requests.Response:
        # Without any signature it is as closed as a private bucket is; what the signature says is not looked at.
        headers = {"Authorization": f"AWS {self.access_key_id}:unchecked"}
        answer = requests.request(method, f"{self.endpoint}/{path}", headers=headers, timeout=30)
        answer.raise_for_status()
        return answer
