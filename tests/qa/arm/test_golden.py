"""The bundle that an emulated board has to refuse."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge_agent.errors import CheckFailed
from edge_agent.model_format.bundle import read_bundle, write_bundle
from edge_agent.model_format.golden_check import ALLOWED_STEPS, check_golden
from edge_agent.vision.classifier import BUNDLED_MODEL
from qa.arm.golden import with_wrong_answer


def test_its_first_answer_alone_is_wrong_by_one_step_more_than_is_allowed(tmp_path: Path) -> None:
    given = read_bundle(BUNDLED_MODEL)
    wrong = read_bundle(with_wrong_answer(BUNDLED_MODEL, tmp_path / "wrong.tflite"))
    assert given.golden is not None
    assert wrong.golden is not None
    apart = (np.asarray(wrong.golden.logits) - np.asarray(given.golden.logits)) / given.output_step
    assert apart[0, 0] == pytest.approx(ALLOWED_STEPS + 1)
    assert np.count_nonzero(apart) == 1
    with pytest.raises(CheckFailed, match=r"golden face 1 .*7\.0 steps"):
        check_golden(wrong.golden, np.asarray(given.golden.logits, np.float32), given.output_step)


def test_a_bundle_without_golden_faces_is_named(tmp_path: Path) -> None:
    given = read_bundle(BUNDLED_MODEL)
    bare = tmp_path / "bare.tflite"
    write_bundle(bare, given.flatbuffer, given.metadata)
    with pytest.raises(CheckFailed, match="no golden faces"):
        with_wrong_answer(bare, tmp_path / "wrong.tflite")
