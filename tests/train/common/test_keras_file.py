"""Files of other versions of Keras are named as such, with both versions; damaged ones are not."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import keras
import pytest

from edge_agent.errors import InputError
from train.common.keras_file import load_keras_file, written_by


def saved(path: Path) -> Path:
    keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(2)]).save(path)
    return path


def altered(path: Path, version: str, config: str | None = None) -> Path:
    """A copy that claims to be another version's, with a layer that this one does not know."""
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    content["metadata.json"] = json.dumps({"keras_version": version}).encode()
    content["config.json"] = (config or content["config.json"].decode().replace('"Dense"', '"Denser"')).encode()
    target = path.with_name(f"of-{version}.keras")
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return target


def test_a_file_of_this_version_is_loaded_and_says_so(tmp_path: Path) -> None:
    path = saved(tmp_path / "model.keras")
    assert written_by(path) == keras.__version__
    assert load_keras_file(keras, path).output_shape == (None, 2)


def test_a_file_of_a_newer_keras_is_named_with_both_versions(tmp_path: Path) -> None:
    path = altered(saved(tmp_path / "model.keras"), "99.1.0")
    message = rf"got a file of Keras 99\.1\.0, expected one of Keras {keras.__version__}.*pip install -U keras"
    with pytest.raises(InputError, match=message):
        load_keras_file(keras, path)


def test_a_file_of_a_newer_keras_that_loads_is_loaded(tmp_path: Path) -> None:
    path = saved(tmp_path / "model.keras")
    with zipfile.ZipFile(path) as archive:
        config = archive.read("config.json").decode()
    assert load_keras_file(keras, altered(path, "99.1.0", config)).output_shape == (None, 2)


def test_files_of_keras_2_are_named(tmp_path: Path) -> None:
    old = altered(saved(tmp_path / "model.keras"), "2.15.0")
    with pytest.raises(InputError, match=r"a file of Keras 2\.15\.0, expected one of Keras 3"):
        load_keras_file(keras, old)
    hdf5 = tmp_path / "old.keras"
    hdf5.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(300))
    with pytest.raises(InputError, match=r"HDF5 \(\.h5\), as of Keras 2"):
        load_keras_file(keras, hdf5)
    (tmp_path / "folder.keras").mkdir()
    with pytest.raises(InputError, match="a SavedModel folder, as of Keras 2"):
        load_keras_file(keras, tmp_path / "folder.keras")


def test_a_file_of_an_older_keras_that_does_not_load_is_named_with_both_versions(tmp_path: Path) -> None:
    path = altered(saved(tmp_path / "model.keras"), "3.0.1")
    message = rf"a file of Keras 3\.0\.1, which Keras {keras.__version__} does not read: .*pip install keras==3\.0\.1"
    with pytest.raises(InputError, match=message):
        load_keras_file(keras, path)


@pytest.mark.parametrize("left", [0, 200, -40])
def test_a_damaged_file_is_not_called_another_versions(tmp_path: Path, left: int) -> None:
    path = saved(tmp_path / "model.keras")
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(ValueError, match=r"cut off or damaged") as refused:
        load_keras_file(keras, path)
    assert not isinstance(refused.value, InputError)


def test_a_part_that_claims_to_be_longer_than_the_file_is_called_damaged(tmp_path: Path) -> None:
    path = saved(tmp_path / "model.keras")
    content = bytearray(path.read_bytes())
    entry = content.rindex(b"config.json") - 46  # in the archive's index
    for size in (entry + 20, entry + 24):
        content[size : size + 4] = (10_000_000).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"cut off or damaged"):
        load_keras_file(keras, path)


def test_a_file_of_another_program_is_called_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    path.write_bytes(b"\x08\x07\x12\x07pytorch\x1a\x052.5.0" + bytes(100))
    with pytest.raises(InputError, match=r"got an ONNX file, expected a \.keras file for Keras 3"):
        load_keras_file(keras, path)
