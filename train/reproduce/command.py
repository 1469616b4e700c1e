"""What ``python -m train reproduce`` does, with the words a user types made into plans and settings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from edge_agent.errors import InputError
from train.fit.recipe import MAX_SEED
from train.reproduce.folder import read_begun, write_pages
from train.reproduce.jobs import Precision, Settings, SplitName, Target, plan
from train.reproduce.page import PAGE
from train.reproduce.queue import reproduce
from train.reproduce.sources import read_data


def run_target(
    target: Target,
    data: Sequence[Path],
    out: Path,
    *,
    only: str,
    splits: Literal[SplitName, "both"],
    seeds: str,
    epochs: int,
    precision: Precision,
    device: str,
    docs: Path | None,
    tell: Callable[[str], None],
    at_once: int = 1,
) -> None:
    """Train a target and write its page.

    Raises:
        InputError: A word cannot be understood, or the data do not suit; see :func:`train.reproduce.queue.reproduce`.
        CheckFailed: Some trainings failed.
    """
    chosen: list[SplitName] = ["paper", "subject"] if splits == "both" else [splits]
    jobs = plan(target, only=_words(only), seeds=_numbers(seeds), splits=chosen)
    settings = Settings(epochs=epochs, precision=precision)
    if settings.deviation:
        tell(f"These trainings are {settings.deviation}; every output says so.")
    sets = read_data(data)
    absent = sorted({job.data for job in jobs} - set(sets))
    if absent and sets:
        tell(f"Without {' and '.join(absent)}, whose trainings are left out: name the data with --data.")
    reproduce(jobs, sets, out, settings, at_once=at_once, device=device, docs=docs, tell=tell)
    tell(f"All trainings asked for are done. The page is {out / PAGE}")


def republish(out: Path, docs: Path | None) -> str:
    """Write the page from what is done, training nothing, and tell where it is.

    Raises:
        InputError: No reproduction was begun in ``out``, or ``docs`` tells of another one.
    """
    found = write_pages(out, docs, read_begun(out))
    return f"{len(found.results)} trainings are done. The page is {(docs or out) / PAGE}"


def _words(text: str) -> list[str]:
    return [word for word in text.replace(",", " ").split() if word]


def _numbers(text: str) -> list[int]:
    words = _words(text)
    if not words or not all(word.isdecimal() and int(word) <= MAX_SEED for word in words):
        raise InputError("--seeds", received=repr(text), expected=f"whole numbers from 0 to {MAX_SEED}, like 1,2,3")
    return [int(word) for word in words]
