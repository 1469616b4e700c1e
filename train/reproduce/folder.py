"""The folder of a reproduction: what it was begun with, who is at work in it, and the pages made from what it holds.

A page in a second folder, the documents', outlives the run directories: they are large and stay on the machine that
made them, results are small and travel with the code.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from edge_agent.decoding import UNDECODABLE
from edge_agent.errors import InputError
from train.common.writing import write_whole
from train.data.splits import make_split
from train.reproduce.jobs import Job, Settings
from train.reproduce.leakage import SplitLeakage, measure_leakage
from train.reproduce.page import RESULTS, write_page
from train.reproduce.paper import DataName
from train.reproduce.results import Results, collect, merge, read_results
from train.reproduce.sources import Source


class Begun(msgspec.Struct, kw_only=True):
    """What all calls that share a folder have in common, ``reproduction.json``.

    Attributes:
        settings: Of every training in it.
        fingerprints: Sha256 of each data set.
        splits: What is known of CK+'s splits.
    """

    settings: Settings
    fingerprints: dict[DataName, str] = {}
    splits: list[SplitLeakage] = []


def read_begun(out: Path) -> Begun:
    """What a reproduction's folder was begun with.

    Raises:
        InputError: None was begun there, or its record is broken.
    """
    path = out / "reproduction.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=Begun)
    except FileNotFoundError:
        raise InputError(
            str(out),
            received="no reproduction.json in it",
            expected="a reproduction's folder",
            remedy="Begin one with --data",
        ) from None
    except UNDECODABLE as error:
        raise InputError(f"{path}: {error}", remedy="Restore the file or name another folder with --out") from None


def begin(out: Path, settings: Settings, data: Mapping[DataName, Source], jobs: Sequence[Job]) -> Begun:
    """What a reproduction is begun with or continues with, and what is known of its data; nothing is written.

    Raises:
        InputError: It was begun with other settings or on other data.
    """
    begun = read_begun(out) if (out / "reproduction.json").is_file() else Begun(settings=settings)
    if begun.settings != settings:
        raise InputError(
            f"{out}",
            received=f"trainings with {_words(begun.settings)}",
            expected=_words(settings),
            remedy="Name another folder with --out",
        )
    known = {facts.protocol for facts in begun.splits}
    for name, source in data.items():
        fingerprint = source.faces.fingerprint()
        if begun.fingerprints.setdefault(name, fingerprint) != fingerprint:
            raise InputError(
                f"{out}",
                received=f"trainings on other data than {source.path}",
                expected="the same",
                remedy="Name another folder with --out",
            )
        for job in jobs:
            if job.data == name == "ckplus" and job.protocol not in known:
                begun.splits.append(
                    measure_leakage(source.faces, make_split(source.faces, job.protocol), job.split, job.folds)
                )
                known.add(job.protocol)
    return begun


def keep_begun(out: Path, begun: Begun) -> None:
    """Write down what a reproduction is begun with, for the calls that continue it."""
    write_whole(out / "reproduction.json", msgspec.json.format(msgspec.json.encode(begun), indent=1) + b"\n")


def read_published(docs: Path | None, begun: Begun) -> Results:
    """What the page in a folder of documents is made from; empty where there is none.

    Raises:
        InputError: It is of trainings with other settings or on other data than those begun here, or broken.
    """
    if docs is None or not (docs / RESULTS).is_file():
        return Results(settings=begun.settings, deviation=begun.settings.deviation)
    found = read_results(docs / RESULTS)
    if found.settings != begun.settings:
        raise InputError(
            f"{docs / RESULTS}",
            received=f"trainings with {_words(found.settings)}",
            expected=_words(begun.settings),
            remedy="Name another folder with --docs",
        )
    for result in found.results:
        here = begun.fingerprints.get(result.job.data, result.fingerprint)
        if not here.startswith(result.fingerprint):
            raise InputError(
                f"{docs / RESULTS}",
                received=f"{result.job} trained on data with sha256 {result.fingerprint} ({result.note})",
                expected=f"{here[:12]}, the data given",
                remedy="One page tells of one set of data: name a folder of your own with --docs, or leave it out",
            )
    return found


def write_pages(out: Path, docs: Path | None, begun: Begun) -> Results:
    """Write the page from what is trained here and what the documents tell already, to both folders.

    Returns:
        What it is made from.

    Raises:
        InputError: As :func:`read_published`.
    """
    ours = collect(out, begun.settings, begun.splits)
    if docs is None:
        write_page(ours, out)
        return ours
    with _turn_at(docs):
        found = merge(ours, read_published(docs, begun))
        write_page(found, docs)
    write_page(found, out)
    return found


def _make(folder: Path, option: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{option} {folder}",
            received=error.strerror,
            expected="a folder, there or to be made",
            remedy="Name another one",
        ) from None


def _words(settings: Settings) -> str:
    return f"{settings.epochs} epochs in {settings.precision}"


@contextmanager
def _turn_at(folder: Path) -> Iterator[None]:
    """Wait until no other call reads and writes the folder's page: what it adds in between would be lost."""
    _make(folder, "--docs")
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Two at work in one folder would train the same run twice over each other."""
    _make(folder, "--out")
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                str(folder),
                received="a folder that another call is at work in",
                expected="one alone",
                remedy="Wait for it or name another folder with --out",
            ) from None
        yield
