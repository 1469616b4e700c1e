"""Random variations of faces and the batches made of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.train.faces import bright_halves
from train.fit.augment import Augmentation, vary
from train.fit.batches import EpochBatches, Examples, Variation, one_hot

FULL = Augmentation(
    flip=True,
    scale=0.2,
    shift_px=5,
    rotation_rad=0.2,
    brightness=0.2,
    contrast=0.3,
    gamma=0.4,
    blur_px=1.5,
    noise=0.1,
    erase=0.5,
)


def batches(epoch: int, how: Augmentation = FULL, side_px: int = 48) -> EpochBatches:
    faces = bright_halves(40)
    targets = one_hot(faces.labels, 2)
    return EpochBatches(
        Examples(faces.images, targets), Variation(how, side_px=side_px), epoch=epoch, seed=5, batch_size=16
    )


def test_without_augmentation_a_face_stays_as_it_is() -> None:
    face = bright_halves(1).images[0]
    np.testing.assert_array_equal(vary(face, Augmentation(), np.random.default_rng(0), 48), face)


def test_a_flip_mirrors_exactly() -> None:
    face = np.arange(48 * 48, dtype=np.uint8).reshape(48, 48, 1)
    seen = {vary(face, Augmentation(flip=True), np.random.default_rng(seed), 48).tobytes() for seed in range(20)}
    assert seen == {face.tobytes(), face[:, ::-1].tobytes()}


def test_half_the_augmentation_goes_half_as_far_and_flips_as_often() -> None:
    half = FULL.times(0.5)
    assert (half.flip, half.scale, half.shift_px, half.erase) == (True, 0.1, 2.5, 0.25)


def test_another_tone_curve_keeps_black_white_and_the_order_of_levels() -> None:
    levels = np.repeat(np.arange(256, dtype=np.uint8), 9).reshape(48, 48, 1)
    middles = set()
    for seed in range(50):
        varied = vary(levels, Augmentation(gamma=0.4), np.random.default_rng(seed), 48).ravel().astype(int)
        assert (varied[0], varied[-1]) == (0, 255)
        assert np.all(np.diff(varied) >= 0)
        middles.add(int(varied[len(varied) // 2]))
    assert min(middles) < 115 < 140 < max(middles)


def test_a_shift_moves_by_no_more_than_it_may() -> None:
    face = np.zeros((48, 48, 1), np.uint8)
    face[24, 24] = 255
    for seed in range(50):
        varied = vary(face, Augmentation(shift_px=5), np.random.default_rng(seed), 48)
        row, column = np.unravel_index(int(varied.argmax()), (48, 48))
        assert abs(row - 24) <= 6
        assert abs(column - 24) <= 6


@given(seed=st.integers(0, 2**32 - 1), side_px=st.sampled_from([32, 40, 48]), channels=st.sampled_from([1, 3]))
def test_any_variation_has_the_asked_shape_and_type(seed: int, side_px: int, channels: int) -> None:
    face = bright_halves(1, channels=channels).images[0]
    varied = vary(face, FULL, np.random.default_rng(seed), side_px)
    assert varied.shape == (side_px, side_px, channels)
    assert varied.dtype == np.uint8


def test_the_same_epoch_gives_the_same_batches_in_any_order() -> None:
    forwards, backwards = batches(3), batches(3)
    last = backwards[1]
    np.testing.assert_array_equal(forwards[0][0], backwards[0][0])
    np.testing.assert_array_equal(forwards[1][0], last[0])


def test_another_epoch_gives_other_pictures() -> None:
    assert not np.array_equal(batches(3)[0][0], batches(4)[0][0])


def test_an_epoch_shows_every_image_at_most_once_and_drops_the_partial_batch() -> None:
    epoch = batches(0, Augmentation())
    shown = np.concatenate([epoch[index][0] for index in range(len(epoch))])
    assert len(shown) == 32
    assert len({image.tobytes() for image in shown}) == 32


def test_pictures_keep_their_labels() -> None:
    images, targets = batches(0, Augmentation())[0]
    right_is_brighter = images[:, :, 24:].mean(axis=(1, 2, 3)) > images[:, :, :24].mean(axis=(1, 2, 3))
    np.testing.assert_array_equal(targets.argmax(axis=1), right_is_brighter.astype(int))


def test_erasing_happens_as_often_as_asked() -> None:
    face = bright_halves(1).images[0]
    changed = [
        not np.array_equal(vary(face, Augmentation(erase=0.5), np.random.default_rng(seed), 48), face)
        for seed in range(400)
    ]
    assert np.mean(changed) == pytest.approx(0.5, abs=0.1)
