"""From what was sent and received to statistics."""

from __future__ import annotations

import json
import math
import os
import time
from dataclasses import replace

import pytest

from edge_agent.errors import InputError
from fleet.loadtest.limits import MAX_DEVICES_PER_PROCESS, allow_files, processes_for
from fleet.loadtest.listener import ListenerResult
from fleet.loadtest.processor import busy_seconds, parse_machine, parse_process, process_seconds
from fleet.loadtest.statistics import Milliseconds, Report, Usage, percentile, summarize
from fleet.loadtest.workers import Sent


def made(sent_by: list[Sent], result: ListenerResult, used: Usage) -> Report:
    return summarize(sent_by, result, used, devices=2, seconds=10.0, connected_s=1.0)


def sent(count: int, undelivered: int = 0, late_s: float = 0.001) -> Sent:
    return Sent({("sim-0000", "summary"): count}, 1, undelivered, 0, [late_s] * count)


def received(count: int) -> ListenerResult:
    return ListenerResult(
        seqs={("sim-0000", "S", "summary"): set(range(1, count + 1))}, reports=1, delivery_s=[0.02] * count, probe_s=[]
    )


IDLE = Usage(0.5, 1.0, (2.0, 3.0), 10.0)


@pytest.mark.parametrize(
    ("broker_s", "probe_s", "warned"), [(0.5, 0.3, True), (0.5, 0.2, False), (9.0, 0.3, False), (None, 0.3, False)]
)
def test_waiting_where_the_broker_had_time_is_not_the_brokers(
    broker_s: float | None, probe_s: float, warned: bool
) -> None:
    got = replace(received(10), probe_s=[probe_s] * 10)
    found = made([sent(10)], got, Usage(broker_s, 1.0, (2.0, 3.0), 10.0))
    assert any("although the broker was idle" in words for words in found.warnings) is warned


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50), (0.99, 99), (1.0, 100)])
def test_a_percentile_is_a_value_that_occurred(share: float, expected: int) -> None:
    assert percentile(list(range(100, 0, -1)), share) == expected


def test_of_nothing_there_is_no_percentile() -> None:
    assert math.isnan(percentile([], 0.5))


def test_an_event_is_lost_only_where_the_broker_had_taken_it() -> None:
    found = made([sent(10, undelivered=3)], received(6), IDLE)
    assert (found.sent, found.received, found.undelivered, found.lost) == (10, 6, 3, 1)
    assert any("max_queued_messages" in words for words in found.warnings)


def test_the_same_event_twice_is_counted_once() -> None:
    got = ListenerResult()
    header = type("Header", (), {"session": "S", "observed_at": "2026-11-22T09:00:00.000Z", "seq": 1})()
    got.count_event("sim-0000", "summary", header, 1795338000.5)
    got.count_event("sim-0000", "summary", header, 1795338001.5)
    assert (got.repeated, got.delivery_s) == (1, [0.5])


def test_processor_time_is_reported_in_cores() -> None:
    load = made([sent(1)], received(1), IDLE).load
    assert (load.broker, load.listener, load.devices, load.busiest_process) == (0.05, 0.1, 0.5, 0.3)
    assert load.others == pytest.approx(0.35)


def test_a_broker_elsewhere_has_no_processor_time() -> None:
    found = made([sent(1)], received(1), Usage(None, 1.0, (1.0,), 10.0))
    assert found.load.broker is None
    assert "--broker-pid" in dict(found.rows())["broker"]


def test_what_was_used_meanwhile_is_a_difference() -> None:
    assert Usage(3.0, 2.0, (5.0,), 20.0).since(Usage(1.0, 1.0, (2.0,), 12.0)) == Usage(2.0, 1.0, (3.0,), 8.0)


def test_a_simulator_short_of_processor_time_says_so() -> None:
    busy = made([sent(10, late_s=0.5)], received(10), Usage(0.5, 9.0, (9.5,), 20.0))
    assert len(busy.warnings) == 3
    assert made([sent(10)], received(10), IDLE).warnings == ()


def test_times_that_were_not_measured_are_null_in_json() -> None:
    printed = json.loads(json.dumps(made([sent(1)], received(1), IDLE).as_dict(), allow_nan=False))
    assert printed["probe_ms"]["p50"] is None
    assert printed["delivery_ms"]["p99"] == 20.0


def test_milliseconds_are_rounded() -> None:
    assert Milliseconds.of([0.0101, 0.0202]) == Milliseconds(10.1, 20.2, 20.2)


@pytest.mark.parametrize("name", ["mosquitto", "a program", "odd) 1 2 (name"])
def test_a_process_may_be_called_anything(name: str) -> None:
    fields = ["S", *["0"] * 10, "25", "17", *["0"] * 20]
    assert parse_process(f"42 ({name}) {' '.join(fields)}") == 42


def test_idle_time_is_not_counted() -> None:
    assert parse_machine("cpu  10 1 5 1000 200 2 3 4 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n") == 25


def test_the_kernel_counts_this_process() -> None:
    before, machine = process_seconds(os.getpid()), busy_seconds()
    deadline = time.monotonic() + 30
    while process_seconds(os.getpid()) < before + 0.05 or busy_seconds() < machine + 0.04:  # counted a while apart
        assert time.monotonic() < deadline


def test_a_process_that_is_not_there_is_a_mistake_of_the_user() -> None:
    with pytest.raises(InputError, match="--broker-pid"):
        process_seconds(2**22 + 1)


@pytest.mark.parametrize(("devices", "cores", "expected"), [(1, 8, 1), (50, 2, 2), (500, 2, 5), (500, 8, 8)])
def test_devices_are_spread_over_processes(devices: int, cores: int, expected: int) -> None:
    assert processes_for(devices, cores) == expected
    assert devices <= expected * MAX_DEVICES_PER_PROCESS


def test_too_many_files_are_refused_with_the_remedy() -> None:
    with pytest.raises(InputError, match="ulimit -Hn"):
        allow_files(10**9)
