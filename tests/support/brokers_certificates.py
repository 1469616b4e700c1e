"""Certificates for a broker and its clients with every fault that they may have."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

pytest.importorskip("cryptography", reason="the extra fleet is not installed")

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from edge_agent.enrol.certificates import certificate_pem, distinguished_name, key_pem

DAY = timedelta(days=1)


@dataclass
class TestAuthority:
    """An authority that signs whatever a test wants, in a folder of its own.

    Args:
        folder: Where its files go; it is made.
        name: Its common name.
        begins: From how many days from now on its own certificate is valid.
        ends: Until how many days from now.
    """

    __test__ = False

    folder: Path
    name: str = "test-ca"
    begins: float = -400
    ends: float = 400

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.revoked: list[int] = []
        builder = self._builder(self.name, self.key.public_key(), self.begins, self.ends)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        usage = dict.fromkeys(
            ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False
        )
        builder = builder.add_extension(
            x509.KeyUsage(**usage, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False), True
        )
        self.certificate = builder.sign(self.key, hashes.SHA256())
        self.file.write_bytes(certificate_pem(self.certificate))

    @property
    def file(self) -> Path:
        """Its certificate."""
        return self.folder / "ca.crt"

    def issue(
        self, stem: str, names: Sequence[str] = ("localhost",), begins: float = -300, ends: float = 300
    ) -> tuple[Path, Path]:
        """A certificate and its key; ``begins`` and ``ends`` in days from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(stem, key.public_key(), begins, ends)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName([_name(name) for name in names]), False)
        certificate = builder.sign(self.key, hashes.SHA256())
        files = self.folder / f"{stem}.crt", self.folder / f"{stem}.key"
        files[0].write_bytes(certificate_pem(certificate))
        files[1].write_bytes(key_pem(key))
        return files

    def self_signed(self, stem: str = "alone") -> tuple[Path, Path]:
        """A certificate that nobody but itself has signed."""
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.now(timezone.utc)
        name = distinguished_name("localhost")
        certificate = (
            x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - DAY, now + DAY)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
            .sign(key, hashes.SHA256())
        )
        files = self.folder / f"{stem}.crt", self.folder / f"{stem}.key"
        files[0].write_bytes(certificate_pem(certificate))
        files[1].write_bytes(key_pem(key))
        return files

    def revocation_list(self, *certificates: Path) -> Path:
        """A revocation list with these certificates."""
        now = datetime.now(timezone.utc)
        builder = x509.CertificateRevocationListBuilder(self.certificate.subject, now - DAY, now + DAY)
        for file in certificates:
            serial = x509.load_pem_x509_certificate(file.read_bytes()).serial_number
            entry = x509.RevokedCertificateBuilder(serial, now - DAY).build()
            builder = builder.add_revoked_certificate(entry)
        path = self.folder / "revoked.pem"
        path.write_bytes(builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        return path

    def _builder(
        self, name: str, key: ec.EllipticCurvePublicKey, begins: float, ends: float
    ) -> x509.CertificateBuilder:
        now = datetime.now(timezone.utc)
        return x509.CertificateBuilder(
            distinguished_name(self.name),
            distinguished_name(name),
            key,
            x509.random_serial_number(),
            now + begins * DAY,
            now + ends * DAY,
        )


def _name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
