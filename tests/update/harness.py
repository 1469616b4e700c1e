"""A school's key, its signatures, and its retained topics: what a broker would hold, handed over at once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge_agent.config import ClassifierSettings
from edge_agent.mqtt.events import Received
from edge_agent.protocol.messages import ModelUpdate, encode
from edge_agent.protocol.model_manifest import (
    ModelManifest,
    Models,
    SignedPublication,
    models_topic,
    part_topic,
    signed_bytes,
)
from edge_agent.update.manifests import Verifier
from edge_agent.update.messages import Ready, Taken
from edge_agent.update.model_folder import ModelFolder
from edge_agent.update.updater import Updater
from fleet.model_key import public_pem
from tests.support.broker import wait_until

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def manifest_of(content: bytes, version: int, **changes: object) -> ModelManifest:
    """A manifest of a bundle; changes are fields of one's choice."""
    facts: dict[str, object] = {
        "version": version,
        "sha256": hashlib.sha256(content).hexdigest(),
        "size_bytes": len(content),
        "name": "new",
    }
    return ModelManifest(**{**facts, **changes})  # type: ignore[arg-type]


def sign(manifest: ModelManifest, key: Ed25519PrivateKey = KEY) -> SignedPublication:
    body = msgspec.json.encode(manifest).decode()
    return SignedPublication(body=body, signature=key.sign(signed_bytes(body)))


@dataclass
class Harness:
    """Retained topics, and an updater that hears them as its subscriptions come and go."""

    folder: Path
    settings: ClassifierSettings = field(default_factory=ClassifierSettings)
    retained: dict[str, bytes] = field(default_factory=dict)
    reported: list[ModelUpdate] = field(default_factory=list)
    retry_s: float = 600.0

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True)
        key = self.folder / "models.pub"
        key.write_bytes(public_pem(KEY))
        self._following: frozenset[str] = frozenset()
        self.verifier = Verifier(key)

    def new_updater(self, boot: str = "boot-1") -> Updater:
        """The device's side as at a start of the agent."""
        self._following = frozenset()
        self.updater = Updater(
            ModelFolder(self.folder / "models"),
            self.verifier,
            root="classroom",
            device="school/a",
            classifier=self.settings,
            boot=boot,
            retry_s=self.retry_s,
        )
        return self.updater

    def start(self, boot: str = "boot-1") -> Updater:
        """One that is at work."""
        self.new_updater(boot).start(self)
        return self.updater

    def set_subscriptions(self, filters: list[str]) -> None:
        """As the messenger does: what is retained comes with a new subscription."""
        new, self._following = frozenset(filters) - self._following, frozenset(filters)
        for topic in sorted(new & set(self.retained)):
            self.updater.hear(Received(topic, self.retained[topic], True, False))

    def report_model(self, update: ModelUpdate) -> None:
        """As the messenger does."""
        self.reported.append(update)

    def put(self, topic: str, payload: bytes) -> None:
        """Publish something retained."""
        self.retained[topic] = payload
        if topic in self._following:
            self.updater.hear(Received(topic, payload, False, False))

    def put_parts(self, content: bytes, manifest: ModelManifest) -> None:
        """Publish a bundle's parts, whatever the manifest says of its sha256."""
        for part in range(manifest.parts):
            begin = part * manifest.part_bytes
            topic = part_topic("classroom", manifest.sha256, part)
            self.put(topic, content[begin : begin + manifest.part_bytes])

    def announce(self, *signed: SignedPublication) -> None:
        """Publish signed manifests."""
        self.put(models_topic("classroom"), encode(Models(manifests=signed)))

    def publish(self, content: bytes, version: int, **changes: object) -> ModelManifest:
        """All of it."""
        manifest = manifest_of(content, version, **changes)
        self.put_parts(content, manifest)
        self.announce(sign(manifest))
        return manifest

    def outcome(self, state: str) -> ModelUpdate:
        """Wait until the device reports this state."""
        wait_until(
            lambda: self.reported and self.reported[-1].state == state, 60, f"{state} after {self.reported[-3:]}"
        )
        return self.reported[-1]

    def take_over(self) -> Ready:
        """Wait until a model is ready, and pick it up as perception does."""
        found: list[Ready] = []

        def ready() -> bool:
            found.extend(one for one in [self.updater.ready()] if one is not None)
            return bool(found)

        wait_until(ready, 60, "a model ready")
        self.updater.hear(Taken(None))
        return found[0]
