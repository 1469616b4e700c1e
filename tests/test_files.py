"""Files that are there whole or as they were."""

import subprocess
import sys
from pathlib import Path

import pytest

from edge_agent.errors import ConfigError, InputError
from edge_agent.files import check_place_for, folder_lock, read_password, replace_file
from tests.support.full_disk import files_of_at_most


def test_a_file_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "made" / "for it"
    replace_file(path, b"old")
    replace_file(path, b"new")
    assert {file.name: file.read_bytes() for file in path.parent.iterdir()} == {"for it": b"new"}


def test_what_does_not_fit_leaves_the_file_as_it_was_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "kept"
    replace_file(path, b"old")
    with files_of_at_most(4096), pytest.raises(OSError, match="File too large"):
        replace_file(path, bytes(10_000))
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == {"kept": b"old"}


@pytest.mark.parametrize(
    ("place", "makes_folders", "said"),
    [
        ("folder", False, r"folder: got a folder, expected a file that can be written"),
        ("folder", True, r"folder: got a folder, expected a file that can be written"),
        ("not/there/yet", False, r"there: no such folder"),
        ("file/in", True, r"in: got a place in .*file, which is no folder"),
        ("/proc/in", False, r"/proc: cannot be written: "),
        ("/proc/new/in", True, r"/proc: cannot be written: "),
    ],
)
def test_a_place_that_no_file_can_be_written_to_is_refused_with_its_reason(
    tmp_path: Path, place: str, makes_folders: bool, said: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=said):
        check_place_for(tmp_path / place, makes_folders=makes_folders)


def test_a_place_is_looked_at_without_making_anything(tmp_path: Path) -> None:
    check_place_for(tmp_path / "new")
    check_place_for(tmp_path / "new" / "folders" / "file", makes_folders=True)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_another_command_is_at_work_in_is_refused_where_nobody_waits(tmp_path: Path) -> None:
    refused = pytest.raises(InputError, match="another command is at work in")
    with folder_lock(tmp_path), refused, folder_lock(tmp_path, wait=False):
        pass
    with folder_lock(tmp_path, wait=False):
        pass


def test_files_and_bundles_can_be_used_where_the_system_has_no_file_locks() -> None:
    """Windows has no ``fcntl``, and training needs neither locks nor a device."""
    code = "import sys; sys.modules['fcntl'] = None; import edge_agent.files, edge_agent.model_format.bundle"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize(
    "content", ["\ufeffBlue Moon\n", "Blue Moon\r\nsecond line\n", "Blue Moon", "Blue Moon\n" + "x" * 9000]
)
def test_a_password_is_the_first_line_whatever_the_editor_adds(tmp_path: Path, content: str) -> None:
    file = tmp_path / "password"
    file.write_bytes(content.encode())
    assert read_password(str(file), "key") == "Blue Moon"


@pytest.mark.parametrize(("content", "received"), [(" \t\n", "empty"), ("\ufeff\n", "empty"), ("x" * 5000, "longer")])
def test_a_first_line_that_is_no_password_is_refused(tmp_path: Path, content: str, received: str) -> None:
    file = tmp_path / "password"
    file.write_bytes(content.encode())
    with pytest.raises(ConfigError, match=f"got an? {received} first line"):
        read_password(str(file), "key")
