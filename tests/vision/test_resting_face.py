"""What a person's face looks like at rest is learnt while it is followed, and taken off its answers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge_agent.config import RestingFaceSettings
from edge_agent.vision.resting_face import RestingFaces, resting_offsets

LABELS = ("happy", "sad", "neutral")
SETTINGS = RestingFaceSettings(after_s=60.0, max_offset=0.5)


def answer(happy: float = 0.0, sad: float = 0.0, neutral: float = 0.0) -> NDArray[np.float32]:
    return np.array([happy, sad, neutral], np.float32)


SAD_AT_REST = answer(happy=0.05, sad=0.5, neutral=0.45)


def follow(faces: RestingFaces, shown: NDArray[np.float32], seconds: int, start: float = 0.0) -> NDArray[np.float32]:
    """Show the same answer ten times a second; the last corrected one."""
    for step in range(seconds * 10 + 1):
        corrected = faces.correct("t1", shown, start + step / 10)
    return corrected


def test_a_face_that_looks_sad_at_rest_is_read_as_neutral_after_a_while() -> None:
    faces = RestingFaces(LABELS, SETTINGS)
    assert int(follow(faces, SAD_AT_REST, 59).argmax()) == LABELS.index("sad")
    assert int(follow(faces, SAD_AT_REST, 60, start=59.0).argmax()) == LABELS.index("neutral")


def test_a_young_track_is_left_alone() -> None:
    faces = RestingFaces(LABELS, SETTINGS)
    assert follow(faces, SAD_AT_REST, 59) is SAD_AT_REST
    assert not faces.is_known("t1")


def test_a_face_that_is_clearly_sad_all_the_time_stays_sad() -> None:
    faces = RestingFaces(LABELS, SETTINGS)
    assert int(follow(faces, answer(0.02, 0.85, 0.13), 600).argmax()) == LABELS.index("sad")


def test_an_expression_beside_the_rest_is_read_as_before() -> None:
    faces = RestingFaces(LABELS, SETTINGS)
    follow(faces, SAD_AT_REST, 120)
    assert int(faces.correct("t1", answer(0.7, 0.2, 0.1), 121.0).argmax()) == LABELS.index("happy")


def test_a_few_minutes_of_sadness_do_not_become_the_rest_of_a_face_known_for_longer() -> None:
    faces = RestingFaces(LABELS, SETTINGS)
    calm, sad = answer(0.1, 0.2, 0.7), answer(0.05, 0.5, 0.45)
    follow(faces, calm, 900)
    assert int(follow(faces, sad, 600, start=901.0).argmax()) == LABELS.index("sad")


def test_nothing_is_kept_of_a_track_that_has_ended() -> None:
    faces = RestingFaces(LABELS, SETTINGS)
    follow(faces, SAD_AT_REST, 120)
    faces.forget("t1")
    assert not faces.is_known("t1")
    assert faces.correct("t1", SAD_AT_REST, 130.0) is SAD_AT_REST


def test_people_do_not_share_what_was_learnt() -> None:
    faces = RestingFaces(LABELS, SETTINGS)
    follow(faces, SAD_AT_REST, 120)
    assert faces.correct("t2", SAD_AT_REST, 121.0) is SAD_AT_REST


@pytest.mark.parametrize(
    "faces",
    [
        pytest.param(RestingFaces(LABELS, RestingFaceSettings(learn=False)), id="switched off"),
        pytest.param(RestingFaces(("happy", "sad", "angry"), SETTINGS), id="a model without neutral"),
    ],
)
def test_nothing_is_corrected(faces: RestingFaces) -> None:
    assert follow(faces, SAD_AT_REST, 600) is SAD_AT_REST


@given(
    st.lists(st.lists(st.floats(-14.0, 0.0), min_size=3, max_size=3), min_size=1, max_size=20),
    st.floats(0.1, 5.0),
)
def test_no_label_is_lowered_further_than_the_limit_and_neutral_never(rows: list[list[float]], limit: float) -> None:
    offsets = resting_offsets(np.array(rows), 2, limit)
    assert offsets[2] == 0.0
    assert np.all((offsets >= 0.0) & (offsets <= limit))


@given(st.lists(st.floats(0.0, 1.0, width=32), min_size=3, max_size=3))
def test_corrected_answers_are_probabilities(values: list[float]) -> None:
    faces = RestingFaces(LABELS, SETTINGS)
    follow(faces, SAD_AT_REST, 70)
    corrected = faces.correct("t1", np.array(values, np.float32), 71.0)
    assert np.all(corrected >= 0.0)
    assert float(corrected.sum()) == pytest.approx(1.0, abs=1e-5)
