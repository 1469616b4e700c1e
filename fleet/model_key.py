"""The key that a school signs its models with. Devices get its public half when they enrol."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge_agent.enrol.certificates import UNREADABLE
from edge_agent.errors import InputError
from edge_agent.files import SECRET, path_exists, read_file, write_file

MODEL_KEY: Final = "model.key"
PUBLISHED: Final = "models.json"
"""What was published, beside the key."""


def model_key(folder: Path) -> Ed25519PrivateKey:
    """The key in a school's folder. A folder that was made before there were such keys gets one now.

    Raises:
        InputError: It is broken, or cannot be written.
    """
    path = folder / MODEL_KEY
    if not path_exists(path):
        if path_exists(folder / PUBLISHED):
            raise InputError(
                f"{path}: no such file, although models were published with it",
                remedy="Restore it from the folder's backup. Devices accept no other key",
            )
        made = Ed25519PrivateKey.generate()
        pem = made.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        write_file(path, pem, SECRET)
    try:
        key = serialization.load_pem_private_key(read_file(path, "the school's key for models"), password=None)
    except UNREADABLE:
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError(
            f"{path}", expected="an unencrypted Ed25519 key in PEM form", remedy="Restore it from the folder's backup"
        )
    return key


def public_pem(key: Ed25519PrivateKey) -> bytes:
    """The public key in PEM form, as devices are given it."""
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
