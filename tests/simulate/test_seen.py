"""The device's own detectors find the drawn faces, and its own model reads them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from edge_agent.config import DetectorSettings
from edge_agent.model_format.crop import crop_face
from edge_agent.model_format.labels import FER2013
from edge_agent.simulate import SimulatedClassroom
from edge_agent.types import Box
from edge_agent.vision.classifier import Classifier
from edge_agent.vision.detector import Detector, open_detector


@pytest.fixture(scope="module")
def haar() -> Detector:
    return open_detector(DetectorSettings(kind="haar"))


@pytest.fixture(scope="module")
def yunet(data_dir: Path) -> Detector:
    weights = data_dir / "detector" / "face_detection_yunet_2023mar.onnx"
    return open_detector(DetectorSettings(kind="yunet", weights=str(weights)))


def counted(detector: Detector, classroom: SimulatedClassroom, times: list[float]) -> tuple[int, int, int]:
    """Faces present, faces found, and squares found where nobody is."""
    present = found = false = 0
    for t in times:
        squares, truth = [detection.box for detection in detector.detect(classroom.render(t))], classroom.truth(t)
        here = [face.box for face in truth if face.present]
        present += len(here)
        found += sum(any(box.iou(square) > 0.5 for square in squares) for box in here)
        false += sum(all(face.box.iou(square) < 0.2 for face in truth) for square in squares)
    return present, found, false


@pytest.mark.parametrize("faces", [1, 12, 40])
def test_haar_finds_the_faces_and_nothing_else(haar: Detector, faces: int) -> None:
    present, found, false = counted(haar, SimulatedClassroom(faces, 1280, 720, seed=7), [4.0, 23.0])
    assert found >= 0.9 * present > 0
    assert false <= 0.02 * present


@pytest.mark.parametrize("faces", [1, 12, 40])
def test_yunet_finds_the_faces_and_nothing_else(yunet: Detector, faces: int) -> None:
    present, found, false = counted(yunet, SimulatedClassroom(faces, 1280, 720, seed=7), [4.0, 23.0])
    assert found >= 0.95 * present > 0
    assert false <= 0.02 * present


def test_the_truth_frames_a_face_as_the_detector_does(haar: Detector) -> None:
    classroom = SimulatedClassroom(12, 1280, 720, seed=3)
    squares = [detection.box for detection in haar.detect(classroom.render(4.0))]

    def nearest(box: Box) -> Box:
        return max(squares, key=box.iou)

    boxes = [face.box for face in classroom.truth(4.0) if face.present]
    sides = [nearest(box).side / box.side for box in boxes]
    offsets = [np.subtract(nearest(box).center, box.center) / box.side for box in boxes]
    assert np.median(sides) == pytest.approx(1.0, abs=0.08)
    assert np.abs(np.median(offsets, axis=0)).max() < 0.04


def test_an_empty_classroom_has_no_faces(haar: Detector) -> None:
    assert haar.detect(SimulatedClassroom(0, 1280, 720, seed=7).render(3.0)) == []


def test_the_bundled_model_recognises_most_expressions_through_the_detector(haar: Detector) -> None:
    classifier = Classifier.load()
    answers: dict[str, Counter[str]] = {name: Counter() for name in FER2013}
    classroom = SimulatedClassroom(24, 1280, 720, seed=11)
    for t in (3.0, 21.0, 40.0):
        image = classroom.render(t)
        for detection in haar.detect(image):
            face = max(classroom.truth(t), key=lambda face: face.box.iou(detection.box))
            if face.present and face.intensity >= 0.8:
                box = detection.box
                crop = crop_face(image, box.left, box.top, box.side, classifier.channels)
                read = classifier.labels[int(classifier.predict(crop[None]).argmax())]
                answers[face.expression][read] += 1
    understood = [name for name in FER2013 if answers[name].most_common(1)[0][0] == name]
    assert len(understood) >= 5, answers
