"""Works through a reproduction's trainings: each in a process of its own, none twice, the page renewed after each."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from edge_agent.contract.labels import CK_PLUS, FER2013
from edge_agent.errors import CheckFailed, InputError
from train.child import Assignment, device_environment, train_in_child
from train.data import load
from train.data.dataset import FaceSet
from train.data.splits import make_split
from train.reproduce.jobs import Job, Settings, recipe_of
from train.reproduce.neighbours import SplitFacts, split_facts
from train.reproduce.page import PAGE, write_page
from train.reproduce.paper import DataName
from train.reproduce.results import collect, is_finished
from train.run_dir import RunDir, write_whole


class Begun(msgspec.Struct, kw_only=True):
    """What all calls that share a folder have in common, ``reproduction.json``.

    Attributes:
        settings: Of every training in it.
        fingerprints: Sha256 of each data set.
        splits: What is known of CK+'s splits.
    """

    settings: Settings
    fingerprints: dict[DataName, str] = {}
    splits: list[SplitFacts] = []


@dataclass(frozen=True)
class Source:
    """A data set and where it was read from."""

    path: Path
    faces: FaceSet


def read_data(paths: Sequence[Path]) -> dict[DataName, Source]:
    """Read the paper's data sets, telling by their content which is which.

    Raises:
        InputError: One of them is neither FER2013 nor CK+48, or both are the same set, or it cannot be read.
    """
    found: dict[DataName, Source] = {}
    for path in paths:
        source = Source(path, load(path))
        name = _name_of(source)
        if name in found:
            raise InputError(str(path), received=f"{source.faces.name}, which {found[name].path} is already",
                             expected="each set once")  # fmt: skip
        found[name] = source
    return found


def reproduce(
    jobs: Sequence[Job],
    data: Mapping[DataName, Source],
    out: Path,
    settings: Settings,
    *,
    device: str = "auto",
    docs: Path | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> None:
    """Train what of ``jobs`` is not done, in their order, and keep the page up to date.

    Args:
        jobs: What shall be there in the end. Those whose data set is not given are left out.
        data: The sets that are there.
        out: The reproduction's folder, new or one to continue.
        settings: Of every training in it.
        device: As :func:`train.child.device_environment` has it.
        docs: A second folder that gets page and plots.
        tell: Told what is being done.

    Raises:
        InputError: There is nothing to train on, the folder was begun with other settings or data, it is at work, or a
            training refuses its input.
        CheckFailed: Some trainings failed; the others are done.
    """
    possible = [job for job in jobs if job.data in data]
    if not possible:
        raise InputError("data", received=", ".join(data) or "none", expected=", ".join({job.data for job in jobs}),
                         remedy="Name FER2013's table and CK+48's folder with --data")  # fmt: skip
    device_environment(device)
    with _alone_in(out):
        begun = _begin(out, settings, data, possible)

        def publish() -> None:
            found = collect(out, settings, begun.splits)
            for folder in [out, docs] if docs else [out]:
                write_page(found, folder)

        publish()
        waiting = [job for job in possible if not is_finished(RunDir(out / job.folder), settings.epochs)]
        tell(f"{len(possible) - len(waiting)} of {len(possible)} trainings are done; the page is {out / PAGE}")
        failed: list[Job] = []
        # What a signal ended, such as want of memory, may go well when it is tried again.
        for attempt in (1, 2):
            again: list[Job] = []
            for number, job in enumerate(waiting, 1):
                tell(f"training {number} of {len(waiting)}: {job}")
                status = train_in_child(_assign(job, settings, data, out, device), device_environment(device))
                if status == InputError.exit_code:
                    raise InputError(f"{job} was refused", remedy="Mend what the line above says and call again")
                if status:
                    tell(f"{job} ended with status {status}")
                    (again if status < 0 and attempt == 1 else failed).append(job)
                publish()
            waiting = again
    if failed:
        raise CheckFailed(f"{len(failed)} of {len(possible)} trainings failed: {'; '.join(map(str, failed))}",
                          remedy="Call again: what is done is not done twice")  # fmt: skip


def read_begun(out: Path) -> Begun:
    """What a reproduction's folder was begun with.

    Raises:
        InputError: None was begun there, or its record is broken.
    """
    path = out / "reproduction.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=Begun)
    except FileNotFoundError:
        raise InputError(str(out), received="no reproduction.json in it", expected="a reproduction's folder",
                         remedy="Begin one with --data") from None  # fmt: skip
    except msgspec.DecodeError as error:
        raise InputError(f"{path}: {error}", remedy="Restore the file or name another folder with --out") from None


def _assign(job: Job, settings: Settings, data: Mapping[DataName, Source], out: Path, device: str) -> Assignment:
    return Assignment(
        recipe=recipe_of(job, settings),
        data=str(data[job.data].path),
        run=str(out / job.folder),
        needs_gpu=device.startswith("gpu"),
    )


def _begin(out: Path, settings: Settings, data: Mapping[DataName, Source], jobs: Sequence[Job]) -> Begun:
    begun = read_begun(out) if (out / "reproduction.json").is_file() else Begun(settings=settings)
    if begun.settings != settings:
        raise InputError(f"{out}", received=f"trainings with {_words(begun.settings)}", expected=_words(settings),
                         remedy="Name another folder with --out")  # fmt: skip
    known = {facts.protocol for facts in begun.splits}
    for name, source in data.items():
        fingerprint = source.faces.fingerprint()
        if begun.fingerprints.setdefault(name, fingerprint) != fingerprint:
            raise InputError(f"{out}", received=f"trainings on other data than {source.path}", expected="the same",
                             remedy="Name another folder with --out")  # fmt: skip
        for job in jobs:
            if job.data == name == "ckplus" and job.protocol not in known:
                begun.splits.append(
                    split_facts(source.faces, make_split(source.faces, job.protocol), job.split, job.folds)
                )
                known.add(job.protocol)
    write_whole(out / "reproduction.json", msgspec.json.format(msgspec.json.encode(begun), indent=1) + b"\n")
    return begun


def _name_of(source: Source) -> DataName:
    faces, usages = source.faces, set(source.faces.usage)
    if faces.classes == FER2013 and ({"Training", "PublicTest"} <= usages or {"train", "test"} <= usages):
        return "fer2013"
    if faces.classes == CK_PLUS and (faces.sequence != "").all():
        return "ckplus"
    raise InputError(str(source.path), received=f"{faces.name} with the classes {', '.join(faces.classes)}",
                     expected="FER2013 with Training and PublicTest, or CK+48 with its seven classes",
                     remedy="Only the paper's own sets reproduce it")  # fmt: skip


def _words(settings: Settings) -> str:
    return f"{settings.epochs} epochs in {settings.precision}"


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Two at work in one folder would train the same run twice over each other."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(str(folder), received="a folder that another call is at work in", expected="one alone",
                             remedy="Wait for it or name another folder with --out") from None  # fmt: skip
        yield
