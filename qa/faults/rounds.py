"""One round: a running device, a fault, and a check afterwards whether everything arrived."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from edge_agent.client import Device, DeviceState
from qa.faults.checker import Event, Findings, Receipt, altered, compare, unreported
from qa.faults.faults import Fault
from qa.faults.rig import DEVICE, SITE, Rig
from qa.faults.subscribers import ClientSubscriber, MosquittoSub

_TIMEOUT_S = 60.0
_SETTLED_S = 4.0
_DEVICE = Device(SITE, DEVICE)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a round.

    Attributes:
        fault: Its name.
        seed: Of the round.
        client: What ``edge_agent.client`` got of what was accepted.
        mosquitto_sub: What ``mosquitto_sub`` got of it.
        recovery_s: From the end of the fault until all accepted before it had arrived.
        reported: How many of the events that did not come the client reported as lost.
        wrong: Everything that must not happen, in words; empty when all is well.
    """

    fault: str
    seed: str
    client: Findings
    mosquitto_sub: Findings
    recovery_s: float
    reported: int
    wrong: tuple[str, ...]


def run_round(fault: Fault, seed: str, folder: Path) -> Outcome:
    """Run one round.

    Args:
        fault: What goes wrong.
        seed: Decides everything random except the timing of processes.
        folder: Empty; logs and state are left in it.
    """
    rng = random.Random(seed)
    # If the client joins only afterwards, nobody has asked for events again before mosquitto_sub is checked.
    present = fault.client_watches or rng.random() < 0.5
    with contextlib.ExitStack() as stack:
        rig = Rig(folder, rng, fault.broker_config)
        fault.furnish(rig)
        stack.enter_context(rig)
        mosquitto_sub = stack.enter_context(MosquittoSub(rig.broker, folder))
        client = ClientSubscriber(rig.broker, catch_up=not present)
        if present:
            stack.enter_context(client)
        fault.prepare(rig)
        if fault.fast and rng.random() < 0.8:
            rig.wait_for_events(rng.randint(1, 60))
        fault.inject(rig)
        ended_at, waiting = time.monotonic(), rig.accepted()
        rig.wait_for_events(rng.randint(1, 40) if fault.fast else 1)
        rig.fall_quiet()
        accepted, digests = rig.accepted(), rig.digests()
        if fault.broker_keeps and not fault.may_lose:
            _await(lambda: not _missing(accepted, mosquitto_sub.receipts))
        recovered_at = _arrived_at(waiting, mosquitto_sub.receipts)
        seen_alone = len(mosquitto_sub.receipts)
        if not present:
            stack.enter_context(client)
        if fault.may_lose:
            _await_what_can_come(accepted, client)
            _await(lambda: _missing(accepted, mosquitto_sub.receipts) <= _missing(accepted, client.receipts))
        else:
            _await(lambda: not _missing(accepted, client.receipts))
        if present:
            recovered_at = max(recovered_at, _arrived_at(waiting, client.receipts))
        wrong = _state_after(rig, client)
    others = rig.twin_sessions()
    by_client = _without(client.receipts, others)
    by_mosquitto_sub = _without(mosquitto_sub.receipts if present else mosquitto_sub.receipts[:seen_alone], others)
    of_client = compare(accepted, by_client, runs_apart=fault.runs_apart)
    of_mosquitto_sub = compare(accepted, by_mosquitto_sub, asked=present, runs_apart=fault.runs_apart)
    wrong += [f"client: {what}" for what in of_client.wrong]
    unknown = unreported(of_client.missing, by_client, client.reported) if fault.may_lose else of_client.missing
    wrong += [f"client: missing {event}" for event in unknown]
    wrong += [f"client: {what}" for what in altered(digests, by_client)]
    wrong += [f"mosquitto_sub: {what}" for what in altered(digests, by_mosquitto_sub)]
    wrong += [f"mosquitto_sub: {what}" for what in of_mosquitto_sub.wrong]
    if fault.broker_keeps and not fault.may_lose:
        wrong += [f"mosquitto_sub: missing {event}" for event in of_mosquitto_sub.missing]
    recovery_s = max(0.0, recovered_at - ended_at)
    reported = sum(event in client.reported for event in of_client.missing)
    return Outcome(fault.name, seed, of_client, of_mosquitto_sub, recovery_s, reported, tuple(wrong))


def _await_what_can_come(accepted: Sequence[Event], client: ClientSubscriber) -> None:
    """Wait until all has come or is known to be lost, and then for a while that brings nothing new."""
    _await(lambda: not unreported(_missing(accepted, client.receipts), list(client.receipts), set(client.reported)))
    last, deadline = -1, time.monotonic() + _TIMEOUT_S
    while _missing(accepted, client.receipts) and last < len(client.receipts) and time.monotonic() < deadline:
        last = len(client.receipts)
        time.sleep(_SETTLED_S)


def _state_after(rig: Rig, client: ClientSubscriber) -> list[str]:
    """A device that runs must be reported as online, and one that was stopped as offline."""
    wrong = []
    if not _await(lambda: client.state(_DEVICE) is DeviceState.ONLINE):
        wrong.append(f"the device is running and reported as {client.state(_DEVICE).value}")
    rig.terminate()
    if not _await(lambda: client.state(_DEVICE) is DeviceState.OFFLINE):
        wrong.append(f"the device was stopped and reported as {client.state(_DEVICE).value}")
    return wrong


def _without(receipts: Sequence[Receipt], sessions: set[str]) -> list[Receipt]:
    """The receipts that are of other runs than these."""
    return [receipt for receipt in receipts if receipt.event.session not in sessions]


def _missing(accepted: Sequence[Event], receipts: Sequence[Receipt]) -> set[Event]:
    return set(accepted) - {receipt.event for receipt in list(receipts)}


def _arrived_at(events: Sequence[Event], receipts: Sequence[Receipt]) -> float:
    """When the last of these events arrived for the first time."""
    first: dict[Event, float] = {}
    for receipt in list(receipts):
        first.setdefault(receipt.event, receipt.at)
    return max((first.get(event, 0.0) for event in events), default=0.0)


def _await(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + _TIMEOUT_S
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def run_round_safely(fault: Fault, seed: str, folder: Path) -> Outcome:
    """As :func:`run_round`, but an error that ends the round early is part of the outcome."""
    try:
        return run_round(fault, seed, folder)
    except (Exception, pytest.fail.Exception) as trouble:  # noqa: BLE001 - the other rounds go on
        nothing = compare([], [])
        return Outcome(fault.name, seed, nothing, nothing, 0.0, 0, (f"{type(trouble).__name__}: {trouble}",))
