"""Greetings are held back; everything else arrives."""

from __future__ import annotations

import logging
import os

import pytest

from edge_agent.vision.native_stderr import without_startup_messages


def test_only_greetings_are_held_back(capfd: pytest.CaptureFixture[str]) -> None:
    with without_startup_messages():
        os.write(2, b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n")
        os.write(2, b"ERROR: something is wrong\n")
        os.write(2, "WARNING: Stra\u00dfe\n".encode())

    assert capfd.readouterr().err == "ERROR: something is wrong\nWARNING: Stra\u00dfe\n"


def test_afterwards_all_arrives_again(capfd: pytest.CaptureFixture[str]) -> None:
    with without_startup_messages():
        pass
    os.write(2, b"INFO: of somebody else\n")

    assert capfd.readouterr().err == "INFO: of somebody else\n"


def test_where_the_block_fails_its_words_go_to_the_log(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        with without_startup_messages():
            os.write(2, b"the reason, at length\n")
            raise OSError("failed")

    with caplog.at_level(logging.DEBUG), pytest.raises(OSError, match="failed"):
        fail()

    assert "the reason, at length" in caplog.text
    assert capfd.readouterr().err == ""
