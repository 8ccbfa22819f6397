"""An LDAP server or Active Directory that knows the employees (`directory.ldap`)."""

from __future__ import annotations

import importlib
import ssl
import warnings
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from watcher.config.sections import LdapDirectory
from watcher.errors import ConfigurationError, DirectoryUnavailable
from watcher.model import Finding, Person
from watcher.people.entries import code_of, language_of
from watcher.tls import UnusableAuthorities, distrust, trust_advice, trusting

if TYPE_CHECKING:
    import ldap3

_NOBODY = "nobody@invalid.invalid"
_CONNECT_SECONDS, _RECEIVE_SECONDS = 5, 10
_NO_SUCH_OBJECT = "noSuchObject"
_FOUND = ("success", "sizeLimitExceeded")


class LdapServer:
    """A connection for each look-up. An address that belongs to two different employee numbers belongs to nobody."""

    def __init__(self, section: LdapDirectory) -> None:
        self._library = _library()
        self._section = section

    @property
    def subject(self) -> str:
        return "directory over LDAP"

    def find(self, address: str) -> Person | None:
        found = [person for entry in self._entries(address) if (person := self._person(entry)) is not None]
        return found[0] if len({person.user_code for person in found}) == 1 else None

    def check(self) -> list[Finding]:
        try:
            self.find(_NOBODY)
        except DirectoryUnavailable as error:
            mend = "look at directory.ldap: url, bind_dn, password, base and filter"
            if distrust(error) is not None:
                mend = trust_advice("directory.ldap.ca_file")
            return [Finding(subject=self.subject, ok=False, message=str(error), mend=mend)]
        return [Finding(subject=self.subject, ok=True, message="the server answers")]

    def _person(self, entry: dict[str, list[Any]]) -> Person | None:
        code = code_of(_first(entry, self._section.user_code))
        language = language_of(_first(entry, self._section.language or ""))
        return None if code is None else Person(user_code=code, language=language)

    def _entries(self, address: str) -> list[dict[str, list[Any]]]:
        """The wanted attributes of what fits the filter. Raises DirectoryUnavailable."""
        from ldap3.core.exceptions import LDAPException
        from ldap3.utils.conv import escape_filter_chars

        wanted = [name for name in (self._section.user_code, self._section.language) if name]
        asked = self._section.filter.replace("{address}", escape_filter_chars(address))
        trust = _Trust(self._section.ca_file)
        try:
            connection = self._connection(self._tls(trust))
            try:
                connection.search(self._section.base, asked, attributes=wanted, size_limit=10)
                return _answers(connection)
            finally:
                connection.unbind()
        except (LDAPException, OSError, ValueError) as error:
            cause = trust.refusal or error  # ldap3 keeps the text alone of what went wrong
            raise DirectoryUnavailable(f"the LDAP server failed ({_described(cause)})") from cause

    def _tls(self, trust: _Trust) -> ldap3.Tls:
        """ldap3's own checks host names by a function that Python has given up."""
        tls: ldap3.Tls = self._library.Tls(validate=ssl.CERT_REQUIRED)
        tls.wrap_socket = trust.wrap_socket
        return tls

    def _connection(self, tls: ldap3.Tls) -> ldap3.Connection:
        library, section = self._library, self._section
        server = library.Server(section.url, tls=tls, get_info=library.NONE, connect_timeout=_CONNECT_SECONDS)
        password = section.password.reveal() if section.password is not None else None
        connection: ldap3.Connection = library.Connection(
            server,
            user=section.bind_dn,
            password=password,
            read_only=True,
            auto_referrals=False,  # it would log in with our password wherever the answer points
            receive_timeout=_RECEIVE_SECONDS,
        )
        try:
            connection.bind()
        finally:
            if not connection.bound and connection.socket is not None:
                connection.socket.close()  # ldap3 leaves it open where it could not connect
        if not connection.bound:
            said = connection.result["description"]
            raise DirectoryUnavailable(f"the LDAP server refuses the login ({said})")
        return connection


class _Trust:
    """For one connection: TLS as everywhere else in this program."""

    def __init__(self, ca_file: Path | None) -> None:
        self._ca_file = ca_file
        self.refusal: ValueError | ssl.SSLError | None = None

    def wrap_socket(self, connection: ldap3.Connection, do_handshake: bool = True) -> None:  # noqa: FBT001, FBT002 - ldap3's signature
        """Puts a socket that speaks TLS in the place of the plain one."""
        try:
            connection.socket = trusting(self._ca_file).wrap_socket(
                connection.socket, server_hostname=connection.server.host, do_handshake_on_connect=do_handshake
            )
        except (UnusableAuthorities, ssl.SSLError) as error:
            self.refusal = error
            raise


def _described(error: Exception) -> str:
    if isinstance(error, UnusableAuthorities):
        return str(error)
    if (why := distrust(error)) is not None:
        return f"its certificate is not trusted: {why}"
    return type(error).__name__


def _library() -> ModuleType:
    """ldap3, which is an extra. Raises ConfigurationError where it is not installed."""
    try:
        with warnings.catch_warnings():
            # ldap3 2.9.1, the last one, imports pyasn1 by names that are going out of use.
            warnings.simplefilter("ignore", DeprecationWarning)
            return importlib.import_module("ldap3")
    except ImportError as error:
        told = "directory.ldap: needs the package ldap3: install invoice-watcher[ldap]"
        raise ConfigurationError([told]) from error


def _answers(connection: ldap3.Connection) -> list[dict[str, list[Any]]]:
    result = connection.result["description"]
    if result == _NO_SUCH_OBJECT:
        raise DirectoryUnavailable("the LDAP server has no entry of that base")
    if result not in _FOUND:
        raise DirectoryUnavailable(f"the LDAP server refuses the search ({result})")
    # References to other servers are passed over.
    return [answer["raw_attributes"] for answer in connection.response or [] if answer["type"] == "searchResEntry"]


def _first(entry: dict[str, list[Any]], attribute: str) -> str | None:
    """An attribute's first value as text, whatever way the server spells its name."""
    for name, values in entry.items():
        if name.lower() == attribute.lower() and values:
            return bytes(values[0]).decode("utf-8", "replace")
    return None
