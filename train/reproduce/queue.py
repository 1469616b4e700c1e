"""The queue of a reproduction's trainings: each runs once, in its own process, and the page is updated after each."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from edge_agent.errors import AgentError, CheckFailed, InputError
from train.common.machine import usable_cores
from train.fit.child_process import Assignment, Children, device_environment
from train.reproduce.folder import exclusive_lock, open_record, read_published, write_pages, write_record
from train.reproduce.jobs import Job, Settings, recipe_of
from train.reproduce.page import PAGE
from train.reproduce.paper import DataName
from train.reproduce.results import collect
from train.reproduce.sources import Source


def reproduce(
    jobs: Sequence[Job],
    data: Mapping[DataName, Source],
    out: Path,
    settings: Settings,
    *,
    at_once: int = 1,
    device: str = "auto",
    docs: Path | None = None,
    report: Callable[[str], None] = lambda _: None,
) -> None:
    """Train those of ``jobs`` that are not done, in their order, and keep the page up to date.

    Args:
        jobs: The trainings. Those whose data set is not given are left out.
        data: The data sets.
        out: The reproduction's folder, a new one or one to continue.
        settings: The settings of every training in it.
        at_once: Number of trainings at the same time; several divide the processor's cores among them.
        device: As for :func:`train.fit.child_process.device_environment`.
        docs: A second folder for page and plots. Trainings whose results it has already are done.
        report: Called with a line on each step.

    Raises:
        InputError: There are no data to train on, or there are fewer cores than trainings at once. A folder holds
            trainings with other settings or on other data. Another call is at work in ``out``. A training refuses its
            input.
        CheckFailed: Some trainings failed; the others are done.
    """
    possible = [job for job in jobs if job.data in data]
    if not possible:
        raise InputError(
            "data",
            received=", ".join(data) or "none",
            expected=", ".join({job.data for job in jobs}),
            remedy="Name FER2013's table and CK+48's folder with --data",
        )
    device_environment(device)
    shares = _share_cores(at_once)
    with exclusive_lock(out):
        record = open_record(out, settings, data, possible)

        def published() -> set[Job]:
            return {result.job for result in read_published(docs, record).results}

        def publish() -> None:
            try:
                write_pages(out, docs, record)
            except AgentError as error:  # for example a full disk; the trainings matter more
                report(f"the page is not written: {error}")

        known = published()
        write_record(out, record)
        write_pages(out, docs, record)
        trained = {result.job for result in collect(out, settings).results}
        elsewhere = [job for job in possible if job in known and job not in trained]
        waiting = [job for job in possible if job not in known and job not in trained]
        counted = f", {len(elsewhere)} of them elsewhere" if elsewhere else ""
        report(
            f"{len(possible) - len(waiting)} of {len(possible)} trainings are done{counted}; the page is {out / PAGE}"
        )

        def assign(job: Job, cores: tuple[int, ...]) -> Assignment:
            return Assignment(
                recipe=recipe_of(job, settings),
                data=str(data[job.data].path),
                run=str(out / job.folder),
                needs_gpu=device.startswith("gpu"),
                cores=cores,
                name=str(job) if at_once > 1 else "",
            )

        def is_done_elsewhere(job: Job) -> bool:
            try:
                return job in published()
            except InputError:
                return False

        failed = _train_all(waiting, assign, shares, _environment(device, at_once), is_done_elsewhere, publish, report)
    if failed:
        raise CheckFailed(
            f"{len(failed)} of {len(possible)} trainings failed: {'; '.join(map(str, failed))}",
            remedy="Call again: finished trainings are not repeated",
        )


def _train_all(
    waiting: Sequence[Job],
    assign: Callable[[Job, tuple[int, ...]], Assignment],
    shares: Sequence[tuple[int, ...]],
    environment: Mapping[str, str],
    is_done_elsewhere: Callable[[Job], bool],
    publish: Callable[[], None],
    report: Callable[[str], None],
) -> list[Job]:
    """Train all that wait, as many at a time as there are shares of the cores. Returns the trainings that failed."""
    queue, free = deque(waiting), list(shares)
    started: set[Job] = set()
    retried: set[Job] = set()
    failed: list[Job] = []
    running: dict[str, tuple[Job, tuple[int, ...]]] = {}
    with Children(environment) as children:
        while queue or running:
            while queue and free:
                job = queue.popleft()
                started.add(job)
                line = f"again: {job}" if job in retried else f"training {len(started)} of {len(waiting)}: {job}"
                if is_done_elsewhere(job):
                    report(f"{line}, done elsewhere meanwhile")
                    continue
                report(line)
                cores = free.pop(0)
                assignment = assign(job, cores)
                running[assignment.run] = job, cores
                children.start(assignment)
            if not running:
                break
            assignment, status = children.next_ended()
            job, cores = running.pop(assignment.run)
            free.append(cores)
            if status == InputError.exit_code:
                raise InputError(f"{job} was refused", remedy="Correct what the line above reports and call again")
            if status:
                report(f"{job} ended with status {status}")
                # A training ended by a signal, for example for lack of memory, may succeed when it is tried again.
                if status < 0 and job not in retried:
                    retried.add(job)
                    queue.append(job)
                else:
                    failed.append(job)
            publish()
    return failed


def _share_cores(at_once: int) -> list[tuple[int, ...]]:
    """Divide the cores among the trainings; empty where one has them all."""
    if at_once == 1:
        return [()]
    cores = usable_cores()
    if not 1 <= at_once <= len(cores):
        raise InputError("--jobs", received=at_once, expected=f"1 to {len(cores)}, the cores that may be used here")
    return [tuple(cores[share::at_once]) for share in range(at_once)]


def _environment(device: str, at_once: int) -> dict[str, str]:
    """Environment variables of the trainings: several on one GPU must not each take all of its memory."""
    sharing = {"TF_FORCE_GPU_ALLOW_GROWTH": "true", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    return {**device_environment(device), **(sharing if at_once > 1 else {})}
