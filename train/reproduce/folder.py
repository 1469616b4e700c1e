"""The folder of a reproduction: its record, its locks, and the pages made from its results.

The page can also be written into a second folder, that of the documents. Run directories are large and stay on the
machine that made them. Results are small and are kept with the code.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from edge_agent.decoding import UNDECODABLE, decode_json
from edge_agent.errors import InputError
from edge_agent.files import folder_lock
from train.common.writing import write_whole
from train.data.splits import make_split
from train.reproduce.jobs import Job, Settings
from train.reproduce.leakage import SplitLeakage, measure_leakage
from train.reproduce.page import RESULTS, write_page
from train.reproduce.paper import DataName
from train.reproduce.results import Results, collect, merge, read_results
from train.reproduce.sources import Source

_RECORD = "reproduction.json"


class ReproductionRecord(msgspec.Struct, kw_only=True):
    """What all calls on one folder have in common, ``reproduction.json``.

    Attributes:
        settings: The settings of every training in it.
        fingerprints: Sha256 of each data set.
        splits: The leakage of CK+'s splits.
    """

    settings: Settings
    fingerprints: dict[DataName, str] = {}
    splits: list[SplitLeakage] = []


def read_record(out: Path) -> ReproductionRecord:
    """Read the record of a reproduction's folder.

    Raises:
        InputError: It is missing or broken.
    """
    path = out / _RECORD
    try:
        return decode_json(path.read_bytes(), ReproductionRecord)
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(
            str(out),
            received="no reproduction.json in it" if out.is_dir() else "no folder",
            expected="a reproduction's folder",
            remedy="Start one with --data",
        ) from None
    except UNDECODABLE as error:
        raise InputError(f"{path}: {error}", remedy="Restore the file or name another folder with --out") from None


def open_record(
    out: Path, settings: Settings, data: Mapping[DataName, Source], jobs: Sequence[Job]
) -> ReproductionRecord:
    """Read the record of a folder, or make one for a new folder, and complete it for these jobs; write nothing.

    Raises:
        InputError: The folder was started with other settings or on other data.
    """
    record = read_record(out) if (out / _RECORD).is_file() else ReproductionRecord(settings=settings)
    if record.settings != settings:
        raise InputError(
            f"{out}",
            received=f"trainings with {_describe(record.settings)}",
            expected=_describe(settings),
            remedy="Name another folder with --out",
        )
    known = {leakage.protocol for leakage in record.splits}
    for name, source in data.items():
        fingerprint = source.faces.fingerprint()
        if record.fingerprints.setdefault(name, fingerprint) != fingerprint:
            raise InputError(
                f"{out}",
                received=f"trainings on other data than {source.path}",
                expected="the same",
                remedy="Name another folder with --out",
            )
        for job in jobs:
            if job.data == name == "ckplus" and job.protocol not in known:
                record.splits.append(
                    measure_leakage(source.faces, make_split(source.faces, job.protocol), job.split, job.folds)
                )
                known.add(job.protocol)
    return record


def write_record(out: Path, record: ReproductionRecord) -> None:
    """Write the record of a reproduction's folder, for the calls that continue it."""
    write_whole(out / _RECORD, msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n")


def read_published(docs: Path | None, record: ReproductionRecord) -> Results:
    """Read the results behind the page in a folder of documents; empty where there are none.

    Raises:
        InputError: They are of trainings with other settings or on other data than in ``record``, or broken.
    """
    if docs is None or not (docs / RESULTS).is_file():
        return Results(settings=record.settings, deviation=record.settings.deviation)
    found = read_results(docs / RESULTS)
    if found.settings != record.settings:
        raise InputError(
            f"{docs / RESULTS}",
            received=f"trainings with {_describe(found.settings)}",
            expected=_describe(record.settings),
            remedy="Name another folder with --docs",
        )
    for result in found.results:
        here = record.fingerprints.get(result.job.data, result.fingerprint)
        if not here.startswith(result.fingerprint):
            raise InputError(
                f"{docs / RESULTS}",
                received=f"{result.job} trained on data with sha256 {result.fingerprint} ({result.note})",
                expected=f"{here[:12]}, the data given",
                remedy="A page is about one set of data: name a folder of your own with --docs, or leave it out",
            )
    return found


def write_pages(out: Path, docs: Path | None, record: ReproductionRecord) -> Results:
    """Write the page to both folders, from the trainings here and the results already in the documents.

    Returns:
        The results that it shows.

    Raises:
        InputError: As :func:`read_published`.
    """
    ours = collect(out, record.settings, record.splits)
    if docs is None:
        write_page(ours, out)
        return ours
    with page_lock(docs):
        found = merge(ours, read_published(docs, record))
        write_page(found, docs)
    write_page(found, out)
    return found


def _make_folder(folder: Path, option: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{option} {folder}",
            received=error.strerror,
            expected="a folder, there or to be made",
            remedy="Name another one",
        ) from None


def _describe(settings: Settings) -> str:
    return f"{settings.epochs} epochs in {settings.precision}"


@contextmanager
def page_lock(folder: Path) -> Iterator[None]:
    """Wait until no other call reads and writes the folder's page; otherwise results that it adds could be lost."""
    _make_folder(folder, "--docs")
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextmanager
def exclusive_lock(folder: Path) -> Iterator[None]:
    """Lock a reproduction's folder: two calls in one folder would train the same run at the same time.

    Raises:
        InputError: The folder cannot be written, or another call holds the lock.
    """
    _make_folder(folder, "--out")
    with folder_lock(folder, wait=False):
        yield
