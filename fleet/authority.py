"""A school's certificate authority: an elliptic-curve key, its certificate, and what it signs. Decides nothing."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from edge_agent.errors import InputError

BACKDATED: Final = timedelta(days=730)
"""Certificates count from so long ago. A device without a battery-backed clock starts with the date of its system's
image or of its last shutdown, and would take the broker's certificate for one from the future."""

AUTHORITY_DAYS: Final = 20 * 365
REVOCATION_LIST_DAYS: Final = 20 * 365
"""A list that has run out makes OpenSSL refuse every client, so it holds as long as the authority."""

_USAGE = {"client": ExtendedKeyUsageOID.CLIENT_AUTH, "server": ExtendedKeyUsageOID.SERVER_AUTH}
_CURVE = ec.SECP256R1()


@dataclass(frozen=True, slots=True)
class Authority:
    """The authority's key and certificate."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def create(cls, school: str, now: datetime) -> Authority:
        """A new authority.

        Args:
            school: Its name, for people who look at the certificate; at most 64 characters.
            now: In UTC.
        """
        key = new_key()
        name = _name(school)
        certificate = (
            _builder(name, name, key.public_key(), now, timedelta(days=AUTHORITY_DAYS))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(signs=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        return cls(key, certificate)

    @classmethod
    def from_pem(cls, key: bytes, certificate: bytes) -> Authority:
        """The authority as written by :func:`key_pem` and :func:`certificate_pem`.

        Raises:
            InputError: They are broken, or do not belong together.
        """
        own, shown = (
            read_key(key, "ca.key", "Restore the fleet's folder from its backup"),
            read_certificate(certificate, "ca.crt"),
        )
        if shown.public_key() != own.public_key():
            raise InputError(
                "ca.key and ca.crt",
                expected="a key and the certificate made for it",
                remedy="Restore both from the same backup",
            )
        return cls(own, shown)

    def issue(
        self,
        common_name: str,
        public_key: CertificatePublicKeyTypes,
        usage: Literal["client", "server"],
        *,
        now: datetime,
        valid: timedelta,
        hosts: Sequence[str] = (),
    ) -> x509.Certificate:
        """Sign a certificate.

        Args:
            common_name: Whom it names: for a client its user name at the broker.
            public_key: Whose.
            usage: Which side of a connection it proves.
            now: In UTC; the certificate counts from :data:`BACKDATED` before.
            valid: How long from now.
            hosts: Names and addresses of a server.
        """
        builder = (
            _builder(_name(common_name), self.certificate.subject, public_key, now, valid)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([_USAGE[usage]]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
        )
        if hosts:
            names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
            builder = builder.add_extension(names, critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def revocation_list(self, revoked: Iterable[tuple[int, datetime]], now: datetime) -> bytes:
        """The list of revoked certificates in PEM form.

        Args:
            revoked: Serial number and time of each.
            now: In UTC.
        """
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(now - timedelta(days=1))
            .next_update(now + timedelta(days=REVOCATION_LIST_DAYS))
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
        )
        for serial, at in revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(at).build()
            builder = builder.add_revoked_certificate(entry)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def new_key() -> ec.EllipticCurvePrivateKey:
    """A fresh private key."""
    return ec.generate_private_key(_CURVE)


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A private key in PEM form, not encrypted: services have to start without anybody typing."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def certificate_pem(certificate: x509.Certificate) -> bytes:
    """A certificate in PEM form."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def read_key(content: bytes, source: str, remedy: str = "") -> ec.EllipticCurvePrivateKey:
    """Read a private key; ``remedy`` is what to do where it is broken.

    Raises:
        InputError: It is none of the kind this project makes.
    """
    try:
        key = serialization.load_pem_private_key(content, password=None)
    except (ValueError, TypeError):
        raise InputError(source, expected="an unencrypted private key in PEM form", remedy=remedy) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise InputError(source, received="another kind of key", expected="an elliptic-curve key", remedy=remedy)
    return key


def read_certificate(content: bytes, source: str) -> x509.Certificate:
    """Read a certificate.

    Raises:
        InputError: It is none.
    """
    try:
        return x509.load_pem_x509_certificate(content)
    except ValueError:
        raise InputError(source, expected="a certificate in PEM form") from None


def make_request(key: ec.EllipticCurvePrivateKey, common_name: str) -> str:
    """A request in PEM form that proves possession of the key."""
    request = x509.CertificateSigningRequestBuilder().subject_name(_name(common_name)).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM).decode()


def requested_key(request: str, source: str) -> ec.EllipticCurvePublicKey:
    """The public key a request is for; nothing else in it is believed.

    Raises:
        InputError: It is broken, not signed with its own key, or for another kind of key.
    """
    try:
        csr = x509.load_pem_x509_csr(request.encode())
        valid = csr.is_signature_valid
    except (ValueError, InvalidSignature):
        raise InputError(f"{source}: its csr", expected="a certificate request in PEM form") from None
    key = csr.public_key()
    if not valid or not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise InputError(
            f"{source}: its csr",
            expected="one signed with its own P-256 key",
            remedy="Make a new one with 'edge-agent enrol --request' on the device",
        )
    return key


def fingerprint(certificate: x509.Certificate) -> str:
    """The certificate's SHA-256, to be compared by people: the first 16 bytes, colons between."""
    return certificate.fingerprint(hashes.SHA256())[:16].hex(":")


def key_fingerprint(request: str, source: str) -> str:
    """The SHA-256 of the key a request is for, as :func:`fingerprint` shows that of a certificate.

    Raises:
        InputError: As :func:`requested_key`.
    """
    key = requested_key(request, source).public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return hashlib.sha256(key).digest()[:16].hex(":")


def _builder(
    subject: x509.Name, issuer: x509.Name, key: CertificatePublicKeyTypes, now: datetime, valid: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + valid)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _key_usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
