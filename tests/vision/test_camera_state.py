"""What frames and silences mean, without a camera and without waiting."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest

from edge_agent.types import Image
from edge_agent.vision.camera_state import (
    CameraState,
    FrameDigest,
    FrameHistory,
    assess,
    digest,
    extended,
    silence_limit_s,
)

NOISE = np.random.default_rng(3)


def classroom(level: float = 120.0) -> Image:
    return np.clip(NOISE.normal(level, 4, (24, 32, 3)), 0, 255).astype(np.uint8)


def states_after(images: Iterable[Image], fps: float = 10.0, live: bool = True) -> list[CameraState]:
    """The state after each image of a camera that delivers them at ``fps``."""
    history: FrameHistory | None = None
    states = []
    for index, image in enumerate(images):
        history = extended(history, digest(image), index / fps)
        states.append(assess(history, index / fps, live)[0])
    return states


def test_a_lit_classroom_is_ok() -> None:
    assert set(states_after(classroom() for _ in range(150))) == {CameraState.OK}


def test_black_pictures_count_as_dark_only_after_three_seconds() -> None:
    states = states_after(classroom(3.0) for _ in range(32))
    assert states[:30] == [CameraState.OK] * 30
    assert states[30:] == [CameraState.DARK] * 2


def test_a_blink_of_light_starts_the_wait_for_darkness_anew() -> None:
    states = states_after([classroom(3.0)] * 20 + [classroom()] + [classroom(3.0)] * 25)
    assert CameraState.DARK not in states


def test_a_level_between_the_two_limits_keeps_dark_dark_and_bright_bright() -> None:
    twilight = [np.full((24, 32, 3), 14, np.uint8)] * 5
    assert set(states_after(twilight * 10)) == {CameraState.OK}
    assert states_after([classroom(3.0)] * 40 + twilight)[-5:] == [CameraState.DARK] * 5


def test_equal_pictures_count_as_frozen_after_ten_seconds() -> None:
    states = states_after([classroom()] * 102)
    assert states[:100] == [CameraState.OK] * 100
    assert states[100:] == [CameraState.FROZEN] * 2


def test_one_different_picture_thaws() -> None:
    assert states_after([*[classroom()] * 120, classroom()])[-1] is CameraState.OK


def test_a_still_photo_is_not_frozen() -> None:
    assert set(states_after([classroom()] * 150, live=False)) == {CameraState.OK}


def test_a_covered_lens_is_dark_rather_than_frozen() -> None:
    assert states_after([np.zeros((24, 32, 3), np.uint8)] * 150)[-1] is CameraState.DARK


@pytest.mark.parametrize("state", [CameraState.DARK, CameraState.FROZEN])
def test_the_reason_says_what_to_check(state: CameraState) -> None:
    level = 2.0 if state is CameraState.DARK else 90.0
    history = extended(extended(None, FrameDigest(level, 1), 0.0), FrameDigest(level, 1), 60.0)
    assessed, reason = assess(history, 60.0, live=True)
    assert assessed is state
    assert "Check the lens" in reason or "Unplug" in reason


def test_a_difference_of_one_level_in_a_looked_at_row_changes_the_fingerprint() -> None:
    image = classroom()
    other = image.copy()
    other[16, 20, 1] ^= 1
    assert digest(image) == digest(image.copy())
    assert digest(image).fingerprint != digest(other).fingerprint


def test_a_slow_camera_is_given_three_frames_of_silence() -> None:
    assert silence_limit_s(stall_s=2.0, fps=1.0) == 3.0
    assert silence_limit_s(stall_s=10.0, fps=10.0) == 10.0
