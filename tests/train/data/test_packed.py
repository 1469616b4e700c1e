"""Packed tables that cannot be read as they are."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from pathlib import Path

import pytest

from edge_agent.errors import InputError
from train.common.keras_file import written_by
from train.data import checks, packed
from train.data.checks import Faults
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


def test_a_gzip_file_whose_own_bytes_pass_for_a_tar_is_read_as_gzip(tmp_path: Path) -> None:
    """The checksum in a tar's head is a sum, which the bytes of one gzip file in some hundreds have by chance."""
    content = gzip_file_with_a_checksum_like_that_of_a_tar(b"emotion,pixels\n")
    assert tarfile.is_tarfile(io.BytesIO(content))
    path = tmp_path / "table.csv.gz"
    path.write_bytes(content)
    assert list(read_lines(path)) == [b"emotion,pixels"]


def gzip_file_with_a_checksum_like_that_of_a_tar(content: bytes) -> bytes:
    packed = gzip.compress(content, mtime=0)
    free = bytearray(600)  # bytes that any gzip file may carry behind its fixed head of 10 bytes
    head = bytearray(packed[:3] + b"\x04" + packed[4:10] + len(free).to_bytes(2, "little") + free)
    head[148:156] = b" " * 8
    head[148:155] = b"%06o\0" % sum(head[:512])
    return bytes(head) + packed[10:]


def packed_as(kind: str, content: bytes) -> bytes:
    archive = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
            zipped.writestr("table.csv", content)
    elif kind == "tar":
        with tarfile.open(fileobj=archive, mode="w:gz") as tar:
            entry = tarfile.TarInfo("table.csv")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    else:
        return (
            gzip.compress(content)
            if kind == "gzip"
            else bz2.compress(content)
            if kind == "bzip2"
            else lzma.compress(content)
        )
    return archive.getvalue()


@pytest.mark.parametrize("kind", ["xz", "gzip", "bzip2", "zip", "tar"])
def test_a_small_table_that_unpacks_past_the_limit_is_refused(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed, "MAX_UNPACKED_BYTES", 100_000)
    path = tmp_path / "table"
    path.write_bytes(packed_as(kind, b"emotion,pixels\n" * 10_000))
    with pytest.raises(InputError, match=rf"a {kind} .*more than .*GB.*npack it"):
        list(read_lines(path))
    path.write_bytes(packed_as(kind, b"emotion,pixels\n" * 1000))
    assert len(list(read_lines(path))) == 1000


def test_rows_that_cannot_be_read_are_listed_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "MAX_FAULTS", 3)
    faults = Faults("report")
    for number in range(3):
        faults.add(InputError(f"row {number}", received="x"))
    with pytest.raises(InputError, match=r"row 3: got x: got more than 3 such rows.*right file"):
        faults.add(InputError("row 3", received="x"))
    assert len(faults.found) == 3
