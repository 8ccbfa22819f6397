"""OpenLDAP's slapd: a real LDAP server, rootless, with a few employees."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.servers.certificates import make_certificate
from tests.support.servers.process import (
    LOOPBACK,
    Process,
    accepts,
    as_servant,
    free_port,
    hand_over,
    program,
    served_folder,
)

BASE = "ou=people,dc=corp,dc=example"
READER = "cn=reader,dc=corp,dc=example"
PASSWORD = "reader's secret"

_CONFIGURATION = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCertificateFile {certificate}
TLSCertificateKeyFile {key}
disallow bind_anon
require authc
database mdb
suffix dc=corp,dc=example
directory {folder}/data
rootdn {reader}
rootpw "{password}"
"""

_DOMAIN = """\
dn: dc=corp,dc=example
objectClass: dcObject
objectClass: organization
o: Corp
dc: corp

dn: ou=people,dc=corp,dc=example
objectClass: organizationalUnit
ou: people
"""

_PERSON = """
dn: uid={uid},ou=people,dc=corp,dc=example
objectClass: inetOrgPerson
uid: {uid}
cn: {uid}
sn: {uid}
mail: {mail}
"""


class Slapd:
    """Serves ``ou=people,dc=corp,dc=example`` in the clear and over TLS of a CA that nobody knows.

    `people` are (uid, mail, employeeNumber, preferredLanguage); the latter two may be empty.
    """

    def __init__(self, people: list[tuple[str, str, str, str]], *, password: str = PASSWORD) -> None:
        self._password = password
        self._program = program("slapd", "slapd")
        self._add = program("slapadd", "slapd")
        self._folder = served_folder("slapd")
        self._people = people
        self._ports = (free_port(), free_port())

    @property
    def url(self) -> str:
        return f"ldap://{LOOPBACK}:{self._ports[0]}"

    @property
    def tls_url(self) -> str:
        return f"ldaps://localhost:{self._ports[1]}"

    @property
    def ca_file(self) -> Path:
        return self._folder / "ca.pem"

    def __enter__(self) -> Self:
        configuration = self._folder / "slapd.conf"
        certificate = make_certificate(self._folder)
        text = _CONFIGURATION.format(
            folder=self._folder,
            certificate=certificate.certificate,
            key=certificate.key,
            reader=READER,
            password=self._password,
        )
        configuration.write_text(text)
        (self._folder / "data").mkdir()
        entries = self._folder / "people.ldif"
        entries.write_text(_DOMAIN + "".join(_entry(*person) for person in self._people))
        for path in (configuration, entries, self._folder / "data"):
            hand_over(path)
        command = as_servant([str(self._add), "-f", str(configuration), "-l", str(entries)])
        subprocess.run(command, check=True, capture_output=True, cwd=self._folder)
        urls = f"{self.url} {self.tls_url}"
        command = as_servant([str(self._program), "-d", "0", "-f", str(configuration), "-h", urls])
        self._process = Process(command, log=self._folder / "slapd.log")
        self._process.wait_until(lambda: all(accepts(port) for port in self._ports))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.stop()
        shutil.rmtree(self._folder, ignore_errors=True)


def _entry(uid: str, mail: str, number: str, language: str) -> str:
    text = _PERSON.format(uid=uid, mail=mail)
    text += f"employeeNumber: {number}\n" if number else ""
    return text + (f"preferredLanguage: {language}\n" if language else "")
