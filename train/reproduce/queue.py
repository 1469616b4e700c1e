"""Works through a reproduction's trainings: each in a process of its own, none twice, the page renewed after each."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from edge_agent.errors import AgentError, CheckFailed, InputError
from train.common.machine import usable_cores
from train.fit.child_process import Assignment, Children, device_environment
from train.reproduce.folder import alone_in, begin, keep_begun, read_published, write_pages
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
    tell: Callable[[str], None] = lambda _: None,
) -> None:
    """Train what of ``jobs`` is not done, in their order, and keep the page up to date.

    Args:
        jobs: What shall be there in the end. Those whose data set is not given are left out.
        data: The sets that are there.
        out: The reproduction's folder, new or one to continue.
        settings: Of every training in it.
        at_once: Trainings at the same time; several share the processor's cores out among them.
        device: As :func:`train.fit.child_process.device_environment` has it.
        docs: A second folder that gets page and plots. What its page tells already is done.
        tell: Told what is being done.

    Raises:
        InputError: There is nothing to train on, a folder holds trainings with other settings or on other data, another
            call is at work in ``out``, there are fewer cores than trainings at once, or one refuses its input.
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
    with alone_in(out):
        begun = begin(out, settings, data, possible)

        def published() -> set[Job]:
            return {result.job for result in read_published(docs, begun).results}

        def publish() -> None:
            try:
                write_pages(out, docs, begun)
            except AgentError as error:  # changed meanwhile, or a full disk; the trainings are worth more than the page
                tell(f"the page is not written: {error}")

        known = published()
        keep_begun(out, begun)
        write_pages(out, docs, begun)
        trained = {result.job for result in collect(out, settings).results}
        told_of = [job for job in possible if job in known and job not in trained]
        waiting = [job for job in possible if job not in known and job not in trained]
        elsewhere = f", {len(told_of)} of them elsewhere" if told_of else ""
        tell(
            f"{len(possible) - len(waiting)} of {len(possible)} trainings are done{elsewhere}; the page is {out / PAGE}"
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

        failed = _work_off(waiting, assign, shares, _environment(device, at_once), is_done_elsewhere, publish, tell)
    if failed:
        raise CheckFailed(
            f"{len(failed)} of {len(possible)} trainings failed: {'; '.join(map(str, failed))}",
            remedy="Call again: what is done is not done twice",
        )


def _work_off(
    waiting: Sequence[Job],
    assign: Callable[[Job, tuple[int, ...]], Assignment],
    shares: Sequence[tuple[int, ...]],
    environment: Mapping[str, str],
    is_done_elsewhere: Callable[[Job], bool],
    publish: Callable[[], None],
    tell: Callable[[str], None],
) -> list[Job]:
    """Train all that wait, as many at a time as there are shares of the cores; the trainings that failed."""
    queue, free = deque(waiting), list(shares)
    begun: set[Job] = set()
    again: set[Job] = set()
    failed: list[Job] = []
    running: dict[str, tuple[Job, tuple[int, ...]]] = {}
    with Children(environment) as children:
        while queue or running:
            while queue and free:
                job = queue.popleft()
                begun.add(job)
                words = f"again: {job}" if job in again else f"training {len(begun)} of {len(waiting)}: {job}"
                if is_done_elsewhere(job):
                    tell(f"{words}, done elsewhere meanwhile")
                    continue
                tell(words)
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
                raise InputError(f"{job} was refused", remedy="Mend what the line above says and call again")
            if status:
                tell(f"{job} ended with status {status}")
                # What a signal ended, such as want of memory, may go well when it is tried again.
                if status < 0 and job not in again:
                    again.add(job)
                    queue.append(job)
                else:
                    failed.append(job)
            publish()
    return failed


def _share_cores(at_once: int) -> list[tuple[int, ...]]:
    """The cores of each training; empty where one has them all."""
    if at_once == 1:
        return [()]
    cores = usable_cores()
    if not 1 <= at_once <= len(cores):
        raise InputError("--jobs", received=at_once, expected=f"1 to {len(cores)}, the cores that may be used here")
    return [tuple(cores[share::at_once]) for share in range(at_once)]


def _environment(device: str, at_once: int) -> dict[str, str]:
    """Variables for the trainings' processes: several on one GPU must not each take all of its memory."""
    sharing = {"TF_FORCE_GPU_ALLOW_GROWTH": "true", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    return {**device_environment(device), **(sharing if at_once > 1 else {})}
