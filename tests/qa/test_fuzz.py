"""Every reader of what others wrote gets changed inputs: a short form of ``python -m qa.fuzz``."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings

from edge_agent.errors import InputError
from qa.fuzz import CORPUS
from qa.fuzz.changes import changed_inputs, good_inputs
from qa.fuzz.examples import search_faults
from qa.fuzz.targets import TARGETS, Target


@pytest.fixture(autouse=True)
def silence(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)  # the fixture puts the level back, which every later test of the process needs


@pytest.mark.parametrize("name", TARGETS)
def test_the_inputs_to_begin_with_are_read_or_refused(name: str) -> None:
    for data in good_inputs(TARGETS[name]):
        TARGETS[name].try_input(data)


@pytest.mark.parametrize("name", TARGETS)
def test_changed_inputs_are_read_or_refused(name: str) -> None:
    @settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None)
    @given(changed_inputs(TARGETS[name]))
    def check(data: bytes) -> None:
        TARGETS[name].try_input(data)

    check()


def test_an_error_that_is_no_refusal_is_found() -> None:
    def read(data: bytes) -> None:
        if b"null" in data:
            raise ValueError(data)
        raise InputError("refused")

    with pytest.raises(ValueError, match="null"):
        search_faults(Target("words", "words", read, lambda: [b"one two three"]), seconds=60)


def test_an_input_that_takes_too_long_is_a_fault() -> None:
    def read(data: bytes) -> None:
        while data:
            pass

    target = Target("slow", "nothing", read, lambda: [b"one"])
    with pytest.raises(TimeoutError, match=r"0\.1 s"):
        search_faults(target, seconds=60, one_input_s=0.1)


def test_without_its_package_the_command_says_what_to_install() -> None:
    program = (
        "import sys; sys.modules['atheris'] = None; import runpy; runpy.run_module('qa.fuzz', run_name='__main__')"
    )
    command = [sys.executable, "-c", program, "settings"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 1
    assert done.stderr == "the package atheris is not installed: pip install 'classroom-edge-agent[fuzz]'\n"


def test_hypothesis_fuzzes_a_reader_for_the_time_given() -> None:
    command = [sys.executable, "-m", "qa.fuzz", "address", "--with", "hypothesis", "--seconds", "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("address: no fault in ")
    assert " runs in " in done.stdout


def test_the_corpus_is_small() -> None:
    files = [path for path in CORPUS.rglob("*") if path.is_file()]
    assert all(path.parent.name in TARGETS for path in files)
    assert sum(path.stat().st_size for path in files) < 200_000
    assert all(path.stat().st_size <= 1500 for path in files)
