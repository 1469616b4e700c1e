"""The attack on summaries uses the device's own code, and finds what is not protected."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from edge_agent.config import PrivacySettings
from qa.summary_attack.informed import replay
from qa.summary_attack.learned import boost, guess, learn
from qa.summary_attack.lessons import LABELS, MOODS, counts, in_a_mood, one_more, the_others
from qa.summary_attack.limits import limit
from qa.summary_attack.publishing import FIGURES, publish
from qa.summary_attack.thresholds import block_values, judged_blocks, passed_thresholds, ranges

PRIVACY = PrivacySettings(level="summary")
CALM = np.zeros(2700, bool)


@pytest.mark.parametrize("mood", MOODS)
@pytest.mark.parametrize("group", [9, 24, 34])
def test_the_informed_attacker_replays_exactly_what_the_device_decided(mood: str, group: int) -> None:
    rng = np.random.default_rng(group)
    room, merry = in_a_mood(rng, the_others(rng, group), mood)
    windows = counts(room) + counts(one_more(rng, "present_happy", merry)[1])
    published = publish(windows, PRIVACY, rng)
    assert published.passed is not None
    shares = np.array([[published.thresholds[name] for name in FIGURES]])
    levels = replay(windows, published, PRIVACY, shares)[0]
    assert (levels * (levels[:, :1] > 0) == published.passed).all()


def test_the_limit_of_all_attackers_is_what_many_thresholds_give() -> None:
    rng = np.random.default_rng(3)
    room, merry = in_a_mood(rng, the_others(rng, 24), "swing")
    others = counts(room)
    one, other = (others + counts(shown) for shown in one_more(rng, "happy", merry))
    published = publish(one, PRIVACY, rng)
    blocks = published.blocks
    lowest, width, periods = ranges(PRIVACY).T
    thresholds = lowest + width * rng.random((4000, len(LABELS) + 2))
    values = np.stack([block_values(windows, blocks) for windows in (one, other)])
    judged = np.stack([judged_blocks(way[:, 0], PRIVACY.min_group, [1] * 9) for way in values])
    said = passed_thresholds(values, judged, thresholds, periods, PRIVACY.min_group).transpose(0, 2, 1, 3)
    said = said * (said[..., :1] > 0)
    chances = [Counter(levels.tobytes() for levels in lessons) for lessons in said]
    distance = sum(abs(chances[0][key] - chances[1][key]) for key in chances[0] | chances[1]) / 2 / len(thresholds)
    assert distance > 0.02
    assert limit(one, other, blocks, PRIVACY) == pytest.approx(distance, abs=0.02)
    assert limit(one, one, blocks, PRIVACY) == pytest.approx(0.0)


def test_the_limit_counts_a_member_who_decides_when_the_class_has_come() -> None:
    room = np.full((5, 2700), LABELS.index("neutral"))
    room[:, :1000] = -1
    others = counts(room[:4])
    blocks = [0, *range(40, 660, 40), 660]
    assert limit(others, others + counts(room[4:]), blocks, PRIVACY) > 0.0


def test_the_learned_attacker_learns_what_can_be_learned() -> None:
    rng = np.random.default_rng(1)
    truth = rng.integers(2, size=400)
    inputs = rng.normal(size=(400, 50))
    inputs[:, 7] += 2.0 * truth
    model = learn(inputs[:200], truth[:200])
    assert (guess(model, inputs[200:]) == truth[200:]).mean() > 0.7
    assert (boost(inputs[:200], truth[:200])(inputs[200:]) == truth[200:]).mean() > 0.7


def test_the_boosted_attacker_finds_what_no_weighted_sum_shows() -> None:
    rng = np.random.default_rng(4)
    truth = rng.integers(2, size=800)
    inputs = rng.normal(size=(800, 20))
    inputs[:, 3] *= 1.0 + 3.0 * truth
    assert (boost(inputs[:400], truth[:400])(inputs[400:]) == truth[400:]).mean() > 0.7


def test_without_the_defence_a_lesson_gives_one_member_away() -> None:
    rng = np.random.default_rng(2)
    exact = PrivacySettings(level="summary", blur=0)
    others = counts(the_others(rng, 24))
    neutral, happy = (
        publish(others + counts(shown), exact, rng).figures[60:-60].mean(0) for shown in one_more(rng, "happy", CALM)
    )
    place = 2 + LABELS.index("happy")
    assert happy[place] - neutral[place] > 0.02
