"""Files and folders of other programs that are given instead of a bundle: each is called by its name."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
from pathlib import Path

import pytest

from edge_agent.errors import ModelError
from edge_agent.model_format.bundle import read_bundle
from edge_agent.model_format.other_formats import other_format
from edge_agent.vision.classifier import BUNDLED_MODEL


def archive(*names: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as made:
        for name in names:
            made.writestr(name, b"{}")
    return content.getvalue()


OTHERS = {
    "a Keras file (.keras)": archive("metadata.json", "config.json", "model.weights.h5"),
    "a file in HDF5 (.h5), as of Keras 2": b"\x89HDF\r\n\x1a\n" + bytes(100),
    "a file of PyTorch (.pt)": archive("archive/data.pkl", "archive/version"),
    "a pickle, as of PyTorch (.pt)": pickle.dumps({"weights": [1.0, 2.0]}, protocol=2),
    "an ONNX file": b"\x08\x07\x12\x07pytorch\x1a\x052.5.0" + bytes(100),
    "the graph of a SavedModel (.pb), as of TensorFlow": b"\x08\x01\x12\x80\x01" + bytes(100),
    "a safetensors file": struct.pack("<Q", 40) + b'{"__metadata__":{}}' + bytes(100),
    "the state of a training (state.npz)": archive("epochs.npy", "v0.npy"),
    "a ZIP archive": archive("photo.jpg"),
    "a ZIP archive that is cut off": archive("photo.jpg")[:30],
}


@pytest.mark.parametrize(("words", "content"), OTHERS.items())
def test_a_file_of_another_program_is_called_by_its_name_with_what_to_do(
    words: str, content: bytes, tmp_path: Path
) -> None:
    (tmp_path / "other.tflite").write_bytes(content)
    with pytest.raises(ModelError) as refused:
        read_bundle(tmp_path / "other.tflite")
    assert f"not a TFLite model: got {words}, expected" in str(refused.value)
    assert "python -m export convert makes a bundle from a run" in str(refused.value)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (("run.json",), "the folder of a training"),
        (("saved_model.pb", "variables"), "a SavedModel folder, as of TensorFlow"),
        (("config.json", "model.safetensors"), "a folder of Hugging Face"),
    ],
)
def test_a_folder_of_another_kind_is_called_by_its_name(files: tuple[str, ...], words: str, tmp_path: Path) -> None:
    for file in files:
        (tmp_path / file).write_bytes(b"{}")
    with pytest.raises(ModelError, match=f"got {words}, expected a model bundle"):
        read_bundle(tmp_path)


def test_a_bundle_and_what_is_not_known_are_no_other_format() -> None:
    for content in (BUNDLED_MODEL.read_bytes(), b"", b"\x08", b"\x80", b"text", bytes(20), b"\xff\xd8\xff\xe0picture"):
        assert other_format(content) == ""
