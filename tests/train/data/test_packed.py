"""Packed tables that cannot be read as they are."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import pytest

from edge_agent.errors import InputError
from train.common.keras_file import written_by
from train.data.packed import read_lines


def test_a_zip_of_a_later_version_is_named(tmp_path: Path) -> None:
    path = tmp_path / "table.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("table.csv", "emotion,pixels\n")
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 6] = 148
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"zip file version 14\.8.*by hand"):
        list(read_lines(path))
    assert written_by(path) == ""


def test_a_zip_with_a_name_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "table.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("t\u00e9.csv", "emotion,pixels\n")
    path.write_bytes(path.read_bytes().replace("\u00e9".encode(), b"\xe9\xe9", 1))  # in the file's own head alone
    with pytest.raises(InputError, match="by hand"):
        list(read_lines(path))


def test_a_line_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "table.csv.gz"
    path.write_bytes(gzip.compress(b"emotion,pixels\n" + b"7 " * 3_000_000))
    lines = read_lines(path)
    assert next(lines) == b"emotion,pixels"
    with pytest.raises(InputError, match="line 2 of more than 4 MB"):
        next(lines)
