"""The simulated classroom as a whole: its pictures follow from seed and time, and its truth is what they show."""

from __future__ import annotations

import numpy as np
import pytest

from edge_agent.model_format.crop import crop_face
from edge_agent.simulate import SimulatedClassroom
from edge_agent.simulate.seating import arrange
from edge_agent.types import Image


def test_the_same_moment_looks_the_same_again() -> None:
    scene = SimulatedClassroom(5, 640, 360, seed=3)
    first = scene.render(12.34)
    scene.render(80.0)
    assert np.array_equal(scene.render(12.34), first)


def test_a_second_classroom_with_the_same_seed_shows_the_same_pixels() -> None:
    one, other = SimulatedClassroom(5, 640, 360, seed=3), SimulatedClassroom(5, 640, 360, seed=3)
    one.render(2.0)  # what was drawn before must not matter
    assert np.array_equal(one.render(31.5), other.render(31.5))
    assert one.truth(31.5) == other.truth(31.5)


def test_another_seed_is_another_class() -> None:
    one, other = SimulatedClassroom(5, 640, 360, seed=3), SimulatedClassroom(5, 640, 360, seed=4)
    assert one.truth(5.0) != other.truth(5.0)
    assert np.mean(one.render(5.0) != other.render(5.0)) > 0.5


@pytest.mark.parametrize(("faces", "width", "height"), [(0, 160, 120), (40, 160, 120), (3, 320, 720), (40, 1920, 400)])
def test_every_size_and_number_gives_a_picture_of_that_size(faces: int, width: int, height: int) -> None:
    scene = SimulatedClassroom(faces, width, height, seed=1)
    image = scene.render(0.0)
    assert (image.shape, image.dtype, len(scene.truth(0.0))) == ((height, width, 3), np.uint8, faces)


def test_forty_faces_stay_large_enough_to_be_found_at_720p() -> None:
    assert min(seat.side for seat in arrange(40, 1280, 720)) >= 48


@pytest.mark.parametrize("faces", [1, 2, 7, 12, 23, 40])
def test_no_face_square_reaches_over_another_or_over_the_edge(faces: int) -> None:
    scene = SimulatedClassroom(faces, 1280, 720, seed=2)
    for t in range(0, 60, 7):
        boxes = [face.box for face in scene.truth(t) if face.present]
        assert all(box.left >= 0 and box.left + box.side <= 1280 and box.top >= 0 for box in boxes)
        assert all(a.iou(b) == 0 for index, a in enumerate(boxes) for b in boxes[:index])


def sharpness(image: Image, scene: SimulatedClassroom, t: float) -> dict[int, float]:
    """By seat, how much detail there is where the truth says that a face is or would be."""
    crops = ((face.seat, crop_face(image, face.box.left, face.box.top, face.box.side)) for face in scene.truth(t))
    return {seat: float(np.std(crop[8:40, 8:40])) for seat, crop in crops}


def test_an_absent_face_is_not_in_the_picture() -> None:
    scene = SimulatedClassroom(12, 960, 540, seed=1)
    away = {t: [face.seat for face in scene.truth(t) if not face.present] for t in map(float, range(0, 100, 3))}
    t = max(away, key=lambda t: len(away[t]))
    assert away[t]
    here = [face.seat for face in scene.truth(t) if face.present]
    # An absent face's square lies behind the desk, where little is to be seen.
    detail = sharpness(scene.render(t), scene, t)
    assert max(detail[seat] for seat in away[t]) < 0.6 * min(detail[seat] for seat in here)


def test_nobody_is_away_for_good_and_everybody_is_away_at_times() -> None:
    scene = SimulatedClassroom(9, 640, 360, seed=5)
    present = np.array([[face.present for face in scene.truth(t)] for t in np.arange(0.0, 400.0, 2.0)])
    share = present.mean(0)
    assert share.min() > 0.7
    assert share.max() < 1.0
    assert present[0].all()


def test_the_lamps_change_the_brightness_of_the_picture() -> None:
    scene = SimulatedClassroom(0, 320, 180, seed=7)
    levels = [float(scene.render(t).mean()) for t in np.arange(0.0, 120.0, 2.0)]
    assert min(levels) < 0.85 * max(levels)
    assert min(levels) > 60
