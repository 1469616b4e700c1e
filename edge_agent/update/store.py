"""The folder in which a device keeps published models and what it remembers of them. Whole files or none.

A state that is lost with the disk's blocks is an empty one: the device runs the model that came with it and takes what
is published at that time.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import shutil
from pathlib import Path
from typing import Final

import msgspec

from edge_agent.decoding import UNDECODABLE
from edge_agent.errors import InputError
from edge_agent.files import SECRET, make_folder, sync_folder, write_file
from edge_agent.protocol.model_manifest import ModelManifest
from edge_agent.update.state import Kept, UpdateState

log = logging.getLogger(__name__)

_STATE: Final = "state.json"
_ROOM_BYTES: Final = 32 * 1024 * 1024
"""What has to stay free on the disk beside a bundle."""


class ModelFolder:
    """Bundles by sha256, one download, one state. All methods but :meth:`state` belong to one thread."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def state(self) -> UpdateState:
        """What is remembered; an empty state where there is none or it is damaged."""
        file = self.path / _STATE
        try:
            return msgspec.json.decode(file.read_bytes(), type=UpdateState)
        except FileNotFoundError:
            return UpdateState()
        except (OSError, *UNDECODABLE) as error:
            log.error("%s cannot be read and counts as empty: %s", file, error)
            return UpdateState()

    def remember(self, state: UpdateState) -> None:
        """Replace what is remembered, in one step that a power cut cannot halve.

        Raises:
            InputError: It cannot be written.
        """
        make_folder(self.path, 0o700)
        write_file(self.path / _STATE, msgspec.json.format(msgspec.json.encode(state)) + b"\n", SECRET)

    def bundle(self, model: Kept) -> Path:
        """Where a model's bundle lies, if it is kept."""
        return self.path / f"{model.sha256}.tflite"

    def holds(self, model: Kept) -> bool:
        """Whether a model's bundle is here, and whole to the last bit."""
        try:
            return hashlib.sha256(self.bundle(model).read_bytes()).hexdigest() == model.sha256
        except OSError:
            return False

    def begin(self, publication: ModelManifest) -> Download:
        """Begin to receive a bundle, or go on where an earlier run stopped.

        Raises:
            InputError: There is no room, or the folder cannot be written.
        """
        make_folder(self.path, 0o700)
        part = self.path / f"{publication.sha256}.part"
        self._forget_other_downloads(part)
        free = shutil.disk_usage(self.path).free
        if free < publication.size_bytes + _ROOM_BYTES:
            raise InputError(
                f"{self.path}: no room for a model",
                received=f"{free // 2**20} MB free",
                expected=f"{(publication.size_bytes + _ROOM_BYTES) // 2**20} MB",
                remedy="Make room on the disk",
            )
        return Download(part, publication)

    def tidy(self, state: UpdateState) -> None:
        """Remove bundles that nothing refers to any more."""
        needed = {self.bundle(model) for model in (state.current, state.previous) if model is not None}
        for file in self.path.glob("*.tflite"):
            if file not in needed:
                with contextlib.suppress(OSError):
                    file.unlink()

    def _forget_other_downloads(self, part: Path) -> None:
        for file in self.path.glob("*.part"):
            if file != part:
                with contextlib.suppress(OSError):
                    file.unlink()


class Download:
    """A bundle that comes in part by part, in order, and what of it has arrived.

    Attributes:
        publication: Which.
        next: The part that is waited for, counted from 0.

    Raises:
        InputError: The file cannot be written.
    """

    def __init__(self, part: Path, publication: ModelManifest) -> None:
        self.publication = publication
        self._part = part
        try:
            held = part.stat().st_size if part.exists() else 0
            # A power cut may have left half a part, or anything: the sha256 of the whole tells.
            self.next = min(held, publication.size_bytes) // publication.part_bytes
            with part.open("ab") as file:
                file.truncate(self.next * publication.part_bytes)
        except OSError as error:
            raise _cannot_write(part, error) from None

    @property
    def complete(self) -> bool:
        """Whether all parts are here."""
        return self.next >= self.publication.parts

    def add(self, content: bytes) -> bool:
        """Take the part that is waited for; ``False`` where it has not the size it should have.

        Raises:
            InputError: It cannot be written.
        """
        if len(content) != self.publication.size_of(self.next):
            return False
        try:
            with self._part.open("ab") as file:
                file.write(content)
        except OSError as error:
            raise _cannot_write(self._part, error) from None
        self.next += 1
        return True

    def finish(self, target: Path) -> bool:
        """Put the bundle in place; ``False``, and all of it forgotten, where it is not what was signed.

        Raises:
            InputError: It cannot be written.
        """
        try:
            with self._part.open("rb+") as file:
                os.fsync(file.fileno())
                found = hashlib.sha256(file.read()).hexdigest()
            if found != self.publication.sha256:
                self._part.unlink()
                return False
            self._part.replace(target)
            sync_folder(target.parent)
        except OSError as error:
            raise _cannot_write(self._part, error) from None
        return True


def _cannot_write(path: Path, error: OSError) -> InputError:
    return InputError(f"{path}: cannot be written: {error.strerror}", remedy="Check the disk and the folder's owner")
