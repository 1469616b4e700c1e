"""What the cheap looks at frames tell: movement, and where faces went."""

from __future__ import annotations

import numpy as np
import pytest

from edge_agent.types import Box, Image
from edge_agent.vision.motion import Look, MotionWatch

FACE = Box(300, 200, 80)


def wall(seed: int = 1, height: int = 720, width: int = 1280) -> Image:
    """Something with texture on every scale."""
    rng = np.random.default_rng(seed)
    coarse = np.kron(rng.integers(60, 190, (height // 8 + 1, width // 8 + 1)), np.ones((8, 8)))[:height, :width]
    levels = np.asarray(coarse + rng.integers(-6, 7, coarse.shape), np.uint8)
    image: Image = np.ascontiguousarray(np.dstack([levels] * 3), np.uint8)
    return image


WALL = wall()


def patched(image: Image, box: Box, pattern_seed: int) -> Image:
    """The image with a textured square in it."""
    changed = image.copy()
    top, left, side = int(box.top), int(box.left), int(box.side)
    changed[top : top + side, left : left + side] = wall(pattern_seed, side, side)
    return np.asarray(changed, np.uint8)


def look_twice(first: Image, second: Image, known: tuple[Box, ...] = (), gap_s: float = 0.1) -> Look:
    watch = MotionWatch()
    watch.look(first, known, 100.0)
    return watch.look(second, known, 100.0 + gap_s)


def test_the_first_frame_has_nothing_to_be_compared_with() -> None:
    look = MotionWatch().look(WALL, (), 100.0)
    assert look == Look(gap_s=None, moved=(), moved_share=0.0)


def test_equal_frames_show_no_movement() -> None:
    look = look_twice(WALL, WALL)
    assert (look.moved, look.moved_share) == ((), 0.0)
    assert look.gap_s == pytest.approx(0.1)


@pytest.mark.parametrize("gain", [0.7, 0.9, 1.15])
def test_light_that_changes_everywhere_is_no_movement(gain: float) -> None:
    assert look_twice(WALL, (WALL * gain).astype(np.uint8)).moved == ()


def test_sensor_noise_is_no_movement() -> None:
    noise = np.random.default_rng(3).normal(0, 6, WALL.shape)
    assert look_twice(WALL, np.clip(WALL + noise, 0, 255).astype(np.uint8)).moved == ()


def test_who_appears_is_a_region_that_holds_them() -> None:
    moved = look_twice(WALL, patched(WALL, FACE, 5)).moved
    assert len(moved) == 1
    assert moved[0].holds(*FACE.center)
    assert moved[0].width < 3 * FACE.side


def test_what_moves_at_a_known_face_belongs_to_it() -> None:
    assert look_twice(WALL, patched(WALL, FACE, 5), known=(FACE,)).moved == ()


def test_what_moves_slowly_is_seen_against_an_older_frame() -> None:
    watch, seen = MotionWatch(), []
    for step in range(6):
        frame = patched(WALL, Box(300 + 4 * step, 200, 80), 5)
        seen.append(bool(watch.look(frame, (), 100.0 + step / 10).moved))
    assert any(seen[3:])


def test_frames_of_another_size_are_not_compared() -> None:
    look = look_twice(WALL, np.ascontiguousarray(WALL[:480, :640]))
    assert (look.gap_s, look.moved) == (None, ())


@pytest.mark.parametrize(("right", "down"), [(6, 0), (0, -5), (12, 8)])
def test_a_face_is_followed_to_where_it_moved(right: int, down: int) -> None:
    watch = MotionWatch()
    watch.look(patched(WALL, FACE, 5), (), 100.0)
    watch.look(patched(WALL, Box(FACE.left + right, FACE.top + down, FACE.side), 5), (), 100.1)
    followed = watch.follow({"a": (FACE, FACE)})["a"]
    assert followed.left == pytest.approx(FACE.left + right, abs=2.0)
    assert followed.top == pytest.approx(FACE.top + down, abs=2.0)
    assert followed.side == FACE.side


def test_a_face_that_something_else_has_replaced_is_not_followed() -> None:
    watch = MotionWatch()
    watch.look(patched(WALL, FACE, 5), (), 100.0)
    watch.look(patched(WALL, FACE, 6), (), 100.1)
    assert watch.follow({"a": (FACE, FACE)}) == {}


def test_each_face_is_followed_for_itself() -> None:
    other = Box(800, 400, 60)
    watch = MotionWatch()
    watch.look(patched(patched(WALL, FACE, 5), other, 7), (), 100.0)
    watch.look(patched(patched(WALL, FACE, 5), Box(808, 400, 60), 7), (), 100.1)
    followed = watch.follow({"a": (FACE, FACE), "b": (other, other)})
    assert followed["a"].left == pytest.approx(300, abs=1.0)
    assert followed["b"].left == pytest.approx(808, abs=1.5)


def test_gray_frames_and_faces_over_the_edge_do_as_well() -> None:
    watch = MotionWatch()
    watch.look(WALL[:, :, 0], (), 100.0)
    watch.look(WALL[:, :, 0], (), 100.1)
    assert watch.follow({"a": (Box(-30, 690, 60), Box(-30, 690, 60))}).keys() <= {"a"}
    assert watch.follow({}) == {}
