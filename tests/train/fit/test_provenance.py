"""Provenance of weights: merged, compared, read from a bundle and written into one, and what reports say of it."""

from __future__ import annotations

import numpy as np
import pytest

from edge_agent.model_format.labels import CK_PLUS
from edge_agent.model_format.metadata import DataInfo, TrainingInfo
from tests.support.tflite_models import metadata
from tests.train.data.files import face_set
from train.data.dataset import FaceSet
from train.data.splits import make_split
from train.fit.provenance import NO_PROVENANCE, Provenance, note_on_split, provenance_of_bundle

FIRST = Provenance(data={"1": "own"}, annotation=("votes",), teachers=("wise",), splits={"1": ("a",)})
SECOND = Provenance(data={"1": "own", "2": "other"}, annotation=("votes", "ages"), splits={"1": ("b",), "2": ("a",)})


def bare(labels: list[int]) -> FaceSet:
    """A set whose pictures do not matter, so they are small."""
    return face_set(labels, classes=CK_PLUS, images=np.zeros((len(labels), 1, 1, 1), np.uint8))


def test_merging_keeps_all_of_both_once() -> None:
    assert FIRST.merged(SECOND) == Provenance(
        data={"1": "own", "2": "other"},
        annotation=("votes", "ages"),
        teachers=("wise",),
        splits={"1": ("a", "b"), "2": ("a",)},
    )
    assert FIRST.merged(NO_PROVENANCE) == FIRST


def test_a_data_set_used_by_another_split_is_not_left_out() -> None:
    assert SECOND.without(FIRST) == Provenance(
        data={"1": "own", "2": "other"}, annotation=("ages",), splits={"1": ("b",), "2": ("a",)}
    )
    assert FIRST.without(FIRST) == NO_PROVENANCE


def test_what_a_bundle_states_is_read_back() -> None:
    facts = metadata(
        data=(DataInfo(name="own", sha256="1", protocol="a"), *SECOND.as_earlier_data()),
        training=TrainingInfo(extra_annotation="votes", earlier_annotation=("ages",), earlier_teachers=("wise",)),
    )
    assert provenance_of_bundle(facts) == Provenance(
        data={"1": "own", "2": "other"},
        annotation=("votes", "ages"),
        teachers=("wise",),
        splits={"1": ("a", "b"), "2": ("a",)},
    )


def test_held_out_images_that_an_earlier_split_trained_on_are_counted() -> None:
    faces = bare([label for label in range(7) for _ in range(20)])
    now, before = make_split(faces, "random-by-class seed=1"), make_split(faces, "random-by-class seed=2")
    seen = np.isin(np.concatenate([now.validation, now.test]), before.train).sum()
    splits: dict[str, tuple[str, ...]] = {
        faces.fingerprint(): ("random-by-class seed=2", "random-by-class seed=1", "a rule of somebody else's")
    }
    note = (
        f"{seen} of 28 held-out images were in earlier training data, by random-by-class seed=2: "
        "figures on them flatter."
    )
    assert note_on_split(faces, now, Provenance(splits=splits)) == f"{now.note} {note}"


@pytest.mark.parametrize("earlier", [(), ("random-by-class seed=1",), ("a rule of somebody else's",)])
def test_a_note_is_unchanged_where_no_held_out_image_was_trained_on(earlier: tuple[str, ...]) -> None:
    faces = bare([label for label in range(7) for _ in range(20)])
    split = make_split(faces, "random-by-class seed=1")
    splits = {faces.fingerprint(): earlier, "another set": ("random-by-class seed=2",)}
    assert note_on_split(faces, split, Provenance(splits=splits)) == split.note
