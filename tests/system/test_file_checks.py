"""Files and folders are tried as the agent will use them, and what can be none is refused without waiting."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_agent.errors import CheckFailed
from edge_agent.system.file_checks import check_file, check_folder, check_readable


@pytest.mark.parametrize("check", [check_file, check_readable])
@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_a_folder_or_a_pipe_is_no_file(
    tmp_path: Path, check: Callable[[Path], None], make: Callable[[Path], None]
) -> None:
    path = tmp_path / "audit.log"
    check(path)
    make(path)
    with pytest.raises(CheckFailed, match=r"is no file|cannot be written: Is a directory"):
        check(path)


def test_a_folder_behind_a_link_to_nothing_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "state").symlink_to(tmp_path / "gone")
    for folder in (tmp_path / "state", tmp_path / "state" / "more"):
        with pytest.raises(CheckFailed, match=rf"link to {tmp_path}/gone, .*sudo rm {tmp_path}/state"):
            check_folder(folder)
    (tmp_path / "gone").mkdir()
    assert "can be written" in check_folder(tmp_path / "state")
