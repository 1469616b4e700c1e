"""Keys, certificates and certificate requests, as devices and schools both make and read them."""

from __future__ import annotations

import hashlib
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.x509.oid import NameOID

from edge_agent.errors import InputError

_CURVE = ec.SECP256R1()


UNREADABLE: Final = (
    *(ValueError, TypeError, UnsupportedAlgorithm, InvalidSignature),
    *(x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType),
)
"""What the package raises for keys and certificates that are broken, or of a kind that it does not know."""


def new_key() -> ec.EllipticCurvePrivateKey:
    """A fresh private key."""
    return ec.generate_private_key(_CURVE)


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A private key in PEM form. It is not encrypted: services have to start without a password."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def certificate_pem(certificate: x509.Certificate) -> bytes:
    """A certificate in PEM form."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def read_key(content: bytes, source: str, remedy: str = "") -> ec.EllipticCurvePrivateKey:
    """Read a private key.

    Args:
        content: In PEM form.
        source: Where it comes from, for error messages.
        remedy: What to do where it is broken.

    Raises:
        InputError: It is not of the kind that this project makes.
    """
    try:
        key = serialization.load_pem_private_key(content, password=None)
    except UNREADABLE:
        raise InputError(source, expected="an unencrypted private key in PEM form", remedy=remedy) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise InputError(source, received="another kind of key", expected="an elliptic-curve key", remedy=remedy)
    return key


def read_certificate(content: bytes, source: str) -> x509.Certificate:
    """Read a certificate in PEM form; ``source`` names it in error messages.

    Raises:
        InputError: It is none.
    """
    try:
        certificate = x509.load_pem_x509_certificate(content)
        # Read now, for the package reads them only when they are asked for.
        certificate.public_key(), certificate.extensions, certificate.subject, certificate.not_valid_after_utc
    except UNREADABLE:
        raise InputError(source, expected="a certificate in PEM form") from None
    return certificate


def make_signing_request(key: ec.EllipticCurvePrivateKey, common_name: str) -> str:
    """A certificate request in PEM form. Its signature proves possession of the key."""
    request = (
        x509.CertificateSigningRequestBuilder().subject_name(distinguished_name(common_name)).sign(key, hashes.SHA256())
    )
    return request.public_bytes(serialization.Encoding.PEM).decode()


def requested_key(request: str, source: str) -> ec.EllipticCurvePublicKey:
    """The public key of a certificate request. Nothing else in the request is trusted.

    Raises:
        InputError: It is broken, not signed with its own key, or for another kind of key.
    """
    try:
        csr = x509.load_pem_x509_csr(request.encode())
        valid, key = csr.is_signature_valid, csr.public_key()
    except UNREADABLE:
        raise InputError(f"{source}: its csr", expected="a certificate request in PEM form") from None
    if not valid or not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise InputError(
            f"{source}: its csr",
            expected="one signed with its own P-256 key",
            remedy="Make a new one with 'edge-agent enrol --request' on the device",
        )
    return key


def fingerprint(certificate: x509.Certificate) -> str:
    """The certificate's SHA-256 for people to compare: its first 16 bytes in hex, with colons between."""
    return certificate.fingerprint(hashes.SHA256())[:16].hex(":")


def key_fingerprint(request: str, source: str) -> str:
    """The SHA-256 of a certificate request's key, in the form of :func:`fingerprint`.

    Raises:
        InputError: As :func:`requested_key`.
    """
    key = requested_key(request, source).public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return hashlib.sha256(key).digest()[:16].hex(":")


def distinguished_name(common_name: str) -> x509.Name:
    """A distinguished name that has nothing but a common name."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def read_model_public_key(content: bytes, source: str) -> Ed25519PublicKey:
    """Read the public key by which a school's models are known.

    Raises:
        InputError: It is none, or of another kind.
    """
    try:
        key = serialization.load_pem_public_key(content)
    except UNREADABLE:
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise InputError(source, expected="an Ed25519 public key in PEM form")
    return key
