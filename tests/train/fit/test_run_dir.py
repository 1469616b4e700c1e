"""What is said where something else is given than a run directory."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from edge_agent.errors import InputError
from edge_agent.vision.classifier import BUNDLED_MODEL
from train.fit.run_dir import RunDir


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
