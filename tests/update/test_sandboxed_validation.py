"""Validating a bundle in a child process, with and without the rights to limit its resources."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from edge_agent.config import ClassifierSettings
from edge_agent.errors import CheckFailed
from edge_agent.update.sandboxed_validation import validate_in_sandbox
from tests.support.golden_models import dense_bundle, edge_bundle

DENIED = """
import os, resource, sys
def denied(*_): raise PermissionError(1, "Operation not permitted")
os.nice = resource.setrlimit = denied
from edge_agent.update.sandboxed_validation import _main
sys.exit(_main(*sys.argv[1:]))
"""


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    path = tmp_path / "new.tflite"
    path.write_bytes(edge_bundle("validated"))
    return path


def test_a_good_bundle_passes_with_its_time_beside_the_present_ones(bundle: Path) -> None:
    found = validate_in_sandbox(bundle, None, ClassifierSettings())
    assert found is not None
    assert found.steps < 0.01
    assert 0.5 < found.face_ms / found.present_ms < 2.0  # the same weights


def test_a_service_that_may_not_change_its_limits_can_validate_all_the_same(bundle: Path) -> None:
    command = [sys.executable, "-c", DENIED, str(bundle), str(bundle), "auto", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["steps"] < 0.01


def test_a_validation_is_ended_when_the_agent_is(bundle: Path) -> None:
    assert validate_in_sandbox(bundle, None, ClassifierSettings(), cancelled=lambda: True) is None


def test_a_bundle_that_is_none_is_refused_with_the_reason(tmp_path: Path) -> None:
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(dense_bundle()[:1000])
    with pytest.raises(CheckFailed, match="cut short or damaged"):
        validate_in_sandbox(broken, None, ClassifierSettings())
