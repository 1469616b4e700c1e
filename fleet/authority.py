"""A school's certificate authority: an elliptic-curve key, its certificate, and what it signs. Decides nothing."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID

from edge_agent.enrol.certificates import distinguished_name, new_key, read_certificate, read_key
from edge_agent.errors import InputError

BACKDATED: Final = timedelta(days=730)
"""Certificates are valid from so long before they are issued. A device without a battery-backed clock starts with the
date of its system image or of its last shutdown. For it, the broker's certificate would not be valid yet."""

AUTHORITY_DAYS: Final = 20 * 365
REVOCATION_LIST_DAYS: Final = 20 * 365
"""OpenSSL refuses every client when the list has expired, so it is valid as long as the authority."""

_USAGE = {"client": ExtendedKeyUsageOID.CLIENT_AUTH, "server": ExtendedKeyUsageOID.SERVER_AUTH}


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
        name = distinguished_name(school)
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
        own_key, own_certificate = (
            read_key(key, "ca.key", "Restore the fleet's folder from its backup"),
            read_certificate(certificate, "ca.crt"),
        )
        if own_certificate.public_key() != own_key.public_key():
            raise InputError(
                "ca.key and ca.crt",
                expected="a key and the certificate made for it",
                remedy="Restore both from the same backup",
            )
        return cls(own_key, own_certificate)

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
            common_name: Its subject. For a client it is the user name at the broker.
            public_key: The subject's key.
            usage: For which side of a connection.
            now: In UTC. The certificate is valid from :data:`BACKDATED` before that.
            valid: How long from now.
            hosts: Names and addresses of a server.
        """
        builder = (
            _builder(distinguished_name(common_name), self.certificate.subject, public_key, now, valid)
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
