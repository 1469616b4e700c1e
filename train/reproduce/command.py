"""``python -m train reproduce``: turns its options into a plan and settings, and runs them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edge_agent.errors import InputError
from train.fit.recipe import MAX_SEED
from train.reproduce.folder import read_record, write_pages
from train.reproduce.jobs import Settings, SplitName, Target, plan
from train.reproduce.page import PAGE
from train.reproduce.queue import reproduce
from train.reproduce.sources import read_data


@dataclass(frozen=True)
class Choice:
    """Which trainings are wanted.

    Attributes:
        target: The part of the paper.
        only: Models to train, separated by commas or spaces; all where empty.
        splits: CK+'s splits.
        seeds: Whole numbers, separated by commas or spaces.
    """

    target: Target
    only: str
    splits: Literal[SplitName, "both"]
    seeds: str


def run_target(
    choice: Choice,
    data: Sequence[Path],
    out: Path,
    settings: Settings,
    *,
    device: str,
    docs: Path | None,
    report: Callable[[str], None],
    at_once: int = 1,
) -> None:
    """Train a target and write its page.

    Args:
        choice: Which trainings.
        data: Paths of the data sets.
        out: The reproduction's folder.
        settings: The settings of every training.
        device: ``auto``, ``cpu``, ``gpu`` or ``gpu:N``.
        docs: A second folder for page and plots.
        report: Called with a line on each step.
        at_once: Number of trainings at the same time.

    Raises:
        InputError: An option is not understood, or for one of the reasons of :func:`train.reproduce.queue.reproduce`.
        CheckFailed: Some trainings failed.
    """
    chosen: list[SplitName] = ["paper", "subject"] if choice.splits == "both" else [choice.splits]
    jobs = plan(choice.target, only=_words(choice.only), seeds=_numbers(choice.seeds), splits=chosen)
    if settings.deviation:
        report(f"These trainings are {settings.deviation}; every output says so.")
    sets = read_data(data)
    absent = sorted({job.data for job in jobs} - set(sets))
    if absent and sets:
        report(f"No data for {' and '.join(absent)}: these trainings are left out. Name the data with --data.")
    reproduce(jobs, sets, out, settings, at_once=at_once, device=device, docs=docs, report=report)
    report(f"All requested trainings are done. The page is {out / PAGE}")


def republish(out: Path, docs: Path | None) -> str:
    """Write the page from the finished trainings, without training.

    Returns:
        A line that says where the page is.

    Raises:
        InputError: There is no reproduction in ``out``, or ``docs`` has the page of another one.
    """
    found = write_pages(out, docs, read_record(out))
    return f"{len(found.results)} trainings are done. The page is {(docs or out) / PAGE}"


def _words(text: str) -> list[str]:
    return [word for word in text.replace(",", " ").split() if word]


def _numbers(text: str) -> list[int]:
    words = _words(text)
    if not words or not all(word.isdecimal() and int(word) <= MAX_SEED for word in words):
        raise InputError("--seeds", received=repr(text), expected=f"whole numbers from 0 to {MAX_SEED}, like 1,2,3")
    return [int(word) for word in words]
