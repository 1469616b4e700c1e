"""The search finds what is planted, and nothing where nothing is."""

from __future__ import annotations

import base64
import json
import sqlite3
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_agent.model_format.crop import crop_face
from edge_agent.simulate import SimulatedClassroom
from tests.privacy.image_search import ImageSearch, pixel_runs

SCENE = SimulatedClassroom(3, 640, 480, seed=3)
FRAME = SCENE.render(3.0)
FACE = SCENE.truth(3.0)[0].box
CROP = crop_face(FRAME, FACE.left, FACE.top, FACE.side)
SEARCH = ImageSearch(pixel_runs(FRAME) | pixel_runs(CROP))
EVENT = b'{"v":1,"scores":{"angry":0.0087,"sad":0.9913},"session":"01M81KPPFC0N5QFR"}\n'
EMBEDDING = np.random.default_rng(1).normal(size=128).astype(np.float32)


def coded(suffix: str) -> bytes:
    return cv2.imencode(suffix, FRAME)[1].tobytes()


@pytest.mark.parametrize(
    "planted",
    [
        CROP.tobytes(),
        FRAME.tobytes(),
        CROP[20].tobytes(),
        base64.b64encode(CROP.tobytes()),
        base64.urlsafe_b64encode(CROP[10:14].tobytes()),
        CROP.tobytes().hex().encode(),
        json.dumps(CROP.ravel().tolist()).encode(),
        coded(".jpg"),
        coded(".png"),
        coded(".webp"),
        base64.b64encode(coded(".jpg")),
        EMBEDDING.tobytes(),
        base64.b64encode(EMBEDDING.tobytes()),
        json.dumps(EMBEDDING.tolist()).encode(),
    ],
    ids=lambda planted: planted[:8].hex(),
)
def test_what_is_planted_among_events_is_found(planted: bytes) -> None:
    assert SEARCH.findings(EVENT * 20 + planted + EVENT * 20)


def test_a_crop_planted_in_a_database_is_found(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "outbox.db") as db:
        db.execute("CREATE TABLE rows (payload BLOB)")
        db.execute("INSERT INTO rows VALUES (?)", (CROP.tobytes(),))
    db.close()
    assert SEARCH.findings((tmp_path / "outbox.db").read_bytes())


def test_events_alone_are_clean() -> None:
    assert SEARCH.findings(EVENT * 1000) == []
