"""The command that measures what learning each face at rest gains and costs."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.config import RestingFaceSettings
from train.measure.predictors import open_predictor
from train.measure.resting_face import measure_resting_face, to_markdown

BUNDLE = Path("edge_agent/models/expression.tflite")


@pytest.mark.slow
def test_drawn_people_who_look_sad_at_rest_are_read_as_neutral_more_often() -> None:
    found = measure_resting_face(open_predictor(BUNDLE), [], RestingFaceSettings(after_s=120.0))
    by_kind = {one.kind: one for one in found}
    leaning = by_kind["drawn, rest leans to sad: at rest"]
    assert leaning.after > leaning.before
    assert by_kind["drawn, rest leans to no expression: at rest"].after == 1.0
    assert "| drawn, rest leans to sad: at rest" in to_markdown(found)
