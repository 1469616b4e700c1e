"""A run directory: everything about one training, so that it can be continued, evaluated, exported and reproduced.

run.json        what was run, on which data, with what outcome (:class:`train.fit.run_record.RunRecord`)
metrics.jsonl   one line an epoch
state.npz       weights, optimizer and random state after the last whole epoch
model.keras     the finished network
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge_agent.decoding import UNDECODABLE, decode_json
from edge_agent.errors import InputError
from edge_agent.files import check_place_for, path_exists
from edge_agent.model_format.flatbuffer import IDENTIFIER
from edge_agent.model_format.other_formats import RUN_RECORD, other_folder, other_format
from train.common.writing import write_whole, writing
from train.fit.run_record import EpochMetrics, RunRecord

_DAMAGED = "Restore the file, or delete the run's folder and train again"
_ANOTHER = "Name another folder"


class RunDamaged(InputError):
    """A file of a run is broken, as after a power cut or on a full disk. Other runs are not affected."""


class RunDir:
    """Reads and writes one run directory. Each file is replaced in one step, so it is never half written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.model_path = path / "model.keras"
        self._record, self._metrics, self._state = path / RUN_RECORD, path / "metrics.jsonl", path / "state.npz"

    def exists(self) -> bool:
        """Whether a training was begun here."""
        return self._record.is_file()

    def check_empty(self) -> None:
        """Refuse a folder that a new run cannot be made in.

        Raises:
            InputError: It already holds something, is a file, or cannot be written.
        """
        if path_exists(self.path) and not self.path.is_dir():
            raise InputError(f"{self.path}", received="a file", expected="a new run directory", remedy=_ANOTHER)
        if self.path.is_dir() and any(self.path.iterdir()):
            remedy = _ANOTHER + (", or pass --resume to continue the run in it" if self.exists() else "")
            raise InputError(
                f"{self.path}", received="a folder that is not empty", expected="a new run directory", remedy=remedy
            )
        check_place_for(self._record, makes_folders=True)

    def make_folder(self) -> None:
        """Make the folder of a new run.

        Raises:
            InputError: The directory already holds something else, or cannot be made.
        """
        self.check_empty()
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"{self.path}",
                received=error.strerror,
                expected="a new run directory",
                remedy="Name a folder that can be made",
            ) from None

    def create(self, record: RunRecord) -> None:
        """Begin an empty run directory.

        Raises:
            InputError: The directory already holds something else, or cannot be made.
        """
        self.make_folder()
        self.write_record(record)

    def record(self) -> RunRecord:
        """What was run here.

        Raises:
            InputError: There is no run here, or it may not be read.
            RunDamaged: Its record is broken.
        """
        try:
            return decode_json(self._record.read_bytes(), RunRecord)
        except OSError as error:
            received, remedy = self._instead(error)
            raise InputError(f"{self.path}", received=received, expected="a run directory", remedy=remedy) from None
        except UNDECODABLE as error:
            raise RunDamaged(f"{self._record}: {error}", remedy=_DAMAGED) from None

    def _instead(self, error: OSError) -> tuple[str, str]:
        """What is at the path instead of a run directory, and what to do."""
        remedy = "Give the folder that `python -m train fit --out` made"
        if isinstance(error, NotADirectoryError):
            if (self.path.parent / RUN_RECORD).is_file():
                return f"the file {self.path.name} of a run", f"Give the folder it lies in: {self.path.parent}"
            with self.path.open("rb") as stream:
                content = stream.read()
            is_bundle = content[4:8] == IDENTIFIER
            return "a model bundle" if is_bundle else other_format(content) or "a file", remedy
        if not self.path.exists():
            return "nothing there, and so no run.json in it", remedy
        if isinstance(error, FileNotFoundError):
            return other_folder(self.path) or "no run.json in it", remedy
        return error.strerror or str(error), remedy

    def check_finished(self) -> None:
        """Refuse a run without its finished network.

        Raises:
            InputError: The training is unfinished.
        """
        if not self.model_path.is_file():
            raise InputError(
                f"{self.path}",
                received="an unfinished run",
                expected="one with model.keras",
                remedy="Continue it with `python -m train fit ... --resume`",
            )

    def describe(self) -> str:
        """The run's name and the fingerprint of its finished network."""
        return f"{self.path.resolve().name}, model.keras sha256 {self.fingerprint()[:12]}"

    def fingerprint(self) -> str:
        """Sha256 of the finished network's file."""
        return hashlib.sha256(self.model_path.read_bytes()).hexdigest()

    def write_record(self, record: RunRecord) -> None:
        """Replace the record."""
        write_whole(self._record, msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n")

    def metrics(self) -> list[EpochMetrics]:
        """All finished epochs in order.

        Raises:
            RunDamaged: The file is broken.
        """
        if not self._metrics.is_file():
            return []
        try:
            return [decode_json(line, EpochMetrics) for line in self._metrics.read_bytes().splitlines()]
        except UNDECODABLE as error:
            raise RunDamaged(f"{self._metrics}: {error}", remedy=_DAMAGED) from None

    def save_epoch(
        self, metrics: list[EpochMetrics], state: list[NDArray[Any]], best: list[NDArray[Any]] | None = None
    ) -> None:
        """Save the state after an epoch. The state is written last, as a continued run goes by it.

        Args:
            metrics: Of all epochs up to this one.
            state: All that the next epoch depends on.
            best: Weights of the best epoch so far, where a training may end with those.
        """
        write_whole(self._metrics, b"".join(msgspec.json.encode(row) + b"\n" for row in metrics))
        packed = io.BytesIO()
        arrays = {f"v{index}": value for index, value in enumerate(state)}
        arrays |= {f"best{index}": value for index, value in enumerate(best or ())}
        np.savez(packed, epochs=len(metrics), **arrays)  # type: ignore[arg-type]
        write_whole(self._state, packed.getbuffer())

    def load_progress(self) -> tuple[list[EpochMetrics], list[NDArray[Any]]] | None:
        """The finished epochs and the state after them; None where no epoch was finished.

        A file of metrics that is one epoch ahead is that of a training that ended before the state was written.

        Raises:
            RunDamaged: A file is broken, or metrics of epochs are missing.
        """
        saved = self.load_state()
        if saved is None:
            return None
        epochs, state = saved
        finished = self.metrics()[:epochs]
        if len(finished) < epochs:
            raise RunDamaged(
                f"{self._metrics}",
                received=f"{len(finished)} epochs",
                expected=f"the {epochs} after which state.npz was written",
                remedy=_DAMAGED,
            )
        return finished, state

    def load_state(self) -> tuple[int, list[NDArray[Any]]] | None:
        """Number of finished epochs and the state after them; None where no epoch was finished.

        Raises:
            RunDamaged: The file is broken.
        """
        return self._load_arrays("v")

    def load_best(self) -> list[NDArray[Any]] | None:
        """Weights of the best epoch so far; None where none were saved.

        Raises:
            RunDamaged: The file is broken.
        """
        saved = self._load_arrays("best")
        return None if saved is None or not saved[1] else saved[1]

    def _load_arrays(self, prefix: str) -> tuple[int, list[NDArray[Any]]] | None:
        if not self._state.is_file():
            return None
        try:
            with self._state.open("rb") as file, np.load(file) as saved:
                epochs = int(saved["epochs"])
                count = sum(re.fullmatch(rf"{prefix}\d+", name) is not None for name in saved.files)
                return epochs, [saved[f"{prefix}{index}"] for index in range(count)]
        # RuntimeError is what a damaged head of a part looks like: encrypted, or packed in an unknown way.
        except (OSError, EOFError, KeyError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
            raise RunDamaged(f"{self._state}: no state of a training: {error}", remedy=_DAMAGED) from None

    def save_model(self, save: Callable[[Path], object]) -> None:
        """Save the finished network, which ``save`` writes to the path it is given.

        Raises:
            NotWritten: It cannot be written; nothing of the try is left.
        """
        staging = self.path / "part.keras"
        with writing(self.model_path):
            try:
                save(staging)
                with staging.open("rb") as stream:
                    os.fsync(stream.fileno())
                staging.replace(self.model_path)
            finally:
                staging.unlink(missing_ok=True)
