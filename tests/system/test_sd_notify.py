"""What the service manager hears, on real sockets."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from edge_agent.system.sd_notify import READY, STOPPING, WATCHDOG, Heartbeat, Watchdog, notify, status, watchdog_s


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, dict[str, str]]]:
    """A service manager's socket with the environment it gives to its service."""
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as listener:
        listener.settimeout(5)
        name = f"{tmp_path}/notify" if request.param == "path" else f"@edge-agent-{secrets.token_hex(8)}"
        listener.bind(name.replace("@", "\0"))
        yield listener, {"NOTIFY_SOCKET": name}


def test_states_arrive_in_one_datagram(manager: tuple[socket.socket, dict[str, str]]) -> None:
    listener, environ = manager
    assert notify(READY, status("watching\n/dev/video0"), environ=environ)
    assert listener.recv(1024) == b"READY=1\nSTATUS=watching /dev/video0"


def test_nothing_happens_without_a_service_manager() -> None:
    assert not notify(READY, environ={})


def test_a_service_manager_that_has_gone_is_no_error(tmp_path: Path) -> None:
    assert not notify(STOPPING, environ={"NOTIFY_SOCKET": str(tmp_path / "gone")})


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"WATCHDOG_USEC": "60000000"}, 60.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "42"}, 60.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "43"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_the_watchdog_counts_only_where_it_watches_this_process(
    environ: dict[str, str], expected: float | None
) -> None:
    assert watchdog_s(environ, pid=42) == expected


def test_the_watchdog_is_fed_every_quarter_of_its_period() -> None:
    heart = Heartbeat(60.0, now=100.0)
    fed = [now for now in range(100, 160) if WATCHDOG in heart.beat(now, {"perception": now, "publisher": now})]
    assert fed == [100, 115, 130, 145]


@pytest.mark.parametrize("part", ["perception", "publisher"])
def test_it_is_not_fed_while_a_part_stands_still(part: str) -> None:
    heart = Heartbeat(60.0, now=0.0)
    turned = {"perception": 100.0, "publisher": 100.0}
    assert heart.beat(100.0, turned) == (WATCHDOG,)
    turned = {"perception": 131.0, "publisher": 131.0} | {part: 100.0}
    assert heart.beat(131.0, turned) == (f"STATUS=stands still: {part}",)
    assert heart.beat(146.0, turned | {part: 146.0}) == (WATCHDOG, "STATUS=running")


def test_a_part_that_never_turned_has_half_a_period_from_the_start() -> None:
    heart = Heartbeat(60.0, now=1000.0)
    assert WATCHDOG in heart.beat(1030.0, {"publisher": 0.0})
    assert WATCHDOG not in heart.beat(1045.5, {"publisher": 0.0})


def test_a_watchdog_asks_the_parts_and_feeds_the_service_manager(
    manager: tuple[socket.socket, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    listener, environ = manager
    for name, value in (environ | {"WATCHDOG_USEC": "60000000"}).items():
        monkeypatch.setenv(name, value)
    Watchdog(lambda: {"publisher": 100.0}, now=100.0).feed(100.0)
    assert listener.recv(1024) == WATCHDOG.encode()


def test_without_a_watchdog_no_part_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)

    def ask() -> dict[str, float]:
        pytest.fail("asked, although nobody watches")

    Watchdog(ask, now=0.0).feed(0.0)
