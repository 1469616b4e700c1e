"""Why a file cannot be written, found by trying, and the command that mends it."""

from __future__ import annotations

import errno
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.rights import denied_write, mount_point, unwritable
from tests.support.full_disk import small_file_system


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system with a blank in its name."""
    with small_file_system(tmp_path / "a disk", "64k") as folder:
        yield folder


def remount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)


def test_what_can_be_written_is_not_complained_of(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert unwritable([tmp_path / "file", tmp_path / "missing"], tmp_path) is None
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_read_only_file_system_is_named_by_its_mount_point(disk: Path) -> None:
    (disk / "file").write_text("")
    remount(disk, "ro")
    found = unwritable([disk / "file"], disk)
    remount(disk, "rw")
    assert found is not None
    cause, remedy = found
    assert cause == f"the file system at {disk} is read-only"
    assert remedy.startswith(f"Run: sudo mount -o remount,rw '{disk}' (if that fails, check the disk")
    assert unwritable([disk / "file"], disk) is None
    assert mount_point(disk / "no" / "such") == disk


def test_a_mount_that_is_read_only_itself_is_told_from_its_file_system(disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,bind,ro", str(disk)], check=True)
    cause, remedy = unwritable([], disk) or ("", "")
    assert cause == f"{disk} is mounted read-only"
    assert remedy == f"Run: sudo mount -o remount,rw,bind '{disk}'"


def test_a_service_that_systemd_keeps_out_is_told_so(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INVOCATION_ID", "1")
    subprocess.run(["mount", "-o", "remount,bind,ro", str(disk)], check=True)
    cause, remedy = unwritable([], disk) or ("", "")
    assert "the service may not write there" in cause
    assert f"ReadWritePaths='{disk}'" in remedy


def test_a_full_disk_is_found_by_trying(disk: Path) -> None:
    with pytest.raises(OSError, match="No space left"):
        (disk / "filler").write_bytes(b"x" * 200_000)
    cause, remedy = unwritable([], disk) or ("", "")
    assert cause == "the disk is full"
    assert remedy == f"Make room: df -h '{disk}'"


def test_a_file_marked_as_immutable_is_told_from_missing_rights(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    if subprocess.run(["chattr", "+i", str(file)], capture_output=True, check=False).returncode:
        pytest.skip("files cannot be marked here")
    found = unwritable([file], tmp_path)
    subprocess.run(["chattr", "-i", str(file)], check=True)
    assert found == (f"{file} is marked as one that must not change", f"sudo chattr -i {file}")


def test_a_users_quota_is_told_from_a_full_disk(tmp_path: Path) -> None:
    cause, remedy = denied_write(tmp_path, OSError(errno.EDQUOT, "Disk quota exceeded"))
    assert "has no room left there" in cause
    assert remedy == f"Make room: df -h {tmp_path}"
