"""Learning from what a bundle answers: the teacher, its part of the targets, and a training that has nothing else."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import msgspec
import numpy as np
import pytest

from edge_agent.errors import InputError, ModelError
from edge_agent.model_format.bundle import write_bundle
from tests.support.tflite_models import dense_model, metadata
from tests.train.faces import bright_halves, two_to_one
from tests.train.fit.test_trainer import RECIPE
from train.fit.augment import Augmentation
from train.fit.batches import EpochBatches, Examples, Variation
from train.fit.distillation import TeacherModels
from train.fit.inputs import TrainingInputs
from train.fit.recipe import Distillation, Phase, Recipe
from train.fit.resuming import RunMismatch
from train.fit.run_dir import RunDir
from train.fit.trainer import fit
from train.models.inference import predict_logits

CLASSES = ("left", "right")
DISTILLED = msgspec.structs.replace(
    RECIPE, phases=(Phase(epochs=4),), augmentation=Augmentation(), distillation=Distillation(weight=1.0)
)


def teacher(folder: Path, name: str = "teacher.tflite", labels: tuple[str, ...] = CLASSES, gain: float = 1.0) -> Path:
    """A bundle that tells which half of a picture is brighter, the more surely the larger ``gain``."""
    left = np.zeros((48, 48), np.float32)
    left[:, :24], left[:, 24:] = gain * 2e-5, -gain * 2e-5
    facts = msgspec.structs.replace(metadata(), labels=labels)
    path = folder / name
    weights = np.stack([left.ravel() if label == "left" else -left.ravel() for label in labels])
    write_bundle(path, dense_model(weights), facts)
    return path


def test_it_answers_with_probabilities_in_the_order_asked_for(tmp_path: Path) -> None:
    faces = bright_halves()
    other_order = TeacherModels([teacher(tmp_path, labels=("right", "left"))], CLASSES)
    answers = other_order.answers(faces.images)
    assert np.array_equal(answers.argmax(axis=1), faces.labels)
    assert np.allclose(answers.sum(axis=1), 1.0)


def test_several_teachers_answer_with_their_mean(tmp_path: Path) -> None:
    images = bright_halves().images
    mild, sure = teacher(tmp_path, "mild.tflite"), teacher(tmp_path, "sure.tflite", gain=3.0)
    alone = [TeacherModels([one], CLASSES).answers(images) for one in (mild, sure)]
    assert np.allclose(TeacherModels([mild, sure], CLASSES).answers(images), np.mean(alone, axis=0), atol=1e-6)


def test_a_higher_temperature_makes_answers_softer(tmp_path: Path) -> None:
    images = bright_halves().images
    plain = TeacherModels([teacher(tmp_path)], CLASSES).answers(images)
    soft = TeacherModels([teacher(tmp_path)], CLASSES, temperature=4.0).answers(images)
    assert (soft.max(axis=1) < plain.max(axis=1)).all()


def test_answers_for_the_mirrored_face_count_as_much(tmp_path: Path) -> None:
    images = bright_halves().images
    answers = TeacherModels([teacher(tmp_path)], CLASSES, flip=True).answers(images)
    assert np.allclose(answers, 0.5, atol=1e-3), "what tells left from right cancels out"


def test_it_answers_for_smaller_images(tmp_path: Path) -> None:
    faces = bright_halves()
    answers = TeacherModels([teacher(tmp_path)], CLASSES).answers(faces.images[:, ::2, ::2])
    assert np.array_equal(answers.argmax(axis=1), faces.labels)


def test_a_teacher_that_lacks_a_class_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected left, middle, right from 1"):
        TeacherModels([teacher(tmp_path)], ("left", "middle", "right"))


def test_a_teacher_that_is_no_bundle_is_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.tflite").write_bytes(b"no model")
    with pytest.raises(ModelError, match=r"broken\.tflite"):
        TeacherModels([tmp_path / "broken.tflite"], CLASSES)


def test_the_weight_says_which_part_of_the_targets_is_the_teachers(tmp_path: Path) -> None:
    images, teachers = bright_halves().images, TeacherModels([teacher(tmp_path)], CLASSES)
    targets = np.tile(np.array([1.0, 0.0, 0.4, 0.6], np.float32), (len(images), 1))
    batches = EpochBatches(
        Examples(images, targets, teachers=(teachers, 0.25)),
        Variation(Augmentation()),
        epoch=0,
        seed=1,
        batch_size=16,
    )
    varied, mixed = batches[0]
    answers = teachers.answers(varied.astype(np.uint8))
    assert np.allclose(mixed[:, :2], 0.75 * targets[:16, :2] + 0.25 * answers)
    assert np.array_equal(mixed[:, 2:], targets[:16, 2:]), "a second head is none of the teachers' business"


def test_a_network_learns_from_its_teacher_what_no_label_tells(tmp_path: Path) -> None:
    faces = bright_halves()
    all_left = dataclasses.replace(faces, labels=np.zeros_like(faces.labels))
    run = RunDir(tmp_path / "run")
    model = fit(TrainingInputs(DISTILLED, all_left, two_to_one(all_left), teachers=[teacher(tmp_path, gain=4.0)]), run)
    held_out = two_to_one(faces).validation
    assert np.mean(predict_logits(model, faces.images[held_out]).argmax(axis=1) == faces.labels[held_out]) >= 0.9
    assert run.record().teachers[0].startswith("teacher.tflite, bundle ")


def test_a_recipe_that_uses_teachers_asks_for_them(tmp_path: Path) -> None:
    faces = bright_halves()
    with pytest.raises(InputError, match="--teacher"):
        fit(TrainingInputs(DISTILLED, faces, two_to_one(faces)), RunDir(tmp_path / "run"))


def test_a_recipe_that_uses_no_teachers_refuses_them(tmp_path: Path) -> None:
    faces = bright_halves()
    with pytest.raises(InputError, match="teaching"):
        fit(TrainingInputs(RECIPE, faces, two_to_one(faces), teachers=[teacher(tmp_path)]), RunDir(tmp_path / "run"))


def test_a_run_is_not_continued_with_another_teacher(tmp_path: Path) -> None:
    faces, run = bright_halves(), RunDir(tmp_path / "run")
    short: Recipe = msgspec.structs.replace(DISTILLED, phases=(Phase(epochs=1),))
    fit(TrainingInputs(short, faces, two_to_one(faces), teachers=[teacher(tmp_path)]), run)
    with pytest.raises(RunMismatch, match="teachers"):
        fit(TrainingInputs(short, faces, two_to_one(faces), teachers=[teacher(tmp_path, gain=2.0)]), run, resume=True)
