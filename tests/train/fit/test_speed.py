"""The fastest precision and number of threads are measured before a long training."""

from __future__ import annotations

import msgspec
import pytest

from edge_agent.errors import InputError
from tests.train.fit.test_trainer import RECIPE
from train.common.precision import FASTEST
from train.fit.speed import MIN_IMAGES_TO_MEASURE, Speed, choose_speed, fastest_of, measure_speeds

FASTEST_RECIPE = msgspec.structs.replace(RECIPE, precision=FASTEST)


def speed(precision: str, threads: int, images_per_s: float) -> Speed:
    return Speed(precision=precision, threads=threads, images_per_s=images_per_s)


def test_the_fastest_is_chosen() -> None:
    slow, fast = speed("float32", 4, 400.0), speed("mixed_bfloat16", 2, 600.0)
    assert fastest_of([slow, fast]) is fast


def test_of_two_as_fast_the_full_precision_on_more_threads_is_chosen() -> None:
    usual = speed("float32", 4, 590.0)
    assert fastest_of([speed("float32", 2, 600.0), speed("mixed_bfloat16", 4, 605.0), usual]) is usual


def test_a_short_training_is_not_held_up_by_measuring() -> None:
    assert choose_speed(FASTEST_RECIPE, 100, 2) == speed("float32", 0, 0.0)


def test_without_a_network_nothing_can_be_measured() -> None:
    with pytest.raises(InputError, match="a network to measure with"):
        choose_speed(msgspec.structs.replace(FASTEST_RECIPE, model=""), MIN_IMAGES_TO_MEASURE, 2)


def test_each_precision_is_measured_with_all_threads() -> None:
    found = measure_speeds(msgspec.structs.replace(FASTEST_RECIPE, batch_size=8), 2)
    assert {one.precision for one in found} == {"float32", "mixed_bfloat16"}
    assert all(one.images_per_s > 0 for one in found)
