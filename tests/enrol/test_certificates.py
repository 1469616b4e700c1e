"""Keys and certificates that others made."""

from __future__ import annotations

import base64
import textwrap
from collections.abc import Callable

import pytest

pytest.importorskip("cryptography", reason="the extra fleet is not installed")

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from edge_agent.enrol.certificates import (
    certificate_pem,
    make_signing_request,
    new_key,
    read_certificate,
    read_key,
    read_model_public_key,
    requested_key,
)
from edge_agent.errors import InputError
from tests.support.brokers_certificates import TestAuthority

P256, UNKNOWN = bytes.fromhex("2a8648ce3d030107"), bytes.fromhex("2a8648ce3d030117")
"""The object identifiers of a curve and of none."""


def with_an_unknown_curve(pem: bytes) -> bytes:
    """The same key or certificate, for a curve that nobody knows."""
    first, *middle, last = pem.decode().strip().splitlines()
    content = base64.b64decode("".join(middle)).replace(P256, UNKNOWN)
    return "\n".join([first, *textwrap.wrap(base64.b64encode(content).decode(), 64), last, ""]).encode()


def a_private_key() -> bytes:
    return new_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def a_public_key() -> bytes:
    return new_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize(
    ("make", "read"),
    [
        (a_private_key, lambda pem: read_key(pem, "it")),
        (a_public_key, lambda pem: read_model_public_key(pem, "it")),
        (lambda: make_signing_request(new_key(), "pi").encode(), lambda pem: requested_key(pem.decode(), "it")),
    ],
    ids=["key", "public key", "request"],
)
def test_a_key_of_an_unknown_kind_is_refused(make: Callable[[], bytes], read: Callable[[bytes], object]) -> None:
    with pytest.raises(InputError, match="it"):
        read(with_an_unknown_curve(make()))


def test_a_certificate_for_a_key_of_an_unknown_kind_is_refused(tmp_path_factory: pytest.TempPathFactory) -> None:
    pem = certificate_pem(TestAuthority(tmp_path_factory.mktemp("a") / "b").certificate)
    assert read_certificate(pem, "it").serial_number
    with pytest.raises(InputError, match="it"):
        read_certificate(with_an_unknown_curve(pem), "it")
