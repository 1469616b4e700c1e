"""A school's published models: sign them, decide which devices get them, and publish them at the broker.

The folder keeps each bundle and the signed manifests. A broker that has lost its retained messages gets them again.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec
from cryptography.exceptions import InvalidSignature
from msgspec.structs import replace

from edge_agent.decoding import UNDECODABLE, decode_json
from edge_agent.errors import BrokerError, InputError
from edge_agent.files import PUBLIC, SECRET, make_folder, path_exists, read_file, write_file
from edge_agent.model_format.bundled import BUNDLED_MODELS
from edge_agent.mqtt.connection import Connection
from edge_agent.protocol.messages import encode
from edge_agent.protocol.model_manifest import (
    ModelManifest,
    Models,
    SignedPublication,
    decode_manifest,
    decode_models,
    models_topic,
    part_topic,
    signed_bytes,
)
from fleet.broker_connection import fleet_connection, publish, read_retained
from fleet.model_key import PUBLISHED, model_key
from fleet.register import Register

_BUNDLES: Final = "models"
_KEPT_EARLIER: Final = 3
"""How many bundles are kept to go back to."""
_ANY_SLOWDOWN: Final = 1000.0
"""An earlier model was good before: it is not measured against the one it replaces."""


class BundleOnBroker(msgspec.Struct, frozen=True, kw_only=True):
    """A bundle whose parts the broker holds."""

    sha256: str
    parts: int


class PublishedModels(msgspec.Struct, frozen=True, kw_only=True, tag=1, tag_field="v"):
    """What a school has published.

    Attributes:
        version: The highest that was ever given.
        signed: The signed manifests that are published now, as devices receive them.
        on_broker: Bundles whose parts the broker holds.
        earlier: Manifests of models that are no longer published, and whose bundles are kept, oldest first.
    """

    version: int = 0
    signed: tuple[SignedPublication, ...] = msgspec.field(default=(), name="publications")
    on_broker: tuple[BundleOnBroker, ...] = ()
    earlier: tuple[ModelManifest, ...] = ()

    def manifests(self) -> list[ModelManifest]:
        """Those that are published now, lowest version first."""
        return sorted((decode_manifest(one.body) for one in self.signed), key=lambda one: one.version)


class ModelPublisher:
    """Publishes models in the name of a school.

    Args:
        folder: The fleet's folder.
        register: Who is enrolled, and where the broker is.

    Raises:
        InputError: The stored manifests, or the key, are broken.
    """

    def __init__(self, folder: Path, register: Register) -> None:
        self._folder, self._register = folder, register
        self._key = model_key(folder)
        self._stored = _read_published(folder)

    @property
    def published(self) -> list[ModelManifest]:
        """What is published now, lowest version first."""
        return self._stored.manifests()

    def present_bundle(self) -> Path | None:
        """The bundle of the latest model that is published for all devices and is in the folder, if any."""
        for_all = [self._bundle(one) for one in self.published if not one.devices]
        return next((path for path in reversed(for_all) if path_exists(path)), None)

    def publish(
        self,
        content: bytes,
        name: str,
        now: datetime,
        *,
        devices: Sequence[str] = (),
        version: int | None = None,
        new_labels: bool = False,
        max_slowdown: float = 1.5,
    ) -> ModelManifest:
        """Sign a bundle and publish it.

        Args:
            content: The bundle, which :func:`fleet.bundle_check.check_bundle` has checked.
            name: Of the model, for people.
            now: In UTC.
            devices: For which devices, as ``site/device``; empty for all. It replaces what was published for them.
            version: Its number; ``None`` for the next one.
            new_labels: Whether devices may take it although it knows other expressions than their model.
            max_slowdown: How many times the time of a device's present model it may take.

        Raises:
            InputError: The version does not rise, a value is not allowed, or the folder cannot be written.
            BrokerError: The broker cannot be reached or refuses.
        """
        latest = max(self._stored.version, self._latest_on_broker())
        number = latest + 1 if version is None else version
        if number <= latest:
            raise InputError(
                "version",
                received=number,
                expected=f"more than {latest}: devices never go back",
                remedy="To return to an older model: edge-agent fleet rollback-model",
            )
        manifest = ModelManifest(
            version=number,
            sha256=hashlib.sha256(content).hexdigest(),
            size_bytes=len(content),
            published_at=now.isoformat(),
            name=name,
            devices=tuple(devices),
            new_labels=new_labels,
            max_slowdown=max_slowdown,
        )
        decode_manifest(msgspec.json.encode(manifest).decode())  # never sign what no device could read
        make_folder(self._folder / _BUNDLES, 0o700)
        write_file(self._bundle(manifest), content, PUBLIC)
        others = [one for one in self.published if not _supersedes(manifest, one)]
        self._publish_all([*others, manifest])
        return manifest

    def promote(self, version: int | None = None) -> ModelManifest:
        """Publish for all devices what was published for some; the latest such where no version is named.

        Raises:
            InputError: There is none.
            BrokerError: The broker cannot be reached or refuses.
        """
        found = [one for one in self.published if one.devices and version in (None, one.version)]
        if not found:
            named = "no model" if version is None else f"no version {version}"
            raise InputError(f"{named} is published for some devices only", remedy="See 'edge-agent fleet models'")
        chosen = replace(found[-1], devices=())
        self._publish_all([*(one for one in self.published if one.version > chosen.version), chosen])
        return chosen

    def withdraw(self, version: int) -> ModelManifest:
        """Remove a version from what is published. Devices that run it keep it.

        Raises:
            InputError: It is not published.
            BrokerError: The broker cannot be reached or refuses.
        """
        found = [one for one in self.published if one.version == version]
        if not found:
            raise InputError(f"no version {version} is published", remedy="See 'edge-agent fleet models'")
        self._publish_all([one for one in self.published if one.version != version])
        return found[0]

    def roll_back(self, version: int | None, now: datetime) -> ModelManifest:
        """Publish an earlier model anew, for the devices that the latest one is for, or was before it was withdrawn.

        Args:
            version: The one to return to; ``None`` for the one before the latest.
            now: In UTC.

        Raises:
            InputError: No earlier model is kept, or not this one.
            BrokerError: The broker cannot be reached or refuses.
        """
        known = sorted([*self._stored.earlier, *self.published], key=lambda one: one.version)
        latest = known[-1:]
        before = [one for one in known if one.sha256 != latest[0].sha256 and version in (None, one.version)]
        if not before and version is not None:  # a withdrawn one may be asked for again by its number
            before = [one for one in latest if one.version == version and one not in self.published]
        if not before:
            asked = "an earlier model" if version is None else f"version {version}"
            kept = ", ".join(f"{one.version} ({one.name})" for one in known[:-1]) or "none"
            raise InputError(
                f"{asked} is not kept",
                expected=f"one of those before the latest: {kept}",
                remedy="Publish its file under a new version: edge-agent fleet publish-model FILE. "
                f"The model that comes with the agent is {BUNDLED_MODELS['edge']}",
            )
        target = before[-1]
        return self.publish(
            read_file(self._bundle(target), "a bundle published earlier"),
            target.name,
            now,
            devices=latest[0].devices if latest else (),
            new_labels=target.new_labels or any(one.new_labels for one in latest),
            max_slowdown=_ANY_SLOWDOWN,
        )

    def publish_again(self) -> None:
        """Have the broker hold everything that is published, also what it has lost, and nothing that was withdrawn.

        Raises:
            BrokerError: The broker cannot be reached or refuses.
            InputError: A bundle is missing in the folder.
        """
        if self._stored.version:  # else there never was a model
            self._publish_all(self.published)

    def _publish_all(self, manifests: Sequence[ModelManifest]) -> None:
        """Store first; then publish parts, then the manifests that refer to them; remove parts without any last."""
        stored = self._stored
        signed = tuple(self._sign(one) for one in sorted(manifests, key=lambda one: one.version))
        version = max([stored.version, *(one.version for one in manifests)])
        needed = {one.sha256: BundleOnBroker(sha256=one.sha256, parts=one.parts) for one in manifests}
        old = [held for held in stored.on_broker if held.sha256 not in needed]
        gone = [*stored.earlier, *(one for one in self.published if one.sha256 not in needed)]
        latest_of = {one.sha256: one for one in gone if one.sha256 not in needed}
        earlier = tuple(sorted(latest_of.values(), key=lambda one: one.version)[-_KEPT_EARLIER:])
        self._store(
            PublishedModels(version=version, signed=signed, on_broker=(*old, *needed.values()), earlier=earlier)
        )
        root = self._register.school.root
        try:
            with fleet_connection(self._register, self._folder) as connection:
                for one in {one.sha256: one for one in manifests}.values():
                    self._publish_parts(connection, one)
                publish(connection, models_topic(root), encode(Models(manifests=signed)))
                for held in old:
                    for part in range(held.parts):
                        publish(connection, part_topic(root, held.sha256, part), b"")
        except BrokerError as error:
            raise BrokerError(
                f"it is noted in {self._folder}, but the broker may not have it: {str(error).rstrip('.')}",
                remedy="Then run: edge-agent fleet apply",
            ) from None
        self._store(replace(self._stored, on_broker=tuple(needed.values())))
        for file in (self._folder / _BUNDLES).glob("*.tflite"):
            if file.stem not in needed and file.stem not in {one.sha256 for one in earlier}:
                file.unlink()

    def _publish_parts(self, connection: Connection, one: ModelManifest) -> None:
        content = read_file(self._bundle(one), "a published bundle")
        for part in range(one.parts):
            begin = part * one.part_bytes
            topic = part_topic(self._register.school.root, one.sha256, part)
            publish(connection, topic, content[begin : begin + one.part_bytes])

    def _sign(self, manifest: ModelManifest) -> SignedPublication:
        body = msgspec.json.encode(manifest).decode()
        return SignedPublication(body=body, signature=self._key.sign(signed_bytes(body)))

    def _latest_on_broker(self) -> int:
        """The highest version of ours at the broker. After an old backup was restored, it exceeds the stored one."""
        with fleet_connection(self._register, self._folder) as connection:
            received = read_retained(connection, [models_topic(self._register.school.root)])
        return max((self._version_of(one) for message in received for one in _signed_in(message.payload)), default=0)

    def _version_of(self, signed: SignedPublication) -> int:
        try:
            self._key.public_key().verify(signed.signature, signed_bytes(signed.body))
            return decode_manifest(signed.body).version
        except (InvalidSignature, InputError):
            return 0

    def _bundle(self, manifest: ModelManifest) -> Path:
        return self._folder / _BUNDLES / f"{manifest.sha256}.tflite"

    def _store(self, published: PublishedModels) -> None:
        self._stored = published
        write_file(
            self._folder / PUBLISHED, msgspec.json.format(msgspec.json.encode(published), indent=2) + b"\n", SECRET
        )


def choose_canaries(devices: Sequence[str], percent: float, sha256: str) -> tuple[str, ...]:
    """Which devices get a model first: the same for the same model, and a larger share contains the smaller one.

    Args:
        devices: All of them, as ``site/device``.
        percent: Share of the devices, above 0 to 100; their number is rounded up.
        sha256: Of the model's bundle. Another model goes to other devices first.
    """
    order = sorted(devices, key=lambda name: hashlib.sha256(f"{sha256}:{name}".encode()).digest())
    return tuple(sorted(order[: math.ceil(len(order) * percent / 100)]))


def _supersedes(new: ModelManifest, old: ModelManifest) -> bool:
    """Whether no device would take the old one any more."""
    return not new.devices or (bool(old.devices) and set(old.devices) <= set(new.devices))


def _signed_in(payload: bytes) -> tuple[SignedPublication, ...]:
    try:
        return decode_models(payload).manifests if payload else ()
    except InputError:
        return ()


def _read_published(folder: Path) -> PublishedModels:
    path = folder / PUBLISHED
    if not path_exists(path):
        return PublishedModels()
    try:
        return decode_json(read_file(path, "what was published"), PublishedModels)
    except UNDECODABLE as error:
        raise InputError(f"{path}: {error}", remedy="Restore the folder from its backup") from None
