"""Model files of other programs, recognised by how they begin: what to say where one is given instead of a bundle."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Final

RUN_RECORD: Final = "run.json"
"""The file that a folder has which ``python -m train fit`` made."""

_FROM_A_RUN: Final = "python -m export convert makes a bundle from a run of python -m train fit"


def other_format(content: bytes) -> str:
    """What a file of another program is, in words; empty where it is not known.

    Args:
        content: The file.
    """
    if content.startswith(b"PK\x03\x04"):
        return _archive(content)
    if content.startswith(b"\x89HDF\r\n\x1a\n"):
        return "a file in HDF5 (.h5), as of Keras 2"
    if content[:2] == b"\x08\x01" and content[2:3] == b"\x12":
        return "the graph of a SavedModel (.pb), as of TensorFlow"
    first, second, third = content[:1], content[1:2], content[2:3]
    if first == b"\x08" and b"\x03" <= second <= b"\x20" and third in (b"\x12", b"\x1a", b"\x22", b"\x3a", b"\x42"):
        return "an ONNX file"
    if first == b"\x80" and b"\x02" <= second <= b"\x05":
        return "a pickle, as of PyTorch (.pt)"
    if content[8:10] == b'{"' and int.from_bytes(content[:8], "little") < len(content):
        return "a safetensors file"
    return ""


def other_folder(path: Path) -> str:
    """What a folder with a model of another kind is, in words; empty where it is not known."""
    if (path / RUN_RECORD).is_file():
        return "the folder of a training"
    if (path / "saved_model.pb").is_file():
        return "a SavedModel folder, as of TensorFlow"
    if (path / "config.json").is_file() and any(path.glob("*.safetensors")):
        return "a folder of Hugging Face"
    return ""


def how_to_get_a_bundle(found: str) -> str:
    """The remedy where a bundle was expected and something that :func:`other_format` knows was given."""
    if found.startswith(("a Keras file", "the folder of a training", "the state of a training")):
        return f"Convert it: {_FROM_A_RUN}"
    return f"It cannot be converted: {_FROM_A_RUN}, and from nothing else"


def _archive(content: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        return "a ZIP archive that is cut off"
    if "metadata.json" in names and "config.json" in names:
        return "a Keras file (.keras)"
    if any(name.endswith("data.pkl") for name in names):
        return "a file of PyTorch (.pt)"
    if "epochs.npy" in names:
        return "the state of a training (state.npz)"
    return "a ZIP archive"
