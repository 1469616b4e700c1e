"""A fleet of simulated devices at one broker: starts the processes, lets them send, and collects the statistics."""

from __future__ import annotations

import multiprocessing
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from multiprocessing.connection import Connection as Pipe
from typing import Any

from edge_agent.addresses.masking import shown_host
from edge_agent.config import MqttSettings
from edge_agent.errors import BrokerError, CheckFailed, InputError
from fleet.loadtest.limits import MAX_DEVICES_PER_PROCESS, processes_for
from fleet.loadtest.listener import ALL_SENT, ListenerResult, clear_retained, listen
from fleet.loadtest.load_generator import Rates
from fleet.loadtest.processor import busy_seconds, process_seconds
from fleet.loadtest.statistics import Report, Usage, summarize
from fleet.loadtest.workers import Connected, LoadPeriod, Sent, WorkerTask, run_worker

_START_DELAY_S = 1.0
_TIMEOUT_S = 60.0
_RAMP_S = 0.02
"""Seconds between two devices' connections. Hundreds at once would measure the broker's queue of new connections."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to simulate.

    Attributes:
        mqtt: The broker and how to be let in; every device uses the same.
        devices: How many.
        seconds: For how long they send.
        rates: How much each sends.
        processes: Over how many processes to spread them; 0 chooses.
        broker_pid: The broker's process where it runs on this machine; ``None`` where it does not.
        connect_s: Seconds that the last of them may take to be connected.
    """

    mqtt: MqttSettings
    devices: int
    seconds: float
    rates: Rates
    processes: int = 0
    broker_pid: int | None = None
    connect_s: float = 60.0


def run_simulation(plan: Plan, progress: Callable[[str], None] = lambda _: None) -> Report:
    """Run a load test.

    Args:
        plan: What to do.
        progress: Called with a line for each step.

    Raises:
        InputError: The plan asks for more than this machine allows.
        BrokerError: The broker cannot be reached, or does not accept all devices.
        CheckFailed: A process of the simulation has ended.
    """
    count = plan.processes or processes_for(plan.devices, os.cpu_count() or 1)
    if count > plan.devices or plan.devices > count * MAX_DEVICES_PER_PROCESS:
        raise InputError(
            f"--processes for {plan.devices} devices",
            received=count,
            expected=f"1 to {MAX_DEVICES_PER_PROCESS} devices a process",
        )
    if plan.broker_pid is not None:
        process_seconds(plan.broker_pid)
    site = f"simulated-{secrets.token_hex(3)}"
    with _Processes() as processes:
        listener = processes.start(listen, plan.mqtt, site)
        problem = _receive(listener, _TIMEOUT_S, "the listener")
        if problem is not None:
            raise BrokerError(str(problem))
        started = time.monotonic()
        tasks = _tasks(plan, site, count)
        progress(
            f"{plan.devices} devices in {count} processes connect to {shown_host(plan.mqtt.host)}:{plan.mqtt.port}"
        )
        pipes = [processes.start(run_worker, task) for task in tasks]
        try:
            _wait_until_connected(tasks, pipes)
            connected_s = time.monotonic() - started
            return _run_load(plan, processes, connected_s, progress)
        finally:
            processes.leave(pipes)
            try:
                clear_retained(plan.mqtt, site, [f"sim-{number:04d}" for number in range(plan.devices)])
            except BrokerError as error:  # never in place of the report, or of what went wrong before
                progress(f"the retained messages of {plan.mqtt.root}/{site} may still be at the broker: {error}")


def _tasks(plan: Plan, site: str, count: int) -> list[WorkerTask]:
    bounds = [round(plan.devices * n / count) for n in range(count + 1)]
    ramp_s = _RAMP_S * plan.devices
    return [
        WorkerTask(plan.mqtt, site, first, last - first, plan.rates, ramp_s, plan.connect_s)
        for first, last in pairwise(bounds)
    ]


def _wait_until_connected(tasks: list[WorkerTask], pipes: list[Pipe]) -> None:
    answers = [
        _receive(pipe, task.ramp_s + task.connect_s + _TIMEOUT_S, "a process of devices")
        for task, pipe in zip(tasks, pipes, strict=True)
    ]
    connected = [answer for answer in answers if isinstance(answer, Connected)]
    problems = {answer.problem for answer in connected if answer.problem}
    if problems:
        wanted = sum(task.count for task in tasks)
        raise BrokerError(
            "connected devices",
            received=sum(answer.count for answer in connected),
            expected=f"{wanted}: {'; '.join(sorted(problems))}",
        )


def _run_load(plan: Plan, processes: _Processes, connected_s: float, progress: Callable[[str], None]) -> Report:
    listener, *pipes = processes.pipes
    period = LoadPeriod(time.monotonic() + _START_DELAY_S, time.monotonic() + _START_DELAY_S + plan.seconds)
    for pipe in pipes:
        pipe.send(period)
    progress(f"all connected after {connected_s:.1f} s; they send for {plan.seconds:.0f} s")
    time.sleep(_START_DELAY_S)
    before = _usage(plan, processes.pids)
    time.sleep(max(0.0, period.ends_at - time.monotonic()))
    used = _usage(plan, processes.pids).since(before)
    sent = [answer for pipe in pipes if isinstance(answer := _receive(pipe, _TIMEOUT_S, "a process of devices"), Sent)]
    listener.send(ALL_SENT)
    result = _receive(listener, 2 * _TIMEOUT_S + plan.seconds, "the listener")
    assert isinstance(result, ListenerResult)
    return summarize(sent, result, used, devices=plan.devices, seconds=plan.seconds, connected_s=connected_s)


def _usage(plan: Plan, pids: list[int]) -> Usage:
    listener, *workers = (process_seconds(pid) for pid in pids)
    broker = None if plan.broker_pid is None else process_seconds(plan.broker_pid)
    return Usage(broker, listener, tuple(workers), busy_seconds())


def _receive(pipe: Pipe, within_s: float, who: str) -> object:
    try:
        if pipe.poll(within_s):
            return pipe.recv()
    except (EOFError, OSError):
        pass
    raise CheckFailed(
        f"{who} of the simulation has ended or does not answer",
        remedy="This machine may be short of memory or threads; try fewer devices",
    )


class _Processes:
    """Processes that end with the context, however it is left.

    Attributes:
        pipes: To each of them, in the order in which they were started.
    """

    def __init__(self) -> None:
        # Not forked: a copy would share threads' locks and connections with this process.
        self._context = multiprocessing.get_context("spawn")
        self._running: list[Any] = []
        self.pipes: list[Pipe] = []

    def __enter__(self) -> _Processes:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._running:
            process.join(0.5)
            process.terminate()
            process.join()

    def start(self, work: Callable[..., None], *arguments: object) -> Pipe:
        """Start a process; its last argument is the pipe to this one."""
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=work, args=(*arguments, theirs), daemon=True)
        process.start()
        theirs.close()
        self._running.append(process)
        self.pipes.append(ours)
        return ours

    @property
    def pids(self) -> list[int]:
        """The processes, in the order in which they were started."""
        return [process.pid for process in self._running]

    def leave(self, pipes: list[Pipe]) -> None:
        """Let the processes at the other end of the pipes disconnect from the broker, and wait for their end."""
        for pipe in pipes:
            pipe.close()
        deadline = time.monotonic() + _TIMEOUT_S
        for process in self._running[-len(pipes) :]:
            process.join(max(0.0, deadline - time.monotonic()))
