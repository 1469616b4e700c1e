"""How a school publishes models for its devices: signed manifests, and the bundles themselves in parts.

Two kinds of retained topics outside the devices' own: ``{root}/fleet/models`` holds one :class:`Models` message for all
devices, ``{root}/fleet/model/{sha256}/{part}`` the raw bytes of one part of a bundle. A device asks for one part after
the other. So neither it nor the broker ever holds more than a part a device in memory, and a broken download goes on
where it stopped. Clients with a small Maximum Packet Size are served too. Dashboards, which read ``{root}/v1/#``, never
receive any.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from edge_agent.decoding import UNDECODABLE, decode_json
from edge_agent.errors import InputError
from edge_agent.protocol.messages import Message, Number

PART_BYTES: Final = 64 * 1024
"""Size of the parts a bundle is published in."""
MAX_BUNDLE_BYTES: Final = 16 * 1024 * 1024
"""Largest bundle a device takes."""

_CONTEXT: Final = b"classroom-edge-agent model publication 1\n"


# The class has the name that the published JSON Schema gives it.
class SignedPublication(msgspec.Struct, frozen=True, kw_only=True):
    """A model manifest with its signature.

    Attributes:
        body: A :class:`ModelManifest` as JSON text, exactly as it was signed.
        signature: Ed25519, in base64, over :func:`signed_bytes` of the body.
    """

    body: str
    signature: bytes


class Models(Message, frozen=True, kw_only=True):
    """Everything published at this time. Of those that are for it, a device follows the highest version.

    Attributes:
        manifests: Each signed with the school's key for models.
    """

    manifests: tuple[SignedPublication, ...] = msgspec.field(default=(), name="publications")


class ModelManifest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A model to run: which bundle, and on which devices.

    Attributes:
        version: Rises with every manifest of a school; a device never goes back to a lower one.
        sha256: Of the bundle, 64 hex digits.
        size_bytes: Of the bundle.
        part_bytes: Of each part but the last.
        published_at: ISO 8601 in UTC.
        name: The model's name, for people.
        devices: For whom, as ``site/device``; empty for all.
        new_labels: Whether the model may know other expressions than the one it replaces.
        max_slowdown: How many times the present model's time it may take for a face.
    """

    version: Number
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]
    size_bytes: Annotated[int, Meta(ge=1, le=MAX_BUNDLE_BYTES)]
    part_bytes: Annotated[int, Meta(ge=1024, le=1024 * 1024)] = PART_BYTES
    published_at: str = ""
    name: str = ""
    devices: tuple[str, ...] = ()
    new_labels: bool = False
    max_slowdown: Annotated[float, Meta(gt=0.0, le=1000.0)] = 1.5

    @property
    def model_id(self) -> str:
        """What events will call the model."""
        return self.sha256[:12]

    @property
    def parts(self) -> int:
        """In how many parts the bundle comes."""
        return -(-self.size_bytes // self.part_bytes)

    def is_for(self, device: str) -> bool:
        """Whether a device, named ``site/device``, is meant."""
        return not self.devices or device in self.devices

    def size_of(self, part: int) -> int:
        """Bytes of one part, counted from 0."""
        return min(self.part_bytes, self.size_bytes - part * self.part_bytes)


def models_topic(root: str) -> str:
    """The topic of all manifests."""
    return f"{root}/fleet/models"


def part_topic(root: str, sha256: str, part: int | str) -> str:
    """The topic of a part of a bundle; with ``+`` for sha256 and part the filter that matches all."""
    return f"{root}/fleet/model/{sha256}/{part}"


def signed_bytes(body: str) -> bytes:
    """What is signed. The prefix makes sure that a signature made for anything else is not valid here."""
    return _CONTEXT + body.encode()


def decode_models(payload: bytes) -> Models:
    """Read the retained message with a school's manifests.

    Raises:
        InputError: It is no such message.
    """
    try:
        return decode_json(payload, Models)
    except UNDECODABLE as error:
        raise InputError(f"not a message about models: {error}") from None


def decode_manifest(body: str) -> ModelManifest:
    """Read the body of a manifest whose signature has been checked.

    Raises:
        InputError: It is no manifest, or asks for what no device does.
    """
    try:
        return decode_json(body, ModelManifest)
    except UNDECODABLE as error:
        raise InputError(f"not the publication of a model: {error}") from None
