"""Learning from FER+'s votes beside the labels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import keras
import msgspec
import numpy as np
import pytest

from edge_agent.errors import InputError
from edge_agent.model_format.labels import FER_PLUS
from tests.train.faces import bright_halves, two_to_one
from tests.train.fit.test_trainer import RECIPE
from train.data.dataset import FaceSet
from train.data.ferplus import VOTES_FOR, Votes
from train.fit.inputs import TrainingInputs
from train.fit.objective import Objective, make_targets
from train.fit.recipe import Phase, VotesUse
from train.fit.resuming import RunMismatch
from train.fit.run_dir import RunDir
from train.fit.trainer import fit

WITH_VOTES = msgspec.structs.replace(RECIPE, phases=(Phase(epochs=2),), votes=VotesUse(head=1.0, blend=0.25))


def named_faces() -> FaceSet:
    return replace(bright_halves(), classes=("happy", "sad"))


def votes_like_the_labels(faces: FaceSet) -> Votes:
    """Six votes for the label, four for the other class; the first face has votes for being no face alone."""
    counts = np.zeros((len(faces), len(VOTES_FOR)), np.int64)
    columns = np.array([VOTES_FOR.index("happy"), VOTES_FOR.index("sad")])
    counts[:, columns] = 4
    counts[np.arange(len(faces)), columns[faces.labels]] = 6
    counts[0] = 0
    counts[0, VOTES_FOR.index("not a face")] = 10
    return Votes(counts)


def test_targets_blend_label_and_votes_and_hold_the_votes_for_the_second_head() -> None:
    faces = named_faces()
    targets = make_targets(WITH_VOTES, faces, two_to_one(faces), votes_like_the_labels(faces))
    assert targets.shape == (64, 2 + len(FER_PLUS))
    label = faces.labels[1]
    np.testing.assert_allclose(targets[1, label], 0.75 + 0.25 * 0.6, rtol=1e-6)
    np.testing.assert_allclose(targets[1, 2 + FER_PLUS.index(faces.classes[label])], 0.6, rtol=1e-6)


def test_a_face_without_votes_keeps_its_label_and_adds_nothing_to_the_second_head() -> None:
    faces = named_faces()
    targets = make_targets(WITH_VOTES, faces, two_to_one(faces), votes_like_the_labels(faces))
    assert targets[0, faces.labels[0]] == 1.0
    objective = Objective(2, smoothing=0.0, head_weight=1.0)
    alone = Objective(2, smoothing=0.0, head_weight=0.0)
    logits = np.random.default_rng(0).normal(size=(1, 10)).astype(np.float32)
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(objective.loss(targets[:1], logits)),
        keras.ops.convert_to_numpy(alone.loss(targets[:1], logits)),
    )


def test_the_second_head_stays_behind_when_the_network_is_finished(tmp_path: Path) -> None:
    faces = named_faces()
    run = RunDir(tmp_path / "run")
    model = fit(TrainingInputs(WITH_VOTES, faces, two_to_one(faces), votes=votes_like_the_labels(faces)), run)
    assert model.output_shape == (None, 2)
    assert run.record().extra_annotation == "FER+ votes"
    logits = model.predict(faces.images[64:].astype(np.float32), verbose=0)
    accuracy = float(np.mean(logits.argmax(1) == faces.labels[64:]))
    assert accuracy == pytest.approx(run.metrics()[-1].val_accuracy)


def test_votes_for_a_recipe_that_uses_none_are_refused() -> None:
    faces = named_faces()
    with pytest.raises(InputError, match="got votes, expected none, as it uses none"):
        make_targets(RECIPE, faces, two_to_one(faces), votes_like_the_labels(faces))


def test_a_run_does_not_continue_with_other_votes(tmp_path: Path) -> None:
    faces, run = named_faces(), RunDir(tmp_path / "run")
    votes = votes_like_the_labels(faces)
    fit(TrainingInputs(WITH_VOTES, faces, two_to_one(faces), votes=votes), run)
    with pytest.raises(RunMismatch, match="votes, sha256: got"):
        fit(
            TrainingInputs(WITH_VOTES, faces, two_to_one(faces), votes=Votes(votes.counts[::-1].copy())),
            run,
            resume=True,
        )


def test_a_recipe_that_uses_votes_asks_for_them(tmp_path: Path) -> None:
    faces = named_faces()
    with pytest.raises(InputError, match="--votes"):
        fit(TrainingInputs(WITH_VOTES, faces, two_to_one(faces)), RunDir(tmp_path / "run"))
    assert not (tmp_path / "run").exists()
