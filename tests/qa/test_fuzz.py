"""Every reader of what others wrote gets changed inputs: a short form of ``python -m qa.fuzz``, without its package."""

from __future__ import annotations

import logging
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qa.fuzz.__main__ import CORPUS
from qa.fuzz.targets import TARGETS, Target


@cache
def inputs_of(name: str) -> list[bytes]:
    kept = sorted((CORPUS / name).glob("*")) if (CORPUS / name).is_dir() else []
    return [*TARGETS[name].seeds(), *(path.read_bytes() for path in kept)]


@pytest.fixture(autouse=True)
def silence(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)  # the fixture puts the level back, which every later test of the process needs


@pytest.mark.parametrize("name", TARGETS)
def test_the_inputs_to_begin_with_are_read_or_refused(name: str) -> None:
    for data in inputs_of(name):
        TARGETS[name].try_input(data)


@pytest.mark.parametrize("name", TARGETS)
def test_changed_inputs_are_read_or_refused(name: str) -> None:
    target: Target = TARGETS[name]

    @settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        content = bytearray(data.draw(st.sampled_from(inputs_of(name))))
        for _ in range(data.draw(st.integers(0, 4))):
            at = data.draw(st.integers(0, len(content)))
            end = min(len(content), at + data.draw(st.sampled_from((0, 0, 1, 4, 50))))
            content[at:end] = data.draw(st.sampled_from(PIECES) | st.binary(max_size=8))
        target.try_input(bytes(content[: target.max_bytes]))

    check()


PIECES = (
    b"",
    b"\0",
    b"\xff",
    b"\xff" * 8,
    b"-1",
    b"1e999",
    b"9" * 40,
    b"9" * 5000,
    b"nan",
    b"-inf",
    b'"',
    b"{",
    b"[" * 200,
    b"\n",
    b",",
    b"null",
    b"@",
)


def test_without_its_package_the_command_says_what_to_install() -> None:
    program = (
        "import sys; sys.modules['atheris'] = None; import runpy; runpy.run_module('qa.fuzz', run_name='__main__')"
    )
    command = [sys.executable, "-c", program, "settings"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 1
    assert done.stderr == "the package atheris is not installed: pip install 'classroom-edge-agent[fuzz]'\n"


def test_the_corpus_is_small() -> None:
    files = [path for path in CORPUS.rglob("*") if path.is_file()]
    assert all(path.parent.name in TARGETS for path in files)
    assert sum(path.stat().st_size for path in files) < 200_000
    assert all(path.stat().st_size <= 1500 for path in files)
    assert Path(CORPUS).is_dir()
