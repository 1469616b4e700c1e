"""A run directory: everything about one training, so that it can be continued, evaluated, exported and reproduced.

run.json        what was run, on which data, with what outcome (:class:`RunRecord`)
metrics.jsonl   one line an epoch
state.npz       weights, optimizer and random state after the last whole epoch
model.keras     the finished network
"""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import zipfile
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge_agent.decoding import UNDECODABLE
from edge_agent.errors import AgentError, InputError
from train.common.writing import write_whole, writing
from train.fit.provenance import NO_PROVENANCE, Provenance
from train.fit.recipe import Recipe

_DAMAGED = "Restore the file, or delete the run's folder and train again"


class EpochMetrics(msgspec.Struct, frozen=True, kw_only=True):
    """What one epoch gave. ``loss`` and ``accuracy`` are over the varied training images with dropout active.

    ``learning_rate`` is that of the step after it. ``images_per_s`` is over the training steps of all hosts, tracing
    included; ``waiting`` is the share of their time in which this host's devices had no batch to work on. Both are zero
    in older records.
    """

    epoch: int
    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float
    learning_rate: float
    seconds: float
    images_per_s: float = 0.0
    waiting: float = 0.0


class RunDamaged(AgentError):
    """A file of a run is broken, as after a power cut or on a full disk. Other runs are not affected."""


class RunRecord(msgspec.Struct, kw_only=True):
    """What was run.

    Attributes:
        recipe: Every setting.
        data: Name of the data set.
        fingerprint: Sha256 of the data set as read.
        protocol: Name of the split.
        protocol_note: What someone who reads results on it must know.
        classes: Labels in the order of the outputs.
        images: Number of images by part of the split.
        parameters: Of the network.
        macs: Multiply-accumulates a face.
        git_revision: Of the code, with ``-dirty`` where files had been changed.
        versions: Of Keras, its backend and NumPy.
        started_at: ISO 8601, UTC.
        finished_at: Likewise; empty while the training is unfinished.
        extra_annotation: Annotation used beyond the data set's own labels.
        machine: Where it was begun, as :func:`train.common.machine.describe_machine` gives it.
        teachers: Bundles of its teacher models, with their fingerprints.
        votes: Sha256 of the votes it used; empty where there were none, and in older records.
        started_from: The run or bundle of its initial weights, with its fingerprint; empty where they were random.
        earlier: Provenance of its initial weights and teacher models, as far as it differs from its own.
    """

    recipe: Recipe
    data: str
    fingerprint: str
    protocol: str
    protocol_note: str
    classes: tuple[str, ...]
    images: dict[str, int]
    parameters: int
    macs: int
    git_revision: str
    versions: dict[str, str]
    started_at: str
    finished_at: str = ""
    started_from: str = ""
    earlier: Provenance = NO_PROVENANCE
    extra_annotation: str = ""
    machine: str = ""
    teachers: tuple[str, ...] = ()
    votes: str = ""

    def provenance(self) -> Provenance:
        """Provenance of the run's weights: its own training and those before it."""
        return self.own_provenance().merged(self.earlier)

    def own_provenance(self) -> Provenance:
        """What this training itself used."""
        annotation = (self.extra_annotation,) if self.extra_annotation else ()
        return Provenance(
            data={self.fingerprint: self.data},
            annotation=annotation,
            teachers=self.teachers,
            splits={self.fingerprint: (self.protocol,)},
        )

    def check_classes(self, data: Path, classes: tuple[str, ...]) -> None:
        """Refuse data of another kind than the run was trained on.

        Raises:
            InputError: Its classes are not the run's, in their order.
        """
        if classes != self.classes:
            raise InputError(
                f"{data}: classes",
                received=", ".join(classes),
                expected=", ".join(self.classes),
                remedy="Give data of the kind the run was trained on",
            )


class RunDir:
    """Reads and writes one run directory. Each file is replaced in one step, so it is never half written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.model_path = path / "model.keras"
        self._record, self._metrics, self._state = path / "run.json", path / "metrics.jsonl", path / "state.npz"

    def exists(self) -> bool:
        """Whether a training was begun here."""
        return self._record.is_file()

    def create(self, record: RunRecord) -> None:
        """Begin an empty run directory.

        Raises:
            InputError: The directory already holds something else, or cannot be made.
        """
        if self.path.is_dir() and any(self.path.iterdir()):
            remedy = "Name another folder" + (", or pass --resume to continue the run in it" if self.exists() else "")
            raise InputError(
                f"{self.path}", received="a folder that is not empty", expected="a new run directory", remedy=remedy
            )
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"{self.path}",
                received=error.strerror,
                expected="a new run directory",
                remedy="Name a folder that can be made",
            ) from None
        self.write_record(record)

    def record(self) -> RunRecord:
        """What was run here.

        Raises:
            InputError: There is no run here, or it may not be read.
            RunDamaged: Its record is broken.
        """
        try:
            return msgspec.json.decode(self._record.read_bytes(), type=RunRecord)
        except OSError as error:
            missing, file = isinstance(error, FileNotFoundError), isinstance(error, NotADirectoryError)
            received = "no run.json in it" if missing else "a file" if file else error.strerror
            raise InputError(
                f"{self.path}",
                received=received,
                expected="a run directory",
                remedy="Give the folder that `python -m train fit --out` made",
            ) from None
        except UNDECODABLE as error:
            raise RunDamaged(f"{self._record}: {error}", remedy=_DAMAGED) from None

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
            return [msgspec.json.decode(line, type=EpochMetrics) for line in self._metrics.read_bytes().splitlines()]
        except UNDECODABLE as error:
            raise RunDamaged(f"{self._metrics}: {error}", remedy=_DAMAGED) from None

    def save_epoch(self, metrics: list[EpochMetrics], state: list[NDArray[Any]]) -> None:
        """Save the state after an epoch. The state is written last, as a continued run goes by it."""
        write_whole(self._metrics, b"".join(msgspec.json.encode(row) + b"\n" for row in metrics))
        packed = io.BytesIO()
        np.savez(packed, epochs=len(metrics), **{f"v{index}": value for index, value in enumerate(state)})  # type: ignore[arg-type]
        write_whole(self._state, packed.getbuffer())

    def load_state(self) -> tuple[int, list[NDArray[Any]]] | None:
        """Number of finished epochs and the state after them; None where no epoch was finished.

        Raises:
            RunDamaged: The file is broken.
        """
        if not self._state.is_file():
            return None
        try:
            with self._state.open("rb") as file, np.load(file) as saved:
                epochs = int(saved["epochs"])
                return epochs, [saved[f"v{index}"] for index in range(len(saved.files) - 1)]
        except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise RunDamaged(f"{self._state}: no state of a training: {error}", remedy=_DAMAGED) from None

    def save_model(self, save: Callable[[Path], object]) -> None:
        """Save the finished network, which ``save`` writes to the path it is given."""
        staging = self.path / "part.keras"
        with writing(self.model_path):
            save(staging)
            with staging.open("rb") as stream:
                os.fsync(stream.fileno())
            staging.replace(self.model_path)


def git_revision() -> str:
    """The checkout's commit, ``-dirty`` where files differ from it, ``unknown`` outside a checkout."""
    here = Path(__file__).parent
    try:
        found = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12"],
            cwd=here,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return found.stdout.strip()


def utc_now() -> str:
    """The present moment, ISO 8601."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
