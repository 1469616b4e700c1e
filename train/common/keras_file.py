"""Loading a ``.keras`` file, and what to say where it cannot be: it may be another version's, and not damaged."""

from __future__ import annotations

import json
import re
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

from edge_agent.errors import InputError
from edge_agent.model_format.other_formats import other_format

LOADING_FAILS_WITH = (
    ValueError,
    OSError,
    KeyError,
    TypeError,
    AttributeError,
    ImportError,
    IndexError,
    NotImplementedError,
    RuntimeError,
    EOFError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)
"""What Keras raises on files that it cannot read."""

_OF_KERAS = ("a Keras file", "a ZIP archive")
"""What a .keras file is recognised as, also where it is damaged."""

_HDF5 = b"\x89HDF\r\n\x1a\n"
_MAX_METADATA_BYTES = 1_000_000


def load_keras_file(keras: Any, path: Path) -> Any:
    """The network in a file.

    Args:
        keras: The module, with a backend.
        path: The file.

    Raises:
        InputError: The file is of a newer or an older Keras, which is named with the installed one.
        ValueError: It is damaged, or no Keras file.
    """
    try:
        return keras.models.load_model(path, compile=False)
    except LOADING_FAILS_WITH as error:
        explain_version(path, str(keras.__version__), str(error))
        raise ValueError(str(error)) from error


def explain_version(path: Path, installed: str, reason: str = "") -> None:
    """Say where a file that does not load is another version's, or damaged.

    Args:
        path: The file.
        installed: The version of Keras that tried to load it.
        reason: What it said.

    Raises:
        InputError: It was written by a newer Keras, by an older one whose networks are not read any more, in a format
            of Keras 2, or by another program.
        ValueError: It is cut off or damaged.
    """
    if path.is_dir() or path.read_bytes()[: len(_HDF5)] == _HDF5:
        raise InputError(
            str(path),
            received=f"a {'SavedModel folder' if path.is_dir() else 'file in HDF5 (.h5)'}, as of Keras 2",
            expected=f"a .keras file for Keras {installed}",
            remedy='Load it with the Keras that wrote it and save it with model.save("model.keras")',
        )
    other = other_format(path.read_bytes())
    if other and not other.startswith(_OF_KERAS):
        raise InputError(
            str(path),
            received=other,
            expected=f"a .keras file for Keras {installed}",
            remedy="Only networks that python -m train fit trained are read",
        )
    written = written_by(path)
    if _numbers(written) > _numbers(installed):
        raise InputError(
            str(path),
            received=f"a file of Keras {written}",
            expected=f"one of Keras {installed}, which is installed, or older",
            remedy="Run pip install -U keras",
        )
    if written.startswith("2."):
        raise InputError(
            str(path),
            received=f"a file of Keras {written}",
            expected=f"one of Keras 3; installed is {installed}",
            remedy="Load it with Keras 2, and build the network again with Keras 3 to copy its weights",
        )
    if not _is_whole(path):
        raise ValueError("it is cut off or damaged")
    if written and _numbers(written) < _numbers(installed):
        raise InputError(
            str(path),
            received=f"a file of Keras {written}, which Keras {installed} does not read: {reason}",
            expected="a network that both versions know",
            remedy=f"Use pip install keras=={written} in an environment of its own, or train again",
        )


def _is_whole(path: Path) -> bool:
    """Whether a .keras file, a ZIP archive, has all its parts undamaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (OSError, EOFError, ValueError, RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error):
        return False


def written_by(path: Path) -> str:
    """The version of the Keras that wrote a file; empty where it does not say."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open("metadata.json") as member:
            # A small file may hold gigabytes.
            stated = json.loads(member.read(_MAX_METADATA_BYTES))["keras_version"]
    except (OSError, EOFError, KeyError, TypeError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error):
        # RuntimeError includes encrypted members, and RecursionError of JSON without end.
        return ""
    return stated if isinstance(stated, str) else ""


def _numbers(version: str) -> tuple[int, ...]:
    """The leading numbers of a version: ``3.15.1`` of ``3.15.1.dev2``."""
    matched = re.match(r"\d+(\.\d+)*", version)
    return tuple(map(int, matched[0].split("."))) if matched else ()
