"""Is a publication the school's own? Ed25519, by the public key that came with enrolment."""

from __future__ import annotations

from pathlib import Path

from edge_agent.errors import ConfigError, InputError, Rejected
from edge_agent.protocol.model_manifest import ModelManifest, SignedPublication, decode_manifest, signed_bytes


class Verifier:
    """Checks publications.

    Args:
        key: The file with the school's public key in PEM form.

    Raises:
        ConfigError: It cannot be read, or is none; or the package cryptography is missing.
    """

    def __init__(self, key: Path) -> None:
        try:  # only a device that takes models needs the package, and only then is it loaded
            from cryptography.exceptions import InvalidSignature
            from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
            from cryptography.hazmat.primitives.serialization import load_pem_public_key
        except ModuleNotFoundError:
            remedy = "Install the extra: pip install 'classroom-edge-agent[fleet]'"
            raise ConfigError("$.update.key: the package cryptography is not installed", remedy=remedy) from None
        try:
            public = load_pem_public_key(key.read_bytes())
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"$.update.key {key}: {error}",
                expected="the school's public key for models",
                remedy="Enrol the device again: edge-agent enrol ANSWER",
            ) from None
        if not isinstance(public, Ed25519PublicKey):
            raise ConfigError(f"$.update.key {key}", received="another kind of key", expected="an Ed25519 public key")
        self._public, self._invalid = public, InvalidSignature

    def read(self, signed: SignedPublication) -> ModelManifest | Rejected:
        """The publication, or why it does not count: another key has signed it, or its body says nothing sensible."""
        try:
            self._public.verify(signed.signature, signed_bytes(signed.body))
            return decode_manifest(signed.body)
        except self._invalid:
            return Rejected("a published model is not signed with this school's key")
        except InputError as error:
            return Rejected(str(error))
