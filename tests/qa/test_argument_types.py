"""Numbers on the command lines of the quality programs."""

from __future__ import annotations

import argparse
import importlib
import sys

import pytest

from qa.argument_types import count, finite, positive


def test_usable_numbers_are_read() -> None:
    assert (finite("-8"), positive("0.5"), count("12")) == (-8.0, 0.5, 12)


@pytest.mark.parametrize("text", ["nan", "inf", "-1", "0", "", "a", "9" * 5000])
def test_what_is_no_number_above_zero_is_refused(text: str) -> None:
    for read in (positive, count):
        with pytest.raises(argparse.ArgumentTypeError, match="expected a"):
            read(text)


def test_part_of_a_person_is_no_count() -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="a whole number"):
        count("1.5")


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("real_time", ["nan"]),
        ("writes", ["1", "-20"]),
        ("startup", ["--runs", "0"]),
        ("another_date", ["--years", "nan"]),
        ("soak", ["-5"]),
    ],
)
def test_a_program_ends_before_it_starts_anything(
    program: str, words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [program, *words])
    with pytest.raises(SystemExit) as left:
        importlib.import_module(f"qa.{program}").main()
    assert left.value.code == 2
    assert "error: " in capsys.readouterr().err
