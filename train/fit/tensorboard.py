"""A run's epochs as event files for TensorBoard, written without a backend and so the same way on each of them.

The files are a copy of ``metrics.jsonl`` in another form: the same epochs give the same bytes. They are rewritten in
place after every epoch, and a TensorBoard that has read the beginning continues with what is new.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.proto.summary_pb2 import Summary
from tensorboardX.record_writer import masked_crc32c

from train.common.writing import writing
from train.fit.run_dir import RunDir
from train.fit.run_record import EpochMetrics

FOLDER = "tensorboard"
"""Below the run directory: a folder for training and one for validation, so that both are drawn in one chart."""

_FILE = "events.out.tfevents.run"
_NOT_DRAWN = ("epoch",)


def write_events(run: RunDir, epochs: Sequence[EpochMetrics]) -> None:
    """Write all finished epochs of a run.

    A scalar has the name of its metric and the number of its epoch, counted from 1. Its time is the start of the run
    plus the duration of the epochs, without pauses.
    """
    began = datetime.fromisoformat(run.record().started_at).timestamp()
    for part in ("training", "validation"):
        records = [_record(Event(wall_time=began, file_version="brain.Event:2"))]
        time = began
        for metrics in epochs:
            time += metrics.seconds
            summary = Summary(
                value=[Summary.Value(tag=tag, simple_value=value) for tag, value in _scalars(metrics, part)]
            )
            records.append(_record(Event(wall_time=time, step=metrics.epoch + 1, summary=summary)))
        _overwrite(run.path / FOLDER / part / _FILE, b"".join(records))


def _scalars(metrics: EpochMetrics, part: str) -> list[tuple[str, float]]:
    """The metrics of one part by name, ``val_loss`` as the validation's ``loss``."""
    found = msgspec.structs.asdict(metrics)
    drawn = {name: float(value) for name, value in found.items() if name not in _NOT_DRAWN and value is not None}
    return [
        (name.removeprefix("val_"), value)
        for name, value in drawn.items()
        if name.startswith("val_") == (part == "validation")
    ]


def _record(event: Event) -> bytes:
    """An event in the frame of TensorFlow's record files: length, content, and a checksum of each."""
    content = event.SerializeToString()
    length = struct.pack("<Q", len(content))
    checks = [struct.pack("<I", masked_crc32c(piece)) for piece in (length, content)]
    return b"".join([length, checks[0], content, checks[1]])


def _overwrite(path: Path, content: bytes) -> None:
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        with path.open("r+b") as stream:
            stream.write(content)
            stream.truncate()
