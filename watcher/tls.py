"""TLS to servers whose certificates the system's authorities vouch for, or those of a company of its own."""

from __future__ import annotations

import os
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

# What OpenSSL makes, by its versions, of a greeting in plain text.
_NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG")
_RENEWAL = timedelta(days=14)  # authorities that renew by themselves do so a month before the end


class UnusableAuthorities(ValueError):
    """The file with the authorities cannot be used; `str()` names it and says why."""


def trusting(ca_file: Path | None) -> ssl.SSLContext:
    """A client's context that believes the file's authorities alone, else the system's. Raises UnusableAuthorities."""
    return _context(cafile=None if ca_file is None else str(ca_file))


def trusting_on_the_web(ca_file: Path | None) -> ssl.SSLContext:
    """`trusting` for HTTP. Without a file what $REQUESTS_CA_BUNDLE or $CURL_CA_BUNDLE names counts, a file or folder;
    else the system's authorities and those that come with requests, because slim systems have none.
    """
    bundle = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    if ca_file is None and bundle:
        return _context(**{"capath" if Path(bundle).is_dir() else "cafile": bundle})
    context = trusting(ca_file)
    if ca_file is None:
        from requests.utils import DEFAULT_CA_BUNDLE_PATH

        context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
    return context


def require_authorities(ca_file: Path) -> Path:
    """The same file. Raises UnusableAuthorities where it has no certificate that can be used."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(ca_file)
    except OSError as error:
        raise _unusable(str(ca_file), error) from error
    return ca_file


def distrust(error: BaseException) -> str | None:
    """Why a server's certificate was not believed, in OpenSSL's words; None where something else went wrong."""
    refused = next((cause for cause in causes(error) if isinstance(cause, ssl.SSLCertVerificationError)), None)
    return None if refused is None else refused.verify_message


def speaks_no_tls(error: BaseException) -> bool:
    """Whether what a server said at once was no TLS: it wants STARTTLS at this port, or has none."""
    return any(isinstance(cause, ssl.SSLError) and cause.reason in _NO_TLS for cause in causes(error))


def trust_advice(place: str) -> str:
    """What an administrator does about it; `place` is where a private authority is named."""
    return f"let the server show a valid certificate of its name; where a private authority vouches, name it in {place}"


def ends_at(connection: object) -> datetime | None:
    """Until when the certificate is valid that the server has shown on a live TLS connection; None without TLS."""
    shown = connection.getpeercert() if isinstance(connection, ssl.SSLSocket) else None
    ending = (shown or {}).get("notAfter")
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(ending), UTC) if isinstance(ending, str) else None


def ends_soon(ending: datetime | None, now: datetime) -> str | None:
    """What to say of a certificate that is to be renewed: it has less than 14 days left. None: nothing."""
    if ending is None or ending - now >= _RENEWAL:
        return None
    return f"its certificate is valid for {max((ending - now).days, 0)} days more, until {ending:%Y-%m-%d %H:%M} UTC"


RENEW = "have the server's certificate renewed: after that day every connection fails"


def causes(error: BaseException | None) -> list[BaseException]:
    """An error and what it came from, wherever the libraries have put that."""
    found: list[BaseException] = []
    waiting: list[Any] = [error]
    while waiting:
        current = waiting.pop(0)
        if isinstance(current, BaseException) and current not in found:
            found.append(current)
            waiting += [current.__cause__, current.__context__, getattr(current, "reason", None), *current.args]
    return found


def _context(*, cafile: str | None = None, capath: str | None = None) -> ssl.SSLContext:
    """It verifies certificate and host name."""
    try:
        context = ssl.create_default_context(cafile=cafile, capath=capath)
    except OSError as error:
        raise _unusable(cafile or capath or "", error) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # whatever the system's OpenSSL lets pass
    return context


def _unusable(named: str, error: OSError) -> UnusableAuthorities:
    reason = "there is no certificate in it" if isinstance(error, ssl.SSLError) else error.strerror
    return UnusableAuthorities(f"ca_file {named} cannot be used: {reason or type(error).__name__}")
