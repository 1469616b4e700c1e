"""Whether the camera is to be closed, remembered."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.errors import CheckFailed
from edge_agent.privacy.mute import MuteMemory, MuteRequest, examine_mute_file, mute_file, supersedes

EARLY, LATE = "2026-11-22T09:00:00Z", "2026-11-22T10:00:00.500+01:00"


@pytest.mark.parametrize(
    ("new", "last", "counts"),
    [
        (MuteRequest(muted=False), None, True),
        (MuteRequest(muted=False), MuteRequest(muted=True), True),
        (MuteRequest(muted=False, issued_at=EARLY), MuteRequest(muted=True), True),
        (MuteRequest(muted=False), MuteRequest(muted=True, issued_at=EARLY), True),
        (MuteRequest(muted=False, issued_at=LATE), MuteRequest(muted=True, issued_at=EARLY), True),
        (MuteRequest(muted=False, issued_at=EARLY), MuteRequest(muted=True, issued_at=LATE), False),
        (MuteRequest(muted=True, issued_at=EARLY), MuteRequest(muted=False, issued_at=LATE), False),
        (MuteRequest(muted=True, issued_at=LATE), MuteRequest(muted=True, issued_at=LATE), True),
        (MuteRequest(muted=False, issued_at="yesterday"), MuteRequest(muted=True, issued_at=LATE), True),
        (MuteRequest(muted=False, issued_at="2026-11-22T08:59:59"), MuteRequest(muted=True, issued_at=EARLY), False),
    ],
)
def test_of_two_dated_requests_the_later_counts_and_otherwise_the_last(
    new: MuteRequest, last: MuteRequest | None, counts: bool
) -> None:
    assert supersedes(new, last) is counts


def test_a_device_starts_as_it_was_left(tmp_path: Path) -> None:
    for muted in (True, False, True):
        memory = MuteMemory(tmp_path / "new", "north", "pi-3a")
        assert memory.accept(MuteRequest(muted=muted))
        memory.save()
        assert MuteMemory(tmp_path / "new", "north", "pi-3a").muted is muted
    assert not MuteMemory(tmp_path / "new", "north", "pi-3b").muted


def test_an_older_request_is_not_saved(tmp_path: Path) -> None:
    memory = MuteMemory(tmp_path, "north", "pi-3a")
    memory.accept(MuteRequest(muted=True, issued_at=LATE))
    memory.save()
    again = MuteMemory(tmp_path, "north", "pi-3a")
    assert not again.accept(MuteRequest(muted=False, issued_at=EARLY))
    assert again.muted


@pytest.mark.parametrize("content", [b"\0\0\0", b'{"muted":true,"issued_at":"\xff"}', b'{"more":' + b"[" * 50_000])
def test_a_file_that_cannot_be_read_closes_the_camera(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    (tmp_path / "north.pi-3a.muted.json").write_bytes(content)
    memory = MuteMemory(tmp_path, "north", "pi-3a")
    assert memory.muted
    assert "cannot be read" in caplog.text
    memory.accept(MuteRequest(muted=False))
    memory.save()
    assert not MuteMemory(tmp_path, "north", "pi-3a").muted


def test_a_disk_that_fails_is_reported_until_the_request_is_saved(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.write_text("in the way")
    memory = MuteMemory(folder, "north", "pi-3a")
    memory.accept(MuteRequest(muted=True))
    memory.save()
    assert memory.failing
    folder.unlink()
    memory.accept(MuteRequest(muted=True))
    memory.save()
    assert not memory.failing
    assert MuteMemory(folder, "north", "pi-3a").muted


def test_without_a_folder_a_request_holds_for_the_run_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    memory = MuteMemory(None, "north", "pi-3a")
    memory.accept(MuteRequest(muted=True))
    memory.save()
    assert (memory.muted, memory.failing) == (True, False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"muted":1}', b"\xff", None])
def test_a_request_that_cannot_be_understood_closes_the_camera_and_doctor_says_so(
    tmp_path: Path, content: bytes | None
) -> None:
    path = mute_file(tmp_path, "north", "pi")
    examine_mute_file(path)
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    assert MuteMemory(tmp_path, "north", "pi").muted
    with pytest.raises(CheckFailed, match=r"so the camera stays closed.*sudo rm"):
        examine_mute_file(path)
