"""Real detectors find the drawn faces."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import pytest

from edge_agent.simulate import SimulatedClassroom
from edge_agent.types import Box, Image

Find = Callable[[Image], list[Box]]
WEIGHTS = "face_detection_yunet_2023mar.onnx"


@pytest.fixture(scope="module")
def haar() -> Find:
    cascade = cv2.CascadeClassifier(f"{cv2.data.haarcascades}haarcascade_frontalface_default.xml")

    def find(image: Image) -> list[Box]:
        gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        found = cascade.detectMultiScale(gray, scaleFactor=1.1, minNeighbors=5, minSize=(36, 36))
        return [Box(float(left), float(top), float(side)) for left, top, side, _ in found]

    return find


@pytest.fixture(scope="module")
def yunet(data_dir: Path) -> Find:
    network = cv2.FaceDetectorYN.create(str(data_dir / "detector" / WEIGHTS), "", (320, 320), 0.7)

    def find(image: Image) -> list[Box]:
        network.setInputSize((image.shape[1], image.shape[0]))
        found = network.detect(image)[1]
        rows = [] if found is None else [[float(value) for value in row[:4]] for row in found]
        return [Box(left + (width - height) / 2, top, height) for left, top, width, height in rows]

    return find


def counted(find: Find, room: SimulatedClassroom, times: list[float]) -> tuple[int, int, int]:
    """Faces present, faces found, and squares found where nobody sits."""
    present = found = false = 0
    for t in times:
        squares, truth = find(room.render(t)), room.truth(t)
        here = [face.box for face in truth if face.present]
        present += len(here)
        found += sum(any(box.iou(square) > 0.5 for square in squares) for box in here)
        false += sum(all(face.box.iou(square) < 0.2 for face in truth) for square in squares)
    return present, found, false


@pytest.mark.parametrize("faces", [1, 12, 40])
def test_haar_finds_the_faces_and_nothing_else(haar: Find, faces: int) -> None:
    present, found, false = counted(haar, SimulatedClassroom(faces, 1280, 720, seed=7), [4.0, 23.0])
    assert found >= 0.9 * present > 0
    assert false <= 0.02 * present


@pytest.mark.parametrize("faces", [1, 12, 40])
def test_yunet_finds_the_faces_and_nothing_else(yunet: Find, faces: int) -> None:
    present, found, false = counted(yunet, SimulatedClassroom(faces, 1280, 720, seed=7), [4.0, 23.0])
    assert found >= 0.95 * present > 0
    assert false <= 0.02 * present


def test_haar_reports_the_square_that_the_truth_names(haar: Find) -> None:
    room = SimulatedClassroom(12, 1280, 720, seed=3)
    squares = haar(room.render(4.0))
    pairs = [(face.box, max(squares, key=face.box.iou)) for face in room.truth(4.0) if face.present]
    sides = sorted(square.side / box.side for box, square in pairs)
    assert sides[len(sides) // 2] == pytest.approx(1.02, abs=0.06)
    offsets = [max(abs(a - b) for a, b in zip(box.center, square.center, strict=True)) for box, square in pairs]
    assert max(offset / box.side for offset, (box, _) in zip(offsets, pairs, strict=True)) < 0.1


def test_an_empty_room_has_no_faces(haar: Find) -> None:
    assert haar(SimulatedClassroom(0, 1280, 720, seed=7).render(3.0)) == []
