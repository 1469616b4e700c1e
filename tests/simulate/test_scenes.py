"""Drawn scenes with people who move."""

from __future__ import annotations

import numpy as np
import pytest

from edge_agent.simulate.scenes import HEIGHT_PX, SCENES, WIDTH_PX, Scene, bending, entering, sitting, walking


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_every_scene_shows_somebody_and_is_the_same_each_time(scene: Scene) -> None:
    image = scene.render(3.0)
    assert image.shape == (HEIGHT_PX, WIDTH_PX, 3)
    assert (image == scene.render(3.0)).all()
    assert any(scene.truth(frame / 2) for frame in range(round(2 * scene.seconds)))


def test_a_walker_crosses_at_the_speed_asked_for_and_is_gone_afterwards() -> None:
    path = walking(4.0, 50.0, 200.0, start_s=1.0)
    assert path(0.9) is None
    before, after = path(2.0), path(3.0)
    assert before is not None
    assert after is not None
    assert after.x - before.x == pytest.approx(4.0 * 50.0)
    assert path(1.0 + (WIDTH_PX + 110.0) / 200.0) is None


def test_who_bends_down_is_not_visible_meanwhile() -> None:
    path = bending(300.0, 300.0, 80.0, at_s=2.0, away_s=1.5)
    visible = [place is not None and place.visible for place in map(path, (1.0, 2.75, 4.5))]
    assert visible == [True, False, True]


def test_who_enters_sits_down_and_leaves_again() -> None:
    path = entering(600.0, 300.0, 80.0, start_s=0.0, stay_s=2.0)
    way_s = (WIDTH_PX + 80.0 - 600.0) / 160.0
    seated = path(way_s + 1.0)
    assert seated is not None
    assert seated.x == pytest.approx(600.0)
    assert path(2 * way_s + 2.1) is None


def test_who_is_hidden_by_somebody_in_front_is_not_in_the_truth() -> None:
    scene = Scene("pair", 1.0, (sitting(300.0, 300.0, 80.0, sway=0.0), sitting(310.0, 300.0, 90.0, sway=0.0)))
    assert set(scene.truth(0.0)) == {1}


def test_a_picture_on_the_wall_is_drawn_and_is_nobody() -> None:
    poster = next(scene for scene in SCENES if scene.pictures)
    without = Scene(poster.name, poster.seconds, poster.paths)
    assert set(poster.truth(1.0)) == set(without.truth(1.0))
    assert np.abs(poster.render(1.0).astype(int) - without.render(1.0)).max() > 50
