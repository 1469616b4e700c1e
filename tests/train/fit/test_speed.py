"""The fastest precision and number of threads are measured before a long training."""

from __future__ import annotations

import json
import subprocess

import msgspec
import pytest

from edge_agent.errors import InputError
from tests.train.faces import bright_halves, two_to_one
from tests.train.fit.test_trainer import RECIPE
from train.common.precision import FASTEST
from train.fit.cli import _with_precision
from train.fit.recipe import Phase, Recipe
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


def test_only_images_that_are_trained_on_count_for_the_length_of_a_training(monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[int] = []

    def choose(_: Recipe, images: int, __: int) -> Speed:
        counted.append(images)
        return speed("float32", 0, 0.0)

    monkeypatch.setattr("train.fit.speed.choose_speed", choose)
    faces = bright_halves()
    for recipe in (FASTEST_RECIPE, msgspec.structs.replace(FASTEST_RECIPE, limit=10)):
        _with_precision(recipe, None, faces, two_to_one(faces), [bright_halves(40)])
    assert counted == [64 + 40, 10 + 40]


def test_without_a_network_nothing_can_be_measured() -> None:
    with pytest.raises(InputError, match="a network to measure with"):
        choose_speed(msgspec.structs.replace(FASTEST_RECIPE, model=""), MIN_IMAGES_TO_MEASURE, 2)


@pytest.mark.parametrize(
    ("model", "side_px", "any_size"), [("paper-4", 48, False), ("edge", 48, False), ("edge", 32, True)]
)
def test_the_network_is_measured_with_the_size_that_it_is_trained_with(
    model: str, side_px: int, any_size: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, object]] = []

    def answer(*_: object, **given: bytes) -> subprocess.CompletedProcess[bytes]:
        asked.append(json.loads(given["input"]))
        return subprocess.CompletedProcess([], 0, stdout=b"[]")

    monkeypatch.setattr("train.fit.speed.subprocess.run", answer)
    phases = (Phase(epochs=1, side_px=side_px), Phase(epochs=1))
    measure_speeds(msgspec.structs.replace(FASTEST_RECIPE, model=model, phases=phases), 2)
    assert {one["any_size"] for one in asked} == {any_size}


def test_a_measurement_that_fails_is_told_with_its_reason(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise subprocess.CalledProcessError(1, "train.fit.speed", stderr=b"Traceback:\nMemoryError: no room\n\n")

    monkeypatch.setattr("train.fit.speed.subprocess.run", fail)
    assert choose_speed(FASTEST_RECIPE, MIN_IMAGES_TO_MEASURE, 2) == speed("float32", 0, 0.0)
    assert "could not be measured: MemoryError: no room" in caplog.text


def test_each_precision_is_measured_with_all_threads() -> None:
    found = measure_speeds(msgspec.structs.replace(FASTEST_RECIPE, batch_size=8), 2)
    assert {one.precision for one in found} == {"float32", "mixed_bfloat16"}
    assert all(one.images_per_s > 0 for one in found)
