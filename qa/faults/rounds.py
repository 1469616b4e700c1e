"""One round: a device at work, a fault, and afterwards the question whether everything arrived."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from edge_agent.client import Device, DeviceState
from qa.faults.checker import Event, Findings, Receipt, compare
from qa.faults.faults import Fault
from qa.faults.stage import DEVICE, SITE, Stage
from qa.faults.witness import ClientSubscriber, PlainSubscriber

_PATIENCE_S = 60.0
_DEVICE = Device(SITE, DEVICE)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a round gave.

    Attributes:
        fault: Its name.
        seed: Of the round.
        client: What the client got of what was accepted.
        plain: What ``mosquitto_sub`` got of it.
        recovery_s: From the end of the fault until all accepted before it had arrived.
        wrong: Everything that must not be, in words; empty when all is well.
    """

    fault: str
    seed: str
    client: Findings
    plain: Findings
    recovery_s: float
    wrong: tuple[str, ...]


def play(fault: Fault, seed: str, folder: Path) -> Outcome:
    """Play one round.

    Args:
        fault: What goes wrong.
        seed: Decides everything that is random but the timing of processes.
        folder: Empty; logs and state are left in it.
    """
    draw = random.Random(seed)
    # Where the client joins only afterwards, nobody has asked for anything again before the plain subscriber is judged.
    present = fault.client_watches or draw.random() < 0.5
    with contextlib.ExitStack() as stack:
        stage = stack.enter_context(Stage(folder, draw, fault.broker_config))
        plain = stack.enter_context(PlainSubscriber(stage.broker, folder))
        client = ClientSubscriber(stage.broker, catch_up=not present)
        if present:
            stack.enter_context(client)
        fault.prepare(stage)
        if fault.fast and draw.random() < 0.8:
            stage.wait_for_events(draw.randint(1, 60))
        fault.play(stage)
        mended_at, waiting = time.monotonic(), stage.accepted()
        stage.wait_for_events(draw.randint(1, 40) if fault.fast else 1)
        stage.fall_quiet()
        accepted = stage.accepted()
        if fault.broker_keeps:
            _await(lambda: not _missing(accepted, plain.receipts))
        recovered_at = _arrived_at(waiting, plain.receipts)
        seen_alone = len(plain.receipts)
        if not present:
            stack.enter_context(client)
        _await(lambda: not _missing(accepted, client.receipts))
        if present:
            recovered_at = max(recovered_at, _arrived_at(waiting, client.receipts))
        wrong = _state_after(stage, client)
    by_plain = plain.receipts if present else plain.receipts[:seen_alone]
    judged = compare(accepted, client.receipts), compare(accepted, by_plain, asked=present)
    wrong += [f"client: {what}" for what in judged[0].wrong]
    wrong += [f"client: missing {event}" for event in judged[0].missing]
    wrong += [f"mosquitto_sub: {what}" for what in judged[1].wrong]
    if fault.broker_keeps:
        wrong += [f"mosquitto_sub: missing {event}" for event in judged[1].missing]
    return Outcome(fault.name, seed, *judged, max(0.0, recovered_at - mended_at), tuple(wrong))


def _state_after(stage: Stage, client: ClientSubscriber) -> list[str]:
    """A device that lives must count as alive, and one that was stopped as gone."""
    wrong = []
    if not _await(lambda: client.state(_DEVICE) is DeviceState.ONLINE):
        wrong.append(f"the device is alive and counts as {client.state(_DEVICE).value}")
    stage.terminate()
    if not _await(lambda: client.state(_DEVICE) is DeviceState.OFFLINE):
        wrong.append(f"the device was stopped and counts as {client.state(_DEVICE).value}")
    return wrong


def _missing(accepted: Sequence[Event], receipts: Sequence[Receipt]) -> set[Event]:
    return set(accepted) - {receipt.event for receipt in list(receipts)}


def _arrived_at(events: Sequence[Event], receipts: Sequence[Receipt]) -> float:
    """When the last of these events came for the first time."""
    first: dict[Event, float] = {}
    for receipt in list(receipts):
        first.setdefault(receipt.event, receipt.at)
    return max((first.get(event, 0.0) for event in events), default=0.0)


def _await(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + _PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def play_safely(fault: Fault, seed: str, folder: Path) -> Outcome:
    """As :func:`play`, but what ends a round early is told as something wrong."""
    try:
        return play(fault, seed, folder)
    except (Exception, pytest.fail.Exception) as trouble:  # noqa: BLE001 - the other rounds go on
        nothing = compare([], [])
        return Outcome(fault.name, seed, nothing, nothing, 0.0, (f"{type(trouble).__name__}: {trouble}",))
