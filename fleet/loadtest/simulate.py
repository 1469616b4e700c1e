"""A fleet of simulated devices at one broker: starts the processes, lets them talk, puts the figures together."""

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

from edge_agent.config import MqttSettings
from edge_agent.errors import BrokerError, CheckFailed, InputError
from fleet.loadtest.limits import DEVICES_A_PROCESS, processes_for
from fleet.loadtest.listener import ALL_SAID, Heard, clear_retained, listen
from fleet.loadtest.load_generator import Rates
from fleet.loadtest.processor import busy_seconds, process_seconds
from fleet.loadtest.statistics import Report, Usage, report
from fleet.loadtest.workers import Connected, Crew, Said, Window, play

_GO_S = 1.0
_PATIENCE_S = 60.0
_RAMP_S = 0.02
"""Seconds between two devices' connections: hundreds at once measure the broker's queue of new connections."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to simulate.

    Attributes:
        mqtt: The broker and how to be let in; every device uses the same.
        devices: How many.
        seconds: For how long they talk.
        rates: How much each says.
        processes: Over how many processes to spread them; 0 chooses.
        broker_pid: The broker's process, where it runs on this machine.
        connect_s: How long the last of them may take to be connected.
    """

    mqtt: MqttSettings
    devices: int
    seconds: float
    rates: Rates
    processes: int = 0
    broker_pid: int | None = None
    connect_s: float = 60.0


def simulate(plan: Plan, tell: Callable[[str], None] = lambda _: None) -> Report:
    """Run the simulation.

    Args:
        plan: What to do.
        tell: Called with what happens.

    Raises:
        InputError: The plan asks for more than this machine allows.
        BrokerError: The broker cannot be reached, or lets not all devices in.
    """
    count = plan.processes or processes_for(plan.devices, os.cpu_count() or 1)
    if count > plan.devices or plan.devices > count * DEVICES_A_PROCESS:
        raise InputError(
            f"--processes for {plan.devices} devices",
            received=count,
            expected=f"1 to {DEVICES_A_PROCESS} devices a process",
        )
    if plan.broker_pid is not None:
        process_seconds(plan.broker_pid)
    site = f"simulated-{secrets.token_hex(3)}"
    with _Processes() as processes:
        listener = processes.start(listen, plan.mqtt, site)
        problem = _answer(listener, _PATIENCE_S, "the listener")
        if problem:
            raise BrokerError(str(problem))
        started = time.monotonic()
        crews = _crews(plan, site, count)
        tell(f"{plan.devices} devices in {count} processes connect to {plan.mqtt.host}:{plan.mqtt.port}")
        pipes = [processes.start(play, crew) for crew in crews]
        try:
            _await_connected(crews, pipes)
            connected_s = time.monotonic() - started
            return _talk(plan, processes, connected_s, tell)
        finally:
            processes.leave(pipes)
            clear_retained(plan.mqtt, site, [f"sim-{number:04d}" for number in range(plan.devices)])


def _crews(plan: Plan, site: str, count: int) -> list[Crew]:
    bounds = [round(plan.devices * n / count) for n in range(count + 1)]
    ramp_s = _RAMP_S * plan.devices
    return [
        Crew(plan.mqtt, site, first, last - first, plan.rates, ramp_s, plan.connect_s)
        for first, last in pairwise(bounds)
    ]


def _await_connected(crews: list[Crew], pipes: list[Pipe]) -> None:
    answers = [
        _answer(pipe, crew.ramp_s + crew.connect_s + _PATIENCE_S, "a process of devices")
        for crew, pipe in zip(crews, pipes, strict=True)
    ]
    connected = [answer for answer in answers if isinstance(answer, Connected)]
    problems = {answer.problem for answer in connected if answer.problem}
    if problems:
        wanted = sum(crew.count for crew in crews)
        raise BrokerError(
            "connected devices",
            received=sum(answer.count for answer in connected),
            expected=f"{wanted}: {'; '.join(sorted(problems))}",
        )


def _talk(plan: Plan, processes: _Processes, connected_s: float, tell: Callable[[str], None]) -> Report:
    listener, *pipes = processes.pipes
    window = Window(time.monotonic() + _GO_S, time.monotonic() + _GO_S + plan.seconds)
    for pipe in pipes:
        pipe.send(window)
    tell(f"all connected after {connected_s:.1f} s; they talk for {plan.seconds:.0f} s")
    time.sleep(_GO_S)
    before = _usage(plan, processes.pids)
    time.sleep(max(0.0, window.ends_at - time.monotonic()))
    used = _usage(plan, processes.pids).since(before)
    said = [answer for pipe in pipes if isinstance(answer := _answer(pipe, _PATIENCE_S, "a process of devices"), Said)]
    listener.send(ALL_SAID)
    heard = _answer(listener, 2 * _PATIENCE_S + plan.seconds, "the listener")
    assert isinstance(heard, Heard)
    return report(said, heard, used, devices=plan.devices, seconds=plan.seconds, connected_s=connected_s)


def _usage(plan: Plan, pids: list[int]) -> Usage:
    listener, *crews = (process_seconds(pid) for pid in pids)
    broker = None if plan.broker_pid is None else process_seconds(plan.broker_pid)
    return Usage(broker, listener, tuple(crews), busy_seconds())


def _answer(pipe: Pipe, within_s: float, who: str) -> object:
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
        # Not forked: a copy of a process with threads and connections is no process of its own.
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
        """Start a process; what it says and hears goes through the pipe, its last argument."""
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
        """Let those at the other end of the pipes say goodbye to the broker."""
        for pipe in pipes:
            pipe.close()
        deadline = time.monotonic() + _PATIENCE_S
        for process in self._running[-len(pipes) :]:
            process.join(max(0.0, deadline - time.monotonic()))
