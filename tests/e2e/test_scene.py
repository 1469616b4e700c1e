"""A minute of the simulated classroom in simulated time: what was drawn is what is published."""

from __future__ import annotations

import pytest

from edge_agent.demo.score import SceneScore
from edge_agent.simulate import SimulatedClassroom
from edge_agent.types import Frame
from tests.test_pipeline import make_pipeline

FPS = 4.0
SECONDS = 50


@pytest.fixture(scope="module")
def score() -> SceneScore:
    scene = SimulatedClassroom(8, 800, 600, seed=7)
    pipeline, result = make_pipeline(), SceneScore()
    for index in range(int(SECONDS * FPS)):
        now = index / FPS
        observation = pipeline.step(Frame(scene.render(now), now, index))
        result.add(scene.truth(now), observation.faces, now)
    return result


@pytest.mark.slow
def test_nearly_everybody_is_tracked_nearly_all_the_time(score: SceneScore) -> None:
    assert score.faces_seen == score.faces_simulated
    assert score.presence_share >= 0.9


@pytest.mark.slow
def test_at_least_five_of_the_seven_expressions_are_recognised_as_drawn(score: SceneScore) -> None:
    shares = score.recognised()
    assert len(shares) == 7, "the scene is too short to show all seven"
    assert sum(share > 0.5 for share in shares.values()) >= 5, shares
