"""A school's published models: signing them, deciding who gets them, and having the broker hold them.

The folder keeps each bundle and the signed publications, so that a broker that has lost its memory gets them again.
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

from edge_agent.decoding import UNDECODABLE
from edge_agent.errors import CheckFailed, InputError
from edge_agent.files import PUBLIC, SECRET, make_folder, path_exists, read_file, write_file
from edge_agent.model_format.bundle import Bundle, unpack_bundle
from edge_agent.model_format.golden_check import check_golden, golden_faces
from edge_agent.mqtt.connection import Connection
from edge_agent.protocol.messages import encode
from edge_agent.protocol.model_manifest import (
    MAX_BUNDLE_BYTES,
    ModelManifest,
    Models,
    SignedPublication,
    decode_manifest,
    decode_models,
    models_topic,
    part_topic,
    signed_bytes,
)
from edge_agent.vision.classifier import Classifier
from fleet.broker_files import fleet_connection, publish, retained
from fleet.model_key import PUBLISHED, model_key
from fleet.register import Register

_BUNDLES: Final = "models"


class BundleOnBroker(msgspec.Struct, frozen=True, kw_only=True):
    """A bundle whose parts the broker holds."""

    sha256: str
    parts: int


class PublishedModels(msgspec.Struct, frozen=True, kw_only=True, tag=1, tag_field="v"):
    """What a school has published.

    Attributes:
        version: The highest ever given.
        publications: Those that stand, as devices are shown them.
        on_broker: Bundles whose parts the broker holds.
    """

    version: int = 0
    publications: tuple[SignedPublication, ...] = ()
    on_broker: tuple[BundleOnBroker, ...] = ()

    def read(self) -> list[ModelManifest]:
        """What stands, lowest version first."""
        return sorted((decode_manifest(one.body) for one in self.publications), key=lambda one: one.version)


class ModelPublisher:
    """Publishes models in the name of a school.

    Args:
        folder: The fleet's folder.
        register: Who is enrolled, and where the broker is.

    Raises:
        InputError: What is stored of earlier publications, or the key, is broken.
    """

    def __init__(self, folder: Path, register: Register) -> None:
        self._folder, self._register = folder, register
        self._key = model_key(folder)
        self._shelf = _read_published(folder)

    @property
    def standing(self) -> list[ModelManifest]:
        """What is published, lowest version first."""
        return self._shelf.read()

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
        """Sign a bundle and have the broker offer it.

        Args:
            content: The bundle, as :func:`check_bundle` finds it fit.
            name: Of the model, for people.
            now: In UTC.
            devices: For whom, as ``site/device``; empty for all. What they were offered before goes.
            version: Its number; the next one where left out.
            new_labels: Whether devices may take it although it knows other expressions than their model.
            max_slowdown: How many times the time of a device's model it may take there.

        Raises:
            InputError: The version does not rise, a value is none of its kind, or the folder cannot be written.
            BrokerError: The broker cannot be reached or refuses.
        """
        latest = max(self._shelf.version, self._latest_on_broker())
        number = latest + 1 if version is None else version
        if number <= latest:
            raise InputError(
                "version",
                received=number,
                expected=f"more than {latest}: devices never go back",
                remedy="To return to an older model, publish its file under a new version",
            )
        publication = ModelManifest(
            version=number,
            sha256=hashlib.sha256(content).hexdigest(),
            size_bytes=len(content),
            published_at=now.isoformat(),
            name=name,
            devices=tuple(devices),
            new_labels=new_labels,
            max_slowdown=max_slowdown,
        )
        decode_manifest(msgspec.json.encode(publication).decode())  # what no device could read is not signed
        make_folder(self._folder / _BUNDLES, 0o700)
        write_file(self._bundle(publication), content, PUBLIC)
        others = [one for one in self.standing if not _supersedes(publication, one)]
        self._put([*others, publication])
        return publication

    def promote(self, version: int | None = None) -> ModelManifest:
        """Offer to all what some were offered; the latest such where no version is named.

        Raises:
            InputError: There is none.
            BrokerError: The broker cannot be reached or refuses.
        """
        found = [one for one in self.standing if one.devices and version in (None, one.version)]
        if not found:
            named = "no model" if version is None else f"no version {version}"
            raise InputError(f"{named} stands that is for some devices alone", remedy="See 'edge-agent fleet models'")
        chosen = replace(found[-1], devices=())
        self._put([*(one for one in self.standing if one.version > chosen.version), chosen])
        return chosen

    def withdraw(self, version: int) -> ModelManifest:
        """Offer a version no longer. Devices that run it go on with it.

        Raises:
            InputError: It does not stand.
            BrokerError: The broker cannot be reached or refuses.
        """
        found = [one for one in self.standing if one.version == version]
        if not found:
            raise InputError(f"no version {version} stands", remedy="See 'edge-agent fleet models'")
        self._put([one for one in self.standing if one.version != version])
        return found[0]

    def offer_again(self) -> None:
        """Have the broker hold everything that stands, whatever it has forgotten.

        Raises:
            BrokerError: The broker cannot be reached or refuses.
            InputError: A bundle is missing in the folder.
        """
        self._put(self.standing)

    def _put(self, publications: Sequence[ModelManifest]) -> None:
        """Remember first, then parts, then what refers to them; parts that nothing refers to go last."""
        shelf = self._shelf
        signed = tuple(self._sign(one) for one in sorted(publications, key=lambda one: one.version))
        version = max([shelf.version, *(one.version for one in publications)])
        needed = {one.sha256: BundleOnBroker(sha256=one.sha256, parts=one.parts) for one in publications}
        old = [held for held in shelf.on_broker if held.sha256 not in needed]
        self._remember(PublishedModels(version=version, publications=signed, on_broker=(*old, *needed.values())))
        root = self._register.school.root
        with fleet_connection(self._register, self._folder) as connection:
            for one in {one.sha256: one for one in publications}.values():
                self._put_parts(connection, one)
            publish(connection, models_topic(root), encode(Models(manifests=signed)))
            for held in old:
                for part in range(held.parts):
                    publish(connection, part_topic(root, held.sha256, part), b"")
        self._remember(replace(self._shelf, on_broker=tuple(needed.values())))
        for file in (self._folder / _BUNDLES).glob("*.tflite"):
            if file.stem not in needed:
                file.unlink()

    def _put_parts(self, connection: Connection, one: ModelManifest) -> None:
        content = read_file(self._bundle(one), "a published bundle")
        for part in range(one.parts):
            begin = part * one.part_bytes
            topic = part_topic(self._register.school.root, one.sha256, part)
            publish(connection, topic, content[begin : begin + one.part_bytes])

    def _sign(self, publication: ModelManifest) -> SignedPublication:
        body = msgspec.json.encode(publication).decode()
        return SignedPublication(body=body, signature=self._key.sign(signed_bytes(body)))

    def _latest_on_broker(self) -> int:
        """The highest version of ours the broker offers: more than is known here where a backup was restored."""
        with fleet_connection(self._register, self._folder) as connection:
            heard = retained(connection, [models_topic(self._register.school.root)])
        return max((self._version_of(one) for message in heard for one in _signed_in(message.payload)), default=0)

    def _version_of(self, signed: SignedPublication) -> int:
        try:
            self._key.public_key().verify(signed.signature, signed_bytes(signed.body))
            return decode_manifest(signed.body).version
        except (InvalidSignature, InputError):
            return 0

    def _bundle(self, publication: ModelManifest) -> Path:
        return self._folder / _BUNDLES / f"{publication.sha256}.tflite"

    def _remember(self, shelf: PublishedModels) -> None:
        self._shelf = shelf
        write_file(self._folder / PUBLISHED, msgspec.json.format(msgspec.json.encode(shelf), indent=2) + b"\n", SECRET)


def check_bundle(content: bytes, source: str) -> Bundle:
    """Is this a bundle that devices would take? Most of what they check can be checked before it is sent.

    Raises:
        ModelError: It is broken, or cannot be run here.
        CheckFailed: Its golden faces are missing, or do not come out as recorded.
        InputError: It is too large.
    """
    bundle = unpack_bundle(content, source)
    if len(content) > MAX_BUNDLE_BYTES:
        raise InputError(source, received=f"{len(content):,} bytes", expected=f"at most {MAX_BUNDLE_BYTES:,}")
    if bundle.golden is None:
        raise CheckFailed(
            f"{source} has no golden faces, so that no device would take it",
            remedy=f"Add them: python -m export golden {source} --out FILE",
        )
    check_golden(bundle.golden, Classifier(bundle).logits(golden_faces(bundle.golden)), bundle.output_step)
    return bundle


def choose_canaries(devices: Sequence[str], percent: float, sha256: str) -> tuple[str, ...]:
    """Which devices try a model first: always the same for the same model, and a larger share holds the smaller.

    Args:
        devices: All of them, as ``site/device``.
        percent: How many of a hundred, rounded up.
        sha256: Of the model's bundle: another model is tried by others.
    """
    order = sorted(devices, key=lambda name: hashlib.sha256(f"{sha256}:{name}".encode()).digest())
    return tuple(sorted(order[: math.ceil(len(order) * percent / 100)]))


def _supersedes(new: ModelManifest, old: ModelManifest) -> bool:
    """Whether nobody would follow the old one any more."""
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
        return msgspec.json.decode(read_file(path, "what was published"), type=PublishedModels)
    except UNDECODABLE as error:
        raise InputError(f"{path}: {error}", remedy="Restore the folder from its backup") from None
