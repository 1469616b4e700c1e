"""The attack on summaries uses the device's own code, and finds what is not protected."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from edge_agent.config import PrivacySettings
from edge_agent.privacy.disclosure import BASELINES, GROUP
from qa.summary_attack import LABELS, counts, guess, learn, limit, one_more, publish, replay, the_others

PRIVACY = PrivacySettings(level="summary")


def test_the_informed_attacker_replays_exactly_what_the_device_decided() -> None:
    for seed in range(5):
        rng = np.random.default_rng(seed)
        windows = counts(the_others(rng, 24)) + counts(one_more(rng, "present_happy", 1))
        published = publish(windows, PRIVACY, rng)
        assert published.passed is not None
        thresholds = np.array([[published.thresholds[name] for name in (GROUP, *LABELS, BASELINES)]])
        levels = replay(windows, published.blocks, PRIVACY, thresholds)[0]
        assert (levels * (levels[:, :1] > 0) == published.passed).all()


def test_the_limit_of_all_attackers_is_what_many_thresholds_give() -> None:
    rng = np.random.default_rng(3)
    others = counts(the_others(rng, 24))
    one, other = (others + counts(one_more(rng, "happy", bit)) for bit in (0, 1))
    blocks = publish(one, PRIVACY, rng).blocks
    thresholds = rng.random((4000, len(LABELS) + 2))
    said = [replay(windows, blocks, PRIVACY, thresholds) for windows in (one, other)]
    said = [levels * (levels[:, :, :1] > 0) for levels in said]
    chances = [Counter(levels.tobytes() for levels in lessons) for lessons in said]
    distance = sum(abs(chances[0][key] - chances[1][key]) for key in chances[0] | chances[1]) / 2 / len(thresholds)
    assert limit(one, other, blocks, PRIVACY) == pytest.approx(distance, abs=0.02)
    assert limit(one, one, blocks, PRIVACY) == pytest.approx(0.0)


def test_the_learned_attacker_learns_what_can_be_learned() -> None:
    rng = np.random.default_rng(1)
    truth = rng.integers(2, size=400)
    inputs = rng.normal(size=(400, 50))
    inputs[:, 7] += 2.0 * truth
    model = learn(inputs[:200], truth[:200])
    assert (guess(model, inputs[200:]) == truth[200:]).mean() > 0.7


def test_without_the_defence_a_lesson_gives_one_member_away() -> None:
    rng = np.random.default_rng(2)
    exact = PrivacySettings(level="summary", blur=0)
    others = counts(the_others(rng, 24))
    happy, neutral = (
        publish(others + counts(one_more(rng, "happy", bit)), exact, rng).figures[60:-60].mean(0) for bit in (1, 0)
    )
    place = 2 + LABELS.index("happy")
    assert happy[place] - neutral[place] > 0.02
