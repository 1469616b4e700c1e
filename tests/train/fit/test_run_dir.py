"""What is said where something else is given than a run directory, and where a file of a run is damaged or lost."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import numpy as np
import pytest

from edge_agent.errors import InputError
from edge_agent.vision.classifier import BUNDLED_MODEL
from tests.support.full_disk import files_of_at_most
from tests.train.runs import begun_run
from train.common.writing import NotWritten
from train.fit.run_dir import RunDamaged, RunDir


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as refused:
        RunDir(path).record()
    return str(refused.value)


def test_a_file_or_folder_of_another_kind_is_called_by_its_name(tmp_path: Path) -> None:
    shutil.copy(BUNDLED_MODEL, tmp_path / "model.tflite")
    (tmp_path / "old.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    (tmp_path / "notes.txt").write_text("nothing")
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved/saved_model.pb").write_bytes(b"\x08\x01\x12")
    (tmp_path / "empty").mkdir()
    for name, words in {
        "model.tflite": "a model bundle",
        "old.h5": "a file in HDF5 (.h5), as of Keras 2",
        "notes.txt": "a file",
        "saved": "a SavedModel folder, as of TensorFlow",
        "empty": "no run.json in it",
        "none": "nothing there, and so no run.json in it",
    }.items():
        assert f"got {words}, expected a run directory" in refusal(tmp_path / name)


def test_a_file_of_a_run_is_answered_with_the_run(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    (tmp_path / "model.keras").write_bytes(b"PK\x03\x04")
    said = refusal(tmp_path / "model.keras")
    assert (
        f"got the file model.keras of a run, expected a run directory. Give the folder it lies in: {tmp_path}" in said
    )


def test_a_training_goes_on_from_the_epochs_that_its_state_was_written_after(tmp_path: Path) -> None:
    run = begun_run(tmp_path / "run", val_accuracies=[0.5, 0.6])
    ahead = [*run.metrics(), msgspec.structs.replace(run.metrics()[-1], epoch=2)]
    state = (run.path / "state.npz").read_bytes()
    run.save_epoch(ahead, [np.zeros(1)])
    (run.path / "state.npz").write_bytes(state)  # as where the process ended between the two files
    epochs, _ = run.load_progress() or pytest.fail("there is a state")
    assert [one.epoch for one in epochs] == [0, 1]


@pytest.mark.parametrize("left", [0, 1])
def test_a_training_whose_metrics_are_lost_is_not_continued_as_if_it_were_younger(tmp_path: Path, left: int) -> None:
    run = begun_run(tmp_path / "run", val_accuracies=[0.5, 0.6])
    metrics = run.path / "metrics.jsonl"
    metrics.write_bytes(b"".join(metrics.read_bytes().splitlines(keepends=True)[:left]))
    if not left:
        metrics.unlink()
    with pytest.raises(
        RunDamaged, match=rf"metrics\.jsonl: got {left} epochs, expected the 2 after which .*train again"
    ):
        run.load_progress()


@pytest.mark.parametrize("field", ["compression", "flags", "version"])
def test_a_damaged_head_within_a_state_is_reported(tmp_path: Path, field: str) -> None:
    run = begun_run(tmp_path / "run", val_accuracies=[0.5])
    state = run.path / "state.npz"
    content = bytearray(state.read_bytes())
    entry = content.index(b"PK\x01\x02")  # in the archive's index, and the same in the head before the part
    for place in {"compression": (entry + 10, 8), "flags": (entry + 8, 6), "version": (entry + 6, 4)}[field]:
        content[place] |= 0x61
    state.write_bytes(content)
    with pytest.raises(RunDamaged, match=r"state\.npz: no state of a training: "):
        run.load_state()


def test_a_network_that_does_not_fit_leaves_nothing_behind(tmp_path: Path) -> None:
    with files_of_at_most(4096), pytest.raises(NotWritten, match=r"model\.keras: got File too large"):
        RunDir(tmp_path).save_model(lambda path: path.write_bytes(bytes(10_000)))
    assert list(tmp_path.iterdir()) == []
