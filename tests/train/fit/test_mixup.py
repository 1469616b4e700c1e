"""Pictures blended with others: what batches hold, for labels, votes, teachers and several hosts alike."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.train.faces import bright_halves, two_to_one
from tests.train.fit.test_distillation import CLASSES, teacher
from tests.train.fit.test_trainer import RECIPE
from train.fit.augment import Augmentation
from train.fit.batches import EpochBatches, Examples, Variation, one_hot
from train.fit.degradation import Degradation
from train.fit.distillation import TeacherModels
from train.fit.inputs import TrainingInputs
from train.fit.mixup import draw_mixing
from train.fit.recipe import Recipe, load_recipe
from train.fit.resuming import RunMismatch
from train.fit.run_dir import RunDir
from train.fit.trainer import fit

MIXED = Augmentation(mixup=1.0)
EVEN = np.random.default_rng(4).integers(0, 256, 40).astype(np.uint8)
"""A level for each picture of a set in which every picture has one level alone."""


def even_faces() -> NDArray[np.uint8]:
    return np.tile(EVEN[:, None, None, None], (1, 48, 48, 1))


def batches(examples: Examples, how: Augmentation = MIXED, size: int = 40, **given: object) -> EpochBatches:
    variation = Variation(how, given.pop("degradation", Degradation()))  # type: ignore[arg-type]
    return EpochBatches(examples, variation, **{"epoch": 2, "seed": 7, "batch_size": size, **given})  # type: ignore[arg-type]


def test_targets_are_blended_as_the_pictures_are() -> None:
    levels = np.asarray(np.stack([255.0 - EVEN, EVEN], axis=1) / 255, np.float32)
    images, targets = batches(Examples(even_faces(), levels))[0]
    np.testing.assert_allclose(images[:, 0, 0, 0] / 255, targets[:, 1], atol=0.5 / 255 + 1e-6)
    np.testing.assert_allclose(targets.sum(axis=1), 1.0, rtol=1e-6)
    assert np.sum(~np.isin(images[:, 0, 0, 0], EVEN)) > 20, "most pictures are none that was there before"


def test_every_picture_stays_at_least_half_itself() -> None:
    mixing = draw_mixing(1000, 1.0, 16, np.random.default_rng(0))
    assert mixing.own.min() >= 0.5
    assert mixing.own.mean() == pytest.approx(0.75, abs=0.02)


@pytest.mark.parametrize("images", [1, 2, 16, 17, 40])
def test_a_partner_is_another_picture_of_the_same_chunk(images: int) -> None:
    places = np.arange(images)
    met = np.zeros((images, images), np.bool_)
    for seed in range(200):
        partners = draw_mixing(images, 0.2, 16, np.random.default_rng(seed)).partners
        np.testing.assert_array_equal(partners // 16, places // 16)
        met[places, partners] = True
    same_chunk = places[:, None] // 16 == places // 16
    alone = same_chunk.sum(axis=1) == 1
    np.testing.assert_array_equal(met, same_chunk & (~np.eye(images, dtype=bool) | alone[:, None]))


def test_a_smaller_number_blends_less() -> None:
    shares = [draw_mixing(2000, alpha, 16, np.random.default_rng(1)).own.mean() for alpha in (0.1, 0.4, 1.0, 4.0)]
    assert sorted(shares, reverse=True) == shares
    assert shares[0] > 0.9


def test_half_the_variation_blends_less_and_none_not_at_all() -> None:
    assert MIXED.times(0.5).mixup == 0.5
    examples = Examples(even_faces(), one_hot(np.zeros(40, np.int64), 2))
    plain, none = batches(examples, Augmentation())[0], batches(examples, MIXED.times(0.0))[0]
    np.testing.assert_array_equal(plain[0], none[0])


def test_the_teacher_answers_for_the_blended_picture_and_labels_keep_their_part(tmp_path: Path) -> None:
    faces = bright_halves(40)
    teachers = TeacherModels([teacher(tmp_path)], CLASSES)
    weights = np.where(np.arange(40) % 2 == 0, 0.25, 1.0).astype(np.float32)
    targets = np.hstack([one_hot(faces.labels, 2) * (weights < 1.0)[:, None], one_hot(faces.labels, 2)])
    shown, mixed = batches(Examples(faces.images, targets, teachers=(teachers, weights)))[0]
    labels_alone = np.hstack([(1.0 - weights[:, None]) * targets[:, :2], targets[:, 2:], weights[:, None]])
    _, parts = batches(Examples(faces.images, labels_alone.astype(np.float32)))[0]
    answers = teachers.answers(shown.astype(np.uint8))
    np.testing.assert_allclose(mixed[:, :2], parts[:, :2] + parts[:, 4:] * answers, atol=1e-6)
    np.testing.assert_allclose(mixed[:, 2:], parts[:, 2:4], atol=1e-6)
    np.testing.assert_allclose(mixed[:, :2].sum(axis=1), 1.0, atol=1e-5)


def test_teachers_see_the_blended_picture_before_it_is_degraded(tmp_path: Path) -> None:
    faces = bright_halves(40)
    examples = Examples(
        faces.images, one_hot(faces.labels, 2), teachers=(TeacherModels([teacher(tmp_path)], CLASSES), 1.0)
    )
    clear, dark = batches(examples)[0], batches(examples, degradation=Degradation(share=1.0, darkness=0.9))[0]
    np.testing.assert_array_equal(clear[1], dark[1])
    assert dark[0].mean() < clear[0].mean()


@pytest.mark.parametrize("hosts", [2, 4])
def test_the_shards_of_all_hosts_put_together_are_the_batch(hosts: int, tmp_path: Path) -> None:
    faces = bright_halves(120)
    teachers = TeacherModels([teacher(tmp_path)], CLASSES)
    examples = Examples(faces.images, one_hot(faces.labels, 2), teachers=(teachers, 0.5))
    how = Augmentation(flip=True, shift_px=4, noise=0.2, erase=0.5, mixup=0.6)
    whole = batches(examples, how)[1]
    parts = [batches(examples, how, shard=(host, hosts))[1] for host in range(hosts)]
    for index in range(2):
        np.testing.assert_allclose(np.concatenate([part[index] for part in parts]), whole[index], atol=1e-6)


def test_the_same_epoch_blends_the_same_and_another_does_not() -> None:
    examples = Examples(even_faces(), one_hot(np.zeros(40, np.int64), 2))
    first, again, other = batches(examples)[0], batches(examples)[0], batches(examples, epoch=3)[0]
    np.testing.assert_array_equal(first[0], again[0])
    assert sorted(first[0][:, 0, 0, 0]) != sorted(other[0][:, 0, 0, 0])


def test_colour_pictures_are_blended_too() -> None:
    faces = bright_halves(40, channels=3)
    shown, targets = batches(Examples(faces.images, one_hot(faces.labels, 2)))[0]
    assert shown.shape == (40, 48, 48, 3)
    assert np.any((targets > 0.0) & (targets < 1.0))


def test_a_training_with_it_learns_and_is_not_continued_without(tmp_path: Path) -> None:
    faces = bright_halves()
    recipe: Recipe = msgspec.structs.replace(RECIPE, augmentation=Augmentation(shift_px=2, brightness=0.1, mixup=0.2))
    run = RunDir(tmp_path / "run")
    fit(TrainingInputs(recipe, faces, two_to_one(faces)), run)
    assert run.metrics()[-1].val_accuracy >= 0.9
    with pytest.raises(RunMismatch, match=r"recipe, augmentation\.mixup: got 0\.0, expected 0\.2"):
        fit(TrainingInputs(RECIPE, faces, two_to_one(faces)), run, resume=True)


def test_a_recipe_in_toml_names_it(tmp_path: Path) -> None:
    text = (Path("train/fit/recipes") / "finetune.toml").read_text()
    (tmp_path / "mine.toml").write_text(text.replace("[augmentation]\n", "[augmentation]\nmixup = 0.3\n"))
    assert load_recipe(str(tmp_path / "mine.toml")).augmentation.mixup == 0.3
