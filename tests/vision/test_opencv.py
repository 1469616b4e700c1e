"""Versions of OpenCV."""

from __future__ import annotations

import types
from pathlib import Path
from typing import Literal

import cv2
import pytest

from edge_agent.cli.classify import classify
from edge_agent.config import DetectorSettings
from edge_agent.errors import ModelError
from edge_agent.vision import opencv
from edge_agent.vision.detector import open_detector


def test_opencv_5_is_refused_by_name_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "__version__", "5.0.0")
    kinds: tuple[Literal["auto", "haar", "yunet"], ...] = ("auto", "haar", "yunet")
    for kind in kinds:
        with pytest.raises(ModelError, match=r"OpenCV 5\.0\.0.*pip install 'opencv-python-headless>=4\.10,<5'"):
            open_detector(DetectorSettings(kind=kind))


def test_the_log_of_opencv_4_12_is_silenced_under_the_name_it_has_there(monkeypatch: pytest.MonkeyPatch) -> None:
    levels: list[int] = []
    old = types.SimpleNamespace(utils=types.SimpleNamespace(), setLogLevel=levels.append)
    monkeypatch.setattr(opencv, "cv2", old)
    opencv.silence_log()
    assert levels == [0]


def test_face_crops_are_not_classified_with_opencv_5_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "__version__", "5.0.0")
    with pytest.raises(ModelError, match=r"OpenCV 5\.0\.0, expected OpenCV 4"):
        classify([Path("a.png")], aligned=True)
