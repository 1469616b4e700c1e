"""Keys, certificates and certificate requests, as devices and schools both make and read them."""

from __future__ import annotations

import hashlib

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.x509.oid import NameOID

from edge_agent.errors import InputError

_CURVE = ec.SECP256R1()


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


def make_signing_request(key: ec.EllipticCurvePrivateKey, common_name: str) -> str:
    """A request in PEM form that proves possession of the key."""
    request = (
        x509.CertificateSigningRequestBuilder().subject_name(distinguished_name(common_name)).sign(key, hashes.SHA256())
    )
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


def distinguished_name(common_name: str) -> x509.Name:
    """A distinguished name that has nothing but a common name."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def read_model_public_key(content: bytes, source: str) -> Ed25519PublicKey:
    """Read the public key by which a school's models are known.

    Raises:
        InputError: It is none of this kind.
    """
    try:
        key = serialization.load_pem_public_key(content)
    except ValueError:
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise InputError(source, expected="an Ed25519 public key in PEM form")
    return key
