"""Photos and recordings as sources. Devices and streams are in test_live_sources.py."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_agent.config import CameraSettings
from edge_agent.errors import CameraError
from edge_agent.types import Image
from edge_agent.vision.sources import FrameSource, open_source
from edge_agent.vision.sources.base import next_due
from edge_agent.vision.sources.files import MIN_SHOWINGS, VideoSource, natural_key, read_image
from edge_agent.vision.sources.timetable import Timetable
from tests.vision.drawn import jpeg, matroska, photo, video


def levels(source: FrameSource, limit: int = 1000) -> list[int]:
    """The mean gray level of each frame up to the source's end."""
    found: list[int] = []
    while len(found) < limit:
        image = source.read()
        if image is None:
            break
        found.append(round(float(image.mean())))
    source.close()
    return found


def levels_of(source: FrameSource, count: int) -> list[int]:
    """The mean gray level of the next frames."""
    return [round(float(image.mean())) for image in (source.read() for _ in range(count)) if image is not None]


def images(path: Path, **more: object) -> CameraSettings:
    return CameraSettings(source="image", path=str(path), fps=60, image_s=0.01, **more)  # type: ignore[arg-type]


def test_names_sort_as_people_number_them() -> None:
    names = ["img10.jpg", "IMG2.jpg", "img1.jpg", "a.jpg", "12.jpg", "9.jpg"]
    assert sorted(names, key=natural_key) == ["9.jpg", "12.jpg", "a.jpg", "img1.jpg", "IMG2.jpg", "img10.jpg"]
    strange = ["5²", "²", "5", "٣"]
    assert sorted(strange, key=natural_key) == ["5", "5²", "²", "٣"]


def test_every_photo_of_a_folder_is_shown_in_order_and_then_it_ends(tmp_path: Path) -> None:
    for number in (10, 2, 1):
        photo(tmp_path / f"img{number}.png", level=number * 20)
    (tmp_path / "notes.txt").write_text("no photo")
    assert levels(open_source(images(tmp_path))) == [20] * MIN_SHOWINGS + [40] * MIN_SHOWINGS + [200] * MIN_SHOWINGS


def test_a_photo_is_shown_for_the_time_set(tmp_path: Path) -> None:
    settings = CameraSettings(source="image", path=str(photo(tmp_path / "a.png")), fps=60, image_s=0.2)
    began = time.monotonic()
    shown = levels(open_source(settings))
    assert time.monotonic() - began > 0.15
    assert len(shown) > MIN_SHOWINGS


def test_a_repeated_photo_is_a_scene_without_end(tmp_path: Path) -> None:
    source = open_source(images(photo(tmp_path / "a.png"), repeat=True))
    assert levels(source, limit=3 * MIN_SHOWINGS) == [100] * 3 * MIN_SHOWINGS


def test_an_unreadable_photo_is_named_once_and_skipped(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    photo(tmp_path / "good.png", level=60)
    (tmp_path / "broken.jpg").write_bytes(b"no JPEG at all")
    (tmp_path / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic")
    with caplog.at_level(logging.WARNING):
        assert set(levels(open_source(images(tmp_path, repeat=True)), limit=3 * MIN_SHOWINGS)) == {60}
    assert [message for message in caplog.messages if "broken.jpg" in message and "skipped" in message]
    assert len(caplog.messages) == 2


def test_a_folder_of_unreadable_photos_is_an_error(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.png"):
        (tmp_path / name).write_bytes(b"nothing")
    with pytest.raises(CameraError, match="none of its 2 images can be read"):
        open_source(images(tmp_path, repeat=True))


def test_an_unreadable_single_photo_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"")
    with pytest.raises(CameraError, match=r"a\.jpg: got an empty file"):
        open_source(images(tmp_path / "a.jpg"))


def test_a_folder_without_photos_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CameraError, match="got a folder without images"):
        open_source(images(tmp_path))


@pytest.mark.parametrize("kind", ["image", "video"])
def test_a_path_that_does_not_exist_is_an_error(tmp_path: Path, kind: str) -> None:
    with pytest.raises(CameraError, match="got no such file"):
        open_source(CameraSettings(source=kind, path=str(tmp_path / "gone")))  # type: ignore[arg-type]


def test_no_camera_can_be_passed_off_as_a_recording(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(CameraError, match="something that is no file, expected a recording"):
            open_source(CameraSettings(source="video", path=str(path)))


def test_a_recording_that_announces_larger_frames_than_the_limit_is_refused(tmp_path: Path) -> None:
    writer = cv2.VideoWriter(str(tmp_path / "a.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (1600, 800))
    writer.write(np.zeros((800, 1600, 3), np.uint8))
    writer.release()
    settings = CameraSettings(source="video", path=str(tmp_path / "a.avi"), max_megapixels=1)
    with pytest.raises(CameraError, match=r"1600 x 800 pixels.*at most 1 megapixels.*camera\.max_megapixels"):
        open_source(settings)


def test_no_camera_can_be_passed_off_as_a_photo_that_is_written_anew(tmp_path: Path) -> None:
    source = open_source(images(photo(tmp_path / "a.png", level=60), repeat=True))
    assert levels_of(source, MIN_SHOWINGS) == [60] * MIN_SHOWINGS
    photo(tmp_path / "next.png", level=80).replace(tmp_path / "a.png")
    with pytest.raises(CameraError, match=r"a\.png: got a file that has changed since it was opened"):
        levels_of(source, MIN_SHOWINGS)


def test_a_photo_of_a_folder_that_changes_before_its_turn_is_skipped(tmp_path: Path) -> None:
    for name in ("1.png", "2.png", "3.png"):
        photo(tmp_path / name, level=60)
    source = open_source(images(tmp_path))
    photo(tmp_path / "2.png", level=80, side=50)
    assert levels(source) == [60] * 2 * MIN_SHOWINGS


def test_no_camera_can_be_passed_off_as_a_recording_that_grows(tmp_path: Path) -> None:
    source = open_source(CameraSettings(source="video", path=str(video(tmp_path / "a.avi"))))
    assert source.read() is not None
    with (tmp_path / "a.avi").open("ab") as file:
        file.write(b"\0" * 1000)
    with pytest.raises(CameraError, match="got a file that has changed since it was opened"):
        source.read()


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_a_photo_that_is_cut_off_is_refused_rather_than_half_gray(
    tmp_path: Path, suffix: str, capfd: pytest.CaptureFixture[str]
) -> None:
    whole = tmp_path / f"whole{suffix}"
    cv2.imwrite(str(whole), np.random.default_rng(1).integers(0, 256, (200, 200, 3), dtype=np.uint8))
    half = tmp_path / f"half{suffix}"
    half.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(CameraError, match="cut off"):
        read_image(half)
    assert read_image(whole).shape == (200, 200, 3)
    assert capfd.readouterr().err == ""


def test_a_jpeg_with_bytes_after_its_end_or_a_thumbnail_before_it_is_whole(tmp_path: Path) -> None:
    jpeg = photo(tmp_path / "a.jpg").read_bytes()
    thumbnail = b"\xff\xe1" + (2 + len(jpeg)).to_bytes(2, "big") + jpeg
    (tmp_path / "a.jpg").write_bytes(jpeg[:2] + thumbnail + jpeg[2:] + b"camera maker's own data")
    assert read_image(tmp_path / "a.jpg").shape == (40, 40, 3)
    (tmp_path / "a.jpg").write_bytes(jpeg[:2] + thumbnail + jpeg[2:-30])
    with pytest.raises(CameraError, match="cut off"):
        read_image(tmp_path / "a.jpg")


def test_a_photo_is_turned_upright_as_its_metadata_say(tmp_path: Path) -> None:
    sideways: Image = np.zeros((40, 80, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "a.jpg"), sideways)
    jpeg = (tmp_path / "a.jpg").read_bytes()
    orientation_6 = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    segment = b"\xff\xe1" + (2 + len(orientation_6)).to_bytes(2, "big") + orientation_6
    (tmp_path / "a.jpg").write_bytes(jpeg[:2] + segment + jpeg[2:])
    assert read_image(tmp_path / "a.jpg").shape == (80, 40, 3)


def test_a_gray_photo_comes_in_three_channels(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "gray.png"), np.full((30, 20), 77, np.uint8))
    image = read_image(tmp_path / "gray.png")
    assert image.shape == (30, 20, 3)
    assert image.dtype == np.uint8


def test_every_frame_of_a_video_is_delivered(tmp_path: Path) -> None:
    source = open_source(CameraSettings(source="video", path=str(video(tmp_path / "a.avi")), fps=1))
    assert source.lossless
    assert np.abs(np.array(levels(source)) - 20 * np.arange(12)).max() <= 2


def test_a_video_plays_at_its_own_rate(tmp_path: Path) -> None:
    source = open_source(CameraSettings(source="video", path=str(video(tmp_path / "a.avi", 11, 20.0)), fps=60))
    began = time.monotonic()
    assert len(levels(source)) == 11
    assert 0.45 < time.monotonic() - began < 9


def due_times(path: Path, *, repeat: bool = False, limit: int = 1000) -> list[float]:
    """When each picture of a recording is due, in seconds after the first; nobody waits for it."""
    times: list[float] = []

    def clock() -> float:
        return times[-1] if times else 0.0

    source = VideoSource(CameraSettings(source="video", path=str(path), repeat=repeat), clock)

    def wait_until(due: float) -> None:
        times.append(due)

    source._pacer.wait_until = wait_until  # type: ignore[method-assign]
    while len(times) < limit and source.read() is not None:
        pass
    source.close()
    return times


VARIABLE = [*range(0, 3000, 33), *range(3000, 6001, 200)]
"""30 frames a second for three seconds, then 5."""


def test_a_recording_of_a_variable_rate_is_timed_by_its_own_time_stamps(tmp_path: Path) -> None:
    times = due_times(matroska(tmp_path / "a.mkv", VARIABLE, [jpeg(100)] * len(VARIABLE)))
    assert times == pytest.approx([stamp / 1000 for stamp in VARIABLE])


def test_a_repeated_recording_keeps_its_time_stamps(tmp_path: Path) -> None:
    times = due_times(matroska(tmp_path / "a.mkv", [0, 10, 500]), repeat=True, limit=6)
    assert np.diff(times)[[0, 1, 3, 4]] == pytest.approx([0.01, 0.49, 0.01, 0.49])


def test_a_picture_that_cannot_be_decoded_does_not_move_the_others(tmp_path: Path) -> None:
    pictures = [jpeg(100), b"nothing", jpeg(100), jpeg(100)]
    assert due_times(matroska(tmp_path / "a.mkv", [0, 100, 700, 800], pictures)) == pytest.approx([0, 0.7, 0.8])


def test_a_recording_that_begins_late_is_played_at_once(tmp_path: Path) -> None:
    assert due_times(matroska(tmp_path / "a.mkv", [5000, 5100, 5400])) == pytest.approx([0, 0.1, 0.4])


def test_readers_whose_first_time_stamp_is_not_zero_give_the_same_times() -> None:
    ffmpeg, built_in = Timetable(0.05), Timetable(0.05)
    assert [ffmpeg.gap_s(stamp) for stamp in (0.0, 50.0, 150.0)] == pytest.approx([0.05, 0.05, 0.1])
    assert [built_in.gap_s(stamp) for stamp in (100.0, 150.0, 250.0)] == pytest.approx([0.05, 0.05, 0.1])


@pytest.mark.parametrize("stamp", [100.0, 0.0, -5.0, float("nan"), float("inf"), 1e9])
def test_where_time_stamps_do_not_rise_the_rate_counts(stamp: float) -> None:
    timetable = Timetable(0.04)
    timetable.gap_s(100.0)
    assert timetable.gap_s(stamp) == 0.04
    timetable.gap_s(stamp)
    assert timetable.gap_s(stamp, skipped=2) == pytest.approx(0.12)


def test_a_repeated_video_starts_again_at_its_first_frame(tmp_path: Path) -> None:
    source = open_source(CameraSettings(source="video", path=str(video(tmp_path / "a.avi", 4)), repeat=True))
    assert levels(source, limit=8) == levels(source=open_source(source_settings(tmp_path))) * 2


def source_settings(folder: Path) -> CameraSettings:
    return CameraSettings(source="video", path=str(folder / "a.avi"))


def test_a_video_cut_off_is_played_as_far_as_it_goes_and_said_to_be(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    path = video(tmp_path / "a.avi")
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 4 // 5])
    with caplog.at_level(logging.WARNING):
        shown = levels(open_source(source_settings(tmp_path)))
    assert 1 <= len(shown) < 12
    assert [message for message in caplog.messages if "of 12 frames" in message]
    assert capfd.readouterr().err == ""


def test_a_file_that_is_no_video_is_an_error_in_one_message(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.avi").write_bytes(b"no video" * 1000)
    with pytest.raises(CameraError, match="no picture can be decoded"):
        open_source(source_settings(tmp_path))
    assert capfd.readouterr().err == ""


def test_an_mp4_without_its_index_is_called_cut_off_and_an_empty_file_empty(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"mp4v"), 10, (160, 120))
    for level in range(0, 200, 10):
        writer.write(np.full((120, 160, 3), level, np.uint8))
    writer.release()
    whole = path.read_bytes()
    index = whole.rfind(b"moov") - 4
    for content, words in ((whole[:index], "an MP4 that is cut off: its index"), (b"", "an empty file")):
        path.write_bytes(content)
        with pytest.raises(CameraError, match=words):
            open_source(CameraSettings(source="video", path=str(path)))
    path.write_bytes(whole)
    assert len(levels(open_source(CameraSettings(source="video", path=str(path))))) == 20


def test_a_closed_source_has_ended_and_can_be_closed_again(tmp_path: Path) -> None:
    source = open_source(images(photo(tmp_path / "a.png"), repeat=True))
    source.close()
    assert source.read() is None
    source.close()


def test_a_schedule_catches_up_small_delays_and_forgets_large_ones() -> None:
    assert next_due(None, 7.0, 0.1) == 7.0
    assert next_due(7.0, 7.05, 0.1) == pytest.approx(7.1)
    assert next_due(7.0, 7.15, 0.1) == pytest.approx(7.1)
    assert next_due(7.0, 9.0, 0.1) == 9.0
