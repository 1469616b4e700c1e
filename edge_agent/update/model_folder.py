"""The folder in which a device keeps published models and what it remembers of them. Whole files or none.

A state that cannot be read counts as empty: the device runs the model that came with it and takes what is published.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import shutil
from pathlib import Path
from typing import Final

import msgspec

from edge_agent.decoding import UNDECODABLE, decode_json
from edge_agent.errors import InputError
from edge_agent.files import SECRET, make_folder, write_file
from edge_agent.protocol.model_manifest import ModelManifest
from edge_agent.update.state import Kept, UpdateState

log = logging.getLogger(__name__)

STATE_FILE: Final = "state.json"
_RESERVE_BYTES: Final = 32 * 1024 * 1024
"""What has to stay free on the disk besides a bundle."""


class ModelFolder:
    """Bundles by sha256, one download, one state. All methods but :meth:`state` belong to one thread.

    Args:
        path: The folder. It is made when something is first written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def state(self) -> UpdateState:
        """What is remembered; an empty state where there is none or it is damaged."""
        file = self.path / STATE_FILE
        try:
            return decode_json(file.read_bytes(), UpdateState)
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
        write_file(self.path / STATE_FILE, msgspec.json.format(msgspec.json.encode(state)) + b"\n", SECRET)

    def bundle(self, model: Kept) -> Path:
        """Where a model's bundle lies, if it is kept."""
        return self.path / f"{model.sha256}.tflite"

    def holds(self, model: Kept) -> bool:
        """Whether a model's bundle is here, and whole to the last bit."""
        try:
            return hashlib.sha256(self.bundle(model).read_bytes()).hexdigest() == model.sha256
        except OSError:
            return False

    def prepare_download(self, manifest: ModelManifest) -> Path:
        """Where to put what arrives of a bundle. Files of other downloads are removed.

        Raises:
            InputError: The disk is too full, or the folder cannot be written.
        """
        make_folder(self.path, 0o700)
        partial = self.path / f"{manifest.sha256}.part"
        for file in self.path.glob("*.part"):
            if file != partial:
                with contextlib.suppress(OSError):
                    file.unlink()
        free = shutil.disk_usage(self.path).free
        if free < manifest.size_bytes + _RESERVE_BYTES:
            raise InputError(
                f"{self.path}: not enough disk space for a model",
                received=f"{free // 2**20} MB free",
                expected=f"{(manifest.size_bytes + _RESERVE_BYTES) // 2**20} MB",
                remedy="Free some disk space",
            )
        return partial

    def tidy(self, state: UpdateState) -> None:
        """Remove bundles that nothing refers to any more."""
        needed = {self.bundle(model) for model in (state.current, state.previous) if model is not None}
        for file in self.path.glob("*.tflite"):
            if file not in needed:
                with contextlib.suppress(OSError):
                    file.unlink()


class StateFile:
    """The state of updates, kept on the disk with every change. One thread only.

    Args:
        folder: Where it is kept.

    Attributes:
        state: As it is now.
    """

    def __init__(self, folder: ModelFolder) -> None:
        self._folder = folder
        self.state: UpdateState = folder.state()

    def change(self, state: UpdateState) -> None:
        """Go on with another state. Where it cannot be stored, the log says so, and the agent goes on working."""
        if state == self.state:
            return
        self.state = state
        try:
            if state != self._folder.state():
                self._folder.remember(state)
        except InputError as error:
            log.error("the state of model updates cannot be stored: %s", error)
