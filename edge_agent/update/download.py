"""Getting a published bundle: one part after the other. Each is a retained topic that is subscribed to in its turn."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from edge_agent.errors import InputError, Rejected
from edge_agent.files import sync_folder
from edge_agent.protocol.model_manifest import ModelManifest, models_topic, part_topic
from edge_agent.update.model_folder import ModelFolder
from edge_agent.update.state import kept

log = logging.getLogger(__name__)

_OVERDUE_S: Final = 60.0
"""After so long without a part the device reports which one it waits for."""


class Downloader:
    """One download at a time. One thread only; ``now`` is in monotonic seconds.

    Args:
        folder: Where bundles are kept.
        root: First part of all topics.
        subscribe: Subscribes to these topics of the fleet's, and to no others of them.
    """

    def __init__(self, folder: ModelFolder, root: str, subscribe: Callable[[list[str]], None]) -> None:
        self._folder, self._root, self._subscribe = folder, root, subscribe
        self._partial: PartialFile | None = None
        self._waiting_since = 0.0

    @property
    def manifest(self) -> ModelManifest | None:
        """Of the bundle that is being fetched; ``None`` for none."""
        return None if self._partial is None else self._partial.manifest

    @property
    def complete(self) -> bool:
        """Whether all parts of it are here."""
        return self._partial is not None and self._partial.complete

    def begin(self, manifest: ModelManifest, now: float) -> None:
        """Begin, or go on where an earlier run stopped; :meth:`listen` then asks for the first part.

        Raises:
            InputError: The disk is too full, or the folder cannot be written.
        """
        self._partial, self._waiting_since = PartialFile(self._folder.prepare_download(manifest), manifest), now

    def listen(self) -> None:
        """Subscribe to what is published, and to the part that is waited for."""
        topic = self._part_topic()
        self._subscribe([models_topic(self._root), *([] if topic is None else [topic])])

    def expects(self, topic: str) -> bool:
        """Whether this is the part that is waited for."""
        return topic == self._part_topic()

    def add(self, content: bytes, now: float) -> Rejected | None:
        """Take that part; rejected where it has not the size it should have.

        Raises:
            InputError: It cannot be written.
        """
        partial = self._partial
        assert partial is not None
        if not partial.add(content):
            return Rejected(f"part {partial.next + 1} has not the size that was signed")
        self._waiting_since = now
        return None

    def finish(self) -> bool:
        """Put the whole bundle in place; ``False``, and all of it is removed, where it is not what was signed.

        Raises:
            InputError: It cannot be written.
        """
        partial = self._partial
        assert partial is not None
        manifest = partial.manifest
        log.info("all %d parts of model %s have arrived", manifest.parts, manifest.model_id)
        self.give_up()
        return partial.finish(self._folder.bundle(kept(manifest)))

    def give_up(self) -> None:
        """Wait for no part any more. What has arrived is kept for another attempt."""
        if self._partial is not None:
            self._partial = None
            self.listen()

    def overdue_part(self, now: float) -> int | None:
        """The part that has been waited for too long, counted from 1; ``None`` for none."""
        partial = self._partial
        if partial is None or now <= self._waiting_since + _OVERDUE_S:
            return None
        return partial.next + 1

    def _part_topic(self) -> str | None:
        partial = self._partial
        if partial is None or partial.complete:
            return None
        return part_topic(self._root, partial.manifest.sha256, partial.next)


class PartialFile:
    """What has arrived of a bundle, whose parts come in order.

    Args:
        path: Where it is kept; what an earlier run left there counts.
        manifest: Of the bundle.

    Attributes:
        manifest: As given.
        next: The part that is waited for, counted from 0.

    Raises:
        InputError: The file cannot be written.
    """

    def __init__(self, path: Path, manifest: ModelManifest) -> None:
        self.manifest = manifest
        self._path = path
        try:
            held = path.stat().st_size if path.exists() else 0
            # A power cut may have left half a part, or anything: the sha256 of the whole shows it.
            self.next = min(held, manifest.size_bytes) // manifest.part_bytes
            with path.open("ab") as file:
                file.truncate(self.next * manifest.part_bytes)
        except OSError as error:
            raise _cannot_write(path, error) from None

    @property
    def complete(self) -> bool:
        """Whether all parts are here."""
        return self.next >= self.manifest.parts

    def add(self, content: bytes) -> bool:
        """Take the part that is waited for; ``False`` where it has not the size it should have.

        Raises:
            InputError: It cannot be written.
        """
        if len(content) != self.manifest.size_of(self.next):
            return False
        try:
            with self._path.open("ab") as file:
                file.write(content)
        except OSError as error:
            raise _cannot_write(self._path, error) from None
        self.next += 1
        return True

    def finish(self, target: Path) -> bool:
        """Put the bundle in place; ``False``, and all of it is removed, where it is not what was signed.

        Raises:
            InputError: It cannot be written.
        """
        try:
            with self._path.open("rb+") as file:
                os.fsync(file.fileno())
                found = hashlib.sha256(file.read()).hexdigest()
            if found != self.manifest.sha256:
                self._path.unlink()
                return False
            self._path.replace(target)
            sync_folder(target.parent)
        except OSError as error:
            raise _cannot_write(self._path, error) from None
        return True


def _cannot_write(path: Path, error: OSError) -> InputError:
    return InputError(f"{path}: cannot be written: {error.strerror}", remedy="Check the disk and the folder's owner")
