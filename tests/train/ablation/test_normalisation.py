"""Normalisation of faces before they enter a network."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge_agent.errors import InputError
from edge_agent.model_format.crop import crop_face
from edge_agent.simulate.portrait import draw_face
from edge_agent.vision.weights import YUNET_FILE
from edge_agent.vision.yunet import YuNetDetector
from tests.train.data.files import face_set
from train.ablation.normalisation import find_roll, normalise

DIM = (np.tile(np.linspace(40, 80, 48), (3, 48, 1)).astype(np.uint8))[..., None]


@pytest.mark.parametrize("step", ["equalise", "clahe"])
def test_contrast_is_brought_to_a_dim_face(step: str) -> None:
    faces = normalise(face_set([0, 1, 2], images=DIM), [step])  # type: ignore[list-item]

    assert faces.images.std() > 1.1 * DIM.std()
    assert (faces.images.shape, faces.images.dtype, faces.name) == (DIM.shape, np.uint8, f"made, {step}")


def test_no_step_leaves_faces_as_they_are() -> None:
    faces = face_set([0, 1, 2], images=DIM)
    assert normalise(faces, []).fingerprint() == faces.fingerprint()


def test_colour_is_refused() -> None:
    with pytest.raises(InputError, match="gray faces"):
        normalise(face_set([0], images=np.zeros((1, 48, 48, 3), np.uint8)), ["clahe"])


def test_missing_weights_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("train.ablation.normalisation.find_weights", lambda: None)
    with pytest.raises(InputError, match="name them with --weights"):
        normalise(face_set([0]), ["align"])


def test_a_tilted_face_is_turned_towards_upright_and_noise_left_alone(data_dir: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (48, 48), dtype=np.uint8)
    upright, tilted = drawn(0), drawn(20)

    faces = face_set([0, 1, 2], images=np.stack([upright, tilted, noise])[..., None])
    aligned = normalise(faces, ["align"], data_dir / "detector" / YUNET_FILE).images[..., 0]

    assert np.abs(aligned[1].astype(int) - upright).mean() < np.abs(tilted.astype(int) - upright).mean()
    np.testing.assert_array_equal(aligned[2], noise)


def test_yunets_eyes_follow_a_faces_roll_only_in_small_part(data_dir: Path) -> None:
    path = data_dir / "detector" / YUNET_FILE
    detector = YuNetDetector(path.read_bytes(), str(path))
    leaning_left, leaning_right = (find_roll(drawn(degrees), detector) for degrees in (-20, 20))

    assert leaning_left is not None
    assert leaning_right is not None
    assert 0 < math.degrees(leaning_left - leaning_right) < 40 / 3


def drawn(degrees: float) -> NDArray[np.uint8]:
    """A drawn face's crop, turned against the clock."""
    face = draw_face("neutral", 1.0, seed=3, side_px=192)
    size = (face.image.shape[1], face.image.shape[0])
    matrix = cv2.getRotationMatrix2D(face.box.center, degrees, 1.0)
    turned = cv2.warpAffine(face.image, matrix, size, borderMode=cv2.BORDER_REPLICATE).astype(np.uint8)
    return crop_face(turned, face.box.left, face.box.top, face.box.side)
