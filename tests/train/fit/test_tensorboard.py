"""Event files: what TensorBoard would read from them, decoded by the format's own rules."""

from __future__ import annotations

import struct
from itertools import pairwise
from pathlib import Path

import pytest
from tensorboardX.proto.event_pb2 import Event

from tests.train.runs import begun_run
from train.fit.run_dir import RunDir
from train.fit.tensorboard import write_events


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    return begun_run(tmp_path / "run", val_accuracies=[0.25, 0.5, 0.75])


def events(run: RunDir, part: str) -> list[Event]:
    """All events of a part, as records of length, two checksums and content."""
    [file] = (run.path / "tensorboard" / part).iterdir()
    content, found = file.read_bytes(), []
    while content:
        [length] = struct.unpack("<Q", content[:8])
        found.append(Event.FromString(content[12 : 12 + length]))
        content = content[16 + length :]
    return found


def scalars(run: RunDir, part: str, tag: str) -> list[tuple[int, float]]:
    return [
        (event.step, value.simple_value)
        for event in events(run, part)
        for value in event.summary.value
        if value.tag == tag
    ]


def test_validation_and_training_share_the_names_of_their_charts(run: RunDir) -> None:
    write_events(run, run.metrics())
    assert scalars(run, "validation", "accuracy") == [(1, 0.25), (2, 0.5), (3, 0.75)]
    assert [step for step, _ in scalars(run, "training", "accuracy")] == [1, 2, 3]
    assert len(scalars(run, "training", "learning_rate")) == 3


def test_the_first_event_names_the_formats_version(run: RunDir) -> None:
    write_events(run, run.metrics())
    assert events(run, "training")[0].file_version == "brain.Event:2"


def test_time_is_that_of_training(run: RunDir) -> None:
    write_events(run, run.metrics())
    times = [event.wall_time for event in events(run, "validation")]
    seconds = [metrics.seconds for metrics in run.metrics()]
    assert [later - earlier for earlier, later in pairwise(times)] == pytest.approx(seconds)


def test_a_later_epoch_is_appended_to_the_bytes_that_were_there(run: RunDir) -> None:
    write_events(run, run.metrics()[:2])
    [file] = (run.path / "tensorboard" / "training").iterdir()
    before = (file.stat().st_ino, file.read_bytes())
    write_events(run, run.metrics())
    assert file.stat().st_ino == before[0]
    assert file.read_bytes().startswith(before[1])
    assert len(file.read_bytes()) > len(before[1])


def test_what_a_lost_epoch_had_written_is_gone_after_it_is_trained_again(run: RunDir) -> None:
    write_events(run, run.metrics())
    write_events(run, run.metrics()[:1])
    assert len(scalars(run, "validation", "loss")) == 1
