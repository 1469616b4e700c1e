"""Pictures degraded for training: what may happen to them, how often, and that teachers see them as they were."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.train.faces import bright_halves
from tests.train.fit.test_distillation import CLASSES, teacher
from train.fit.augment import Augmentation
from train.fit.batches import EpochBatches, Examples, Variation, one_hot
from train.fit.degradation import NO_DEGRADATION, Degradation, degrade
from train.fit.distillation import TeacherModels
from train.fit.recipe import load_recipe

ALL = Degradation(share=0.5, cover=True, darkness=0.9, blur_px=2.0, noise=0.1, jpeg=10)
FACE = bright_halves(1).images[0]


def often(how: Degradation, face: NDArray[np.uint8] = FACE, times: int = 60) -> list[NDArray[np.uint8]]:
    return [degrade(face, how, np.random.default_rng(seed)) for seed in range(times)]


@given(seed=st.integers(0, 2**32 - 1), side_px=st.sampled_from([32, 40, 48]), channels=st.sampled_from([1, 3]))
def test_a_degraded_picture_keeps_its_shape_and_type(seed: int, side_px: int, channels: int) -> None:
    face = bright_halves(1, channels=channels).images[0][:side_px, :side_px]
    degraded = degrade(face, ALL, np.random.default_rng(seed))
    assert degraded.shape == face.shape
    assert degraded.dtype == np.uint8


def test_the_picture_given_is_left_alone() -> None:
    before = FACE.copy()
    often(ALL)
    np.testing.assert_array_equal(FACE, before)


def test_nothing_happens_where_all_is_off() -> None:
    assert all(np.array_equal(one, FACE) for one in often(NO_DEGRADATION))
    assert all(np.array_equal(one, FACE) for one in often(Degradation(share=1.0)))


@pytest.mark.parametrize(
    "kind", [{"cover": True}, {"darkness": 0.5}, {"blur_px": 2.0}, {"noise": 0.1}, {"jpeg": 10}], ids=str
)
def test_each_kind_happens_as_often_as_asked(kind: dict[str, Any]) -> None:
    changed = [not np.array_equal(one, FACE) for one in often(Degradation(share=0.3, **kind), times=400)]
    assert np.mean(changed) == pytest.approx(0.3, abs=0.08)


def test_the_upper_part_is_never_covered() -> None:
    face = np.full((48, 48, 1), 255, np.uint8)
    covered = np.stack(often(Degradation(share=1.0, cover=True), face)) != 255
    assert not covered[:, :16].any()
    assert covered[:, 30:, 12:36].mean() > 0.7


def test_no_more_light_is_missing_than_may_be() -> None:
    means = [float(one.mean()) for one in often(Degradation(share=1.0, darkness=0.75))]
    assert min(means) >= 0.25 * FACE.mean() - 1
    assert min(means) < 0.4 * FACE.mean() < 0.8 * FACE.mean() < max(means)


def test_blur_takes_detail_away() -> None:
    detail = [
        float(np.abs(np.diff(one[:, :, 0].astype(int), axis=0)).mean())
        for one in [FACE, *often(Degradation(share=1.0, blur_px=2.0))]
    ]
    assert max(detail[1:]) <= detail[0]
    assert min(detail) < 0.3 * detail[0]


def batch(
    how: Degradation, teachers: tuple[TeacherModels, float] | None = None, shard: tuple[int, int] = (0, 1)
) -> Any:
    faces = bright_halves(40)
    return EpochBatches(
        Examples(faces.images, one_hot(faces.labels, 2), teachers),
        Variation(Augmentation(shift_px=3.0), how),
        epoch=1,
        seed=5,
        batch_size=40,
        shard=shard,
    )[0]


def test_degradation_leaves_the_variations_as_they_are() -> None:
    plain, degraded = batch(NO_DEGRADATION)[0], batch(msgspec.structs.replace(ALL, share=0.1))[0]
    same = (plain == degraded).all(axis=(1, 2, 3))
    assert 0.3 < same.mean() < 0.9


def test_teachers_answer_for_the_picture_before_it_was_degraded(tmp_path: Path) -> None:
    teachers = TeacherModels([teacher(tmp_path)], CLASSES), 1.0
    (plain, of_plain), (degraded, of_degraded) = batch(NO_DEGRADATION, teachers), batch(ALL, teachers)
    assert not np.array_equal(plain, degraded)
    np.testing.assert_array_equal(of_plain, of_degraded)


def test_hosts_degrade_their_shards_as_one_would_the_whole() -> None:
    whole = batch(ALL)[0]
    parts = [batch(ALL, shard=(which, 4))[0] for which in range(4)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_a_recipe_degrades_only_where_it_says_so() -> None:
    assert load_recipe("edge").degradation == NO_DEGRADATION
    assert load_recipe("edge-robust").degradation.share > 0


def test_what_happens_to_pictures_is_described_in_words() -> None:
    assert Degradation(share=0.2, darkness=0.5, jpeg=30).kinds() == ("darkened", "compressed")
    assert Degradation(darkness=0.5).kinds() == NO_DEGRADATION.kinds() == ()
