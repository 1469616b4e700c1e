"""All attackers against simulated lessons, with the defence and without."""

from __future__ import annotations

from typing import Final

import numpy as np

from edge_agent.config import PrivacySettings
from qa.summary_attack.informed import informed_guess
from qa.summary_attack.learned import boost, features, guess, learn
from qa.summary_attack.lessons import counts, in_a_mood, one_more, the_others
from qa.summary_attack.publishing import publish
from qa.summary_attack.results import Result, guess_result

_EXACT_EVERY: Final = 4
"""Without the defence so few of the lessons are enough to see that it is needed."""
_FOLDS: Final = 4


def attack(secret: str, mood: str, lessons: int, group: int, privacy: PrivacySettings, seed: int) -> list[Result]:
    """All attackers against lessons with and without the defence."""
    rng = np.random.default_rng([seed, *secret.encode(), *mood.encode()])
    open_privacy = PrivacySettings(level="summary", min_group=privacy.min_group, blur=0)
    truth = rng.integers(2, size=lessons)
    defended, exact, informed = [], [], []
    for index, bit in enumerate(truth.tolist()):
        room, merry = in_a_mood(rng, the_others(rng, group), mood)
        others = counts(room)
        windows = others + counts(one_more(rng, secret, merry)[bit])
        published = publish(windows, privacy, rng)
        defended.append(features(published, others))
        if index % _EXACT_EVERY == 0:
            exact.append(features(publish(windows, open_privacy, rng), others))
        again = [[others + counts(shown) for shown in one_more(rng, secret, merry)] for _ in range(2)]
        both = [lesson[0] for lesson in again], [lesson[1] for lesson in again]
        informed.append(informed_guess(published, both, privacy, rng))
    results = [guess_result(secret, mood, "informed", True, np.array(informed) == truth)]
    for is_defended, inputs, bits in (
        (True, np.array(defended), truth),
        (False, np.array(exact), truth[::_EXACT_EVERY]),
    ):
        folds = np.arange(len(inputs)) % _FOLDS
        learned, boosted = np.zeros((2, len(inputs)), np.int64)
        for fold in range(_FOLDS):
            here, rest = folds == fold, folds != fold
            learned[here] = guess(learn(inputs[rest], bits[rest]), inputs[here])
            boosted[here] = boost(inputs[rest], bits[rest])(inputs[here])
        results.append(guess_result(secret, mood, "learned", is_defended, learned == bits))
        results.append(guess_result(secret, mood, "boosted", is_defended, boosted == bits))
    return results
