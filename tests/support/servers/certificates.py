"""A certificate authority of our own, and a certificate of it for the loopback interface."""

from __future__ import annotations

import os
import ssl
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.support.servers.process import hand_over, program

_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-days", "30"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """Files in PEM; `certificate` is for localhost and 127.0.0.1 and signed by the one in `ca_file`."""

    ca_file: Path
    certificate: Path
    key: Path

    def server_context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context

    def client_context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.ca_file))


def make_certificate(folder: Path, names: Sequence[str] = ()) -> Certificate:
    """Write an authority and a certificate into `folder`, good enough for the strict checks of Python 3.13.

    `names` are further hosts that the certificate is for.
    """
    made = Certificate(ca_file=folder / "ca.pem", certificate=folder / "server.pem", key=folder / "server.key")
    ca_key = folder / "ca.key"
    _openssl(
        folder, *_KEY, "-subj", "/CN=Test authority", "-keyout", str(ca_key), "-out", str(made.ca_file),
        *_extensions("critical,CA:TRUE", "critical,keyCertSign,cRLSign"),
    )  # fmt: skip
    _openssl(
        folder, *_KEY, "-subj", "/CN=localhost", "-CA", str(made.ca_file), "-CAkey", str(ca_key),
        "-keyout", str(made.key), "-out", str(made.certificate),
        *_extensions("critical,CA:FALSE", "critical,digitalSignature"),
        "-addext", ",".join(["subjectAltName=DNS:localhost,IP:127.0.0.1", *(f"DNS:{name}" for name in names)]),
        "-addext", "extendedKeyUsage=serverAuth",
    )  # fmt: skip
    for path in (made.ca_file, made.certificate, made.key):
        hand_over(path)
    return made


def another_certificate(
    authority: Certificate, name: str, *, host: str, days: float = 30, expired: bool = False
) -> Certificate:
    """A certificate of the same authority for one host, in files beside it; valid for `days` more, or `expired`."""
    folder = authority.ca_file.parent
    issuer = x509.load_pem_x509_certificate(authority.ca_file.read_bytes())
    signing = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), password=None)
    assert isinstance(signing, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    until = datetime.now(UTC) + timedelta(days=-1 if expired else days)
    made = (
        x509.CertificateBuilder(issuer_name=issuer.subject, subject_name=x509.Name([]), public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(until - timedelta(days=30))
        .not_valid_after(until)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()), critical=False)
        .sign(signing, hashes.SHA256())
    )
    files = Certificate(ca_file=authority.ca_file, certificate=folder / f"{name}.pem", key=folder / f"{name}.key")
    files.certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    files.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, *form))
    return files


def _extensions(constraints: str, usage: str) -> list[str]:
    return ["-addext", f"basicConstraints={constraints}", "-addext", f"keyUsage={usage}"]


def _openssl(folder: Path, *arguments: str) -> None:
    # A configuration of our own, lest that of the machine adds extensions a second time.
    settings = folder / "openssl.cnf"
    settings.write_text("[req]\ndistinguished_name = name\n[name]\n")
    command = [str(program("openssl", "openssl")), "req", "-x509", "-config", str(settings), *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={"PATH": os.environ.get("PATH", "")}
    )
    assert done.returncode == 0, done.stderr
