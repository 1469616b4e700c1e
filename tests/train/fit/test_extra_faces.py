"""Training on several data sets: which faces of the further ones are used, and what becomes their targets."""

from __future__ import annotations

import dataclasses
import logging
import re
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest

from edge_agent.errors import InputError
from edge_agent.model_format.metadata import TRAINING
from export.bundle_metadata import training_data
from tests.support.tflite_models import metadata
from tests.train.faces import bright_halves, two_to_one
from tests.train.fit.test_distillation import DISTILLED, teacher
from tests.train.fit.test_trainer import RECIPE
from tests.train.fit.test_votes import WITH_VOTES, named_faces, votes_like_the_labels
from train.data.dataset import FaceSet
from train.fit.batches import EpochBatches, Examples, Variation
from train.fit.extra_faces import NO_LABEL, choose_extra_faces
from train.fit.inputs import TrainingInputs, prepare_inputs
from train.fit.provenance import provenance_of_bundle
from train.fit.recipe import ExtraUse, Phase, Recipe
from train.fit.resuming import RunMismatch
from train.fit.run_dir import RunDir
from train.fit.trainer import fit

SHORT: Recipe = msgspec.structs.replace(RECIPE, phases=(Phase(epochs=1),), extra=ExtraUse())


def further(count: int = 40, *, classes: tuple[str, ...] = ("left", "right"), name: str = "wild") -> FaceSet:
    return dataclasses.replace(bright_halves(count, seed=9), name=name, classes=classes)


def inputs(recipe: Recipe, *extra: FaceSet, teachers: Sequence[Path] = ()) -> TrainingInputs:
    faces = bright_halves()
    return TrainingInputs(recipe, faces, two_to_one(faces), teachers=teachers, extra=extra)


def test_further_faces_are_trained_on_and_never_validated_on(tmp_path: Path) -> None:
    run = RunDir(tmp_path / "run")
    fit(inputs(SHORT, further()), run)
    record = run.record()
    assert record.images == {"train": 64, "validation": 32, "test": 0}
    assert [(one.name, one.images) for one in record.extra] == [("wild", 40)]
    prepared = prepare_inputs(inputs(SHORT, further()))
    assert len(prepared.training_images) == len(prepared.targets) == 104


def test_their_labels_are_matched_by_name() -> None:
    prepared = prepare_inputs(inputs(SHORT, further(classes=("right", "left"))))
    assert np.array_equal(prepared.targets[64:].argmax(axis=1), 1 - further().labels)


def test_faces_of_classes_the_first_set_lacks_are_left_out_and_said(caplog: pytest.LogCaptureFixture) -> None:
    faces = bright_halves()
    with caplog.at_level(logging.WARNING):
        (chosen,) = choose_extra_faces(SHORT, faces, two_to_one(faces), [further(classes=("left", "contempt"))])
    assert set(chosen.labels) == {0}
    assert "halves has no class contempt" in caplog.text
    caplog.clear()
    usage = np.array(["train"] * 30 + ["test"] * 10)
    parted = dataclasses.replace(further(classes=("left", "contempt")), usage=usage)
    with caplog.at_level(logging.WARNING):
        choose_extra_faces(SHORT, faces, two_to_one(faces), [parted])
    of_training = int((parted.labels[:30] == 1).sum())
    assert f"wild: {of_training} faces are left out" in caplog.text, "the test part is not looked at"


def test_a_class_without_training_images_is_warned_of_after_the_limit_and_with_further_faces(
    caplog: pytest.LogCaptureFixture,
) -> None:
    one_image: Recipe = msgspec.structs.replace(RECIPE, phases=(Phase(epochs=1),), limit=1)
    prepare_inputs(inputs(one_image))
    assert re.search(r"halves: no training image of (left|right): the network will never learn it", caplog.text)
    caplog.clear()
    prepare_inputs(inputs(msgspec.structs.replace(SHORT, limit=1), further()))
    assert "never learn" not in caplog.text


def test_faces_without_a_known_label_serve_where_labels_do_not_count() -> None:
    recipe = msgspec.structs.replace(SHORT, extra=ExtraUse(label_weight=0.0))
    faces = bright_halves()
    (chosen,) = choose_extra_faces(recipe, faces, two_to_one(faces), [further(classes=("faces", "more"))])
    assert len(chosen.images) == 40
    assert set(chosen.labels) == {NO_LABEL}


def test_held_out_faces_of_the_first_set_are_left_out_of_further_ones(caplog: pytest.LogCaptureFixture) -> None:
    faces = bright_halves()
    split = two_to_one(faces)
    copied = np.concatenate([faces.images[split.validation[:3]], further().images[:5]])
    copy = dataclasses.replace(further(8), images=copied)
    (chosen,) = choose_extra_faces(SHORT, faces, split, [copy])
    assert len(chosen.images) == 5
    assert "3 faces are left out: they are held-out faces of halves" in caplog.text


def test_only_the_training_part_of_a_published_split_is_used() -> None:
    usage = np.array(["Training"] * 30 + ["PublicTest"] * 10)
    faces = bright_halves()
    (chosen,) = choose_extra_faces(SHORT, faces, two_to_one(faces), [dataclasses.replace(further(), usage=usage)])
    assert np.array_equal(chosen.images, further().images[:30])


@pytest.mark.parametrize(("label_weight", "of_labels"), [(0.0, 0.0), (0.5, 0.375), (1.0, 0.75)])
def test_the_label_weight_says_how_much_of_their_targets_is_the_labels(
    tmp_path: Path, label_weight: float, of_labels: float
) -> None:
    distillation = msgspec.structs.replace(DISTILLED.distillation, weight=0.25)
    recipe = msgspec.structs.replace(DISTILLED, distillation=distillation, extra=ExtraUse(label_weight=label_weight))
    prepared = prepare_inputs(inputs(recipe, further(), teachers=[teacher(tmp_path)]))
    assert np.allclose(prepared.teacher_shares[:64], 0.25)
    assert prepared.teachers is not None
    batches = EpochBatches(
        Examples(
            prepared.training_images[64:],
            prepared.targets[64:],
            teachers=(prepared.teachers, prepared.teacher_shares[64:]),
        ),
        Variation(recipe.augmentation),
        epoch=0,
        seed=1,
        batch_size=16,
    )
    shown, targets = batches[0]
    answers = prepared.teachers.answers(shown.astype(np.uint8))
    rows = [int(np.flatnonzero((prepared.training_images == face).all(axis=(1, 2, 3)))[0]) for face in shown]
    expected = of_labels * prepared.targets[rows] + (1 - of_labels) * answers
    assert np.allclose(targets, expected, atol=1e-6)


def test_votes_apply_to_the_first_set_alone() -> None:
    faces, recipe = named_faces(), msgspec.structs.replace(WITH_VOTES, extra=ExtraUse())
    given = TrainingInputs(
        recipe,
        faces,
        two_to_one(faces),
        votes=votes_like_the_labels(faces),
        extra=[further(classes=("happy", "sad"))],
    )
    targets = prepare_inputs(given).targets
    assert (targets[64:, :2].max(axis=1) == 1.0).all()
    assert not targets[64:, 2:].any()


def test_the_record_has_the_share_of_each_class_among_all_training_faces(tmp_path: Path) -> None:
    run = RunDir(tmp_path / "run")
    fit(inputs(SHORT, further()), run)
    left = (bright_halves().labels[:64] == 0).sum() + (further().labels == 0).sum()
    assert run.record().prior == pytest.approx({"left": left / 104, "right": 1 - left / 104}, abs=1e-5)


def test_records_and_bundles_state_every_data_set(tmp_path: Path) -> None:
    run = RunDir(tmp_path / "run")
    fit(inputs(SHORT, further()), run)
    record = run.record()
    own, extra = training_data(record)
    assert (own.name, extra.name, extra.use, extra.images) == ("halves", "wild", TRAINING, {"train": 40})
    assert "Their labels counted 100% as much as those of halves" in extra.note
    provenance = record.provenance()
    assert provenance.data == {record.fingerprint: "halves", further().fingerprint(): "wild"}
    assert provenance.splits[further().fingerprint()] == ("training-only",)
    facts = msgspec.structs.replace(metadata(), data=(own, extra))
    assert provenance_of_bundle(facts).data == provenance.data


def test_a_recipe_that_says_nothing_of_further_data_refuses_them() -> None:
    with pytest.raises(InputError, match=r"got a second data set.*\[extra\]"):
        prepare_inputs(inputs(RECIPE, further()))


def test_a_recipe_with_further_data_asks_for_them() -> None:
    with pytest.raises(InputError, match="got one data set"):
        prepare_inputs(inputs(SHORT))


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        pytest.param(bright_halves(), "the same data twice", id="the first set again"),
        pytest.param(bright_halves(8, channels=3, seed=4), "images of 3 channels", id="colour beside gray"),
        pytest.param(further(classes=("one", "two")), "got one, two", id="no class in common"),
        pytest.param(
            dataclasses.replace(further(), usage=np.full(40, "test")), "images of the split train", id="a test part"
        ),
    ],
)
def test_further_data_that_cannot_be_used_are_refused(extra: FaceSet, message: str) -> None:
    with pytest.raises(InputError, match=message):
        prepare_inputs(inputs(SHORT, extra))


def test_a_run_is_not_continued_with_other_further_data(tmp_path: Path) -> None:
    run = RunDir(tmp_path / "run")
    fit(inputs(SHORT, further()), run)
    with pytest.raises(RunMismatch, match="further data: got 39 faces of wild"):
        fit(inputs(SHORT, further(39)), run, resume=True)
