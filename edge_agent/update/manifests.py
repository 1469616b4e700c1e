"""What a school's message about its models means for one device. Decides, and changes nothing."""

from __future__ import annotations

from pathlib import Path

from edge_agent.addresses.masking import shown_path
from edge_agent.errors import ConfigError, InputError, Rejected
from edge_agent.extras import how_to_install
from edge_agent.protocol.model_manifest import (
    ModelManifest,
    SignedPublication,
    decode_manifest,
    decode_models,
    signed_bytes,
)
from edge_agent.rights import denied_read
from edge_agent.update.state import UpdateState, wanted


class Verifier:
    """Checks that manifests are the school's own: Ed25519, by the public key that came with enrolment.

    Args:
        key: The file with the school's public key in PEM form.

    Raises:
        ConfigError: It cannot be read, or is none; or the package cryptography is missing.
    """

    def __init__(self, key: Path) -> None:
        try:  # only a device that takes models needs the package, and only then is it loaded
            from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
            from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
            from cryptography.hazmat.primitives.serialization import load_pem_public_key
        except ModuleNotFoundError:
            raise ConfigError(
                "$.update.key: the package cryptography is not installed", remedy=how_to_install("fleet")
            ) from None
        try:
            public = load_pem_public_key(key.read_bytes())
        except (OSError, ValueError, UnsupportedAlgorithm) as error:
            words, remedy = "no public key in PEM form", ""
            if isinstance(error, OSError):
                words, remedy = denied_read(key, error)
            raise ConfigError(
                f"$.update.key {shown_path(str(key))}: {words}",
                expected="the school's public key for models",
                remedy=remedy or "Enrol the device again: edge-agent enrol ANSWER",
            ) from None
        if not isinstance(public, Ed25519PublicKey):
            raise ConfigError(f"$.update.key {key}", received="another kind of key", expected="an Ed25519 public key")
        self._public, self._invalid = public, InvalidSignature

    def read(self, signed: SignedPublication) -> ModelManifest | Rejected:
        """The manifest; rejected where another key has signed it, or where its body is none."""
        try:
            self._public.verify(signed.signature, signed_bytes(signed.body))
            return decode_manifest(signed.body)
        except self._invalid:
            return Rejected("a published model is not signed with this school's key")
        except InputError as error:
            return Rejected(str(error))


def decide(
    payload: bytes, choice: str, verifier: Verifier, device: str, state: UpdateState, agent: str
) -> ModelManifest | Rejected | None:
    """The model to get; why none of the published ones is taken; or ``None`` where there is nothing to do.

    Args:
        payload: The message; empty for none.
        choice: The id of the model that an operator wants among those published; empty for the latest.
        verifier: Knows the school's manifests from others.
        device: This one, as ``site/device``.
        state: What is remembered.
        agent: The agent's version.
    """
    try:
        signed = decode_models(payload).manifests if payload else ()
    except InputError as error:
        return Rejected(str(error))
    read = [verifier.read(one) for one in signed]
    manifests = [one for one in read if isinstance(one, ModelManifest) and choice in ("", one.model_id)]
    rejected = next((one for one in read if isinstance(one, Rejected)), None)
    return wanted(manifests, device, state, agent) or rejected
