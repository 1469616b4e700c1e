"""The test rig of one round: a broker, a line to it that can be disturbed, a device, and the means to disturb them."""

from __future__ import annotations

import contextlib
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import pytest

from qa.faults.accepted_log import DELIVERED, QUIET, READY, read_accepted
from qa.faults.checker import Event
from tests.support.broker import Mosquitto, free_port, wait_until
from tests.support.proxy import Proxy

SITE, DEVICE = "north", "pi-3a"
_RATE = 150.0
"""Events a second that a device is fed with, about."""


class Rig:
    """One device and one broker, in a folder of their own. Use as a context manager.

    Args:
        folder: Empty.
        rng: The round's random numbers.
        broker_config: Lines of Mosquitto's configuration; ``{folder}`` is the broker's own folder. Where ``{tls_port}``
            is in them, the device connects there.

    Attributes:
        broker: The broker.
        line: What lies between device and broker.
        state: Folder of the device's outbox.
        mqtt: Further lines of the device's ``[mqtt]`` settings.
        environment: Variables added to the device's environment.
        small_disk: Whether ``state`` is a small file system of its own.
        prepared: What a fault has made before the device started and needs again.
    """

    def __init__(self, folder: Path, rng: random.Random, broker_config: str) -> None:
        broker_folder = folder / "broker"
        broker_folder.mkdir()
        (broker_folder / "passwords").touch()
        self.folder, self.rng = folder, rng
        tls_port = free_port()
        self.broker = Mosquitto(broker_folder, broker_config.format(folder=broker_folder, tls_port=tls_port))
        self.line = Proxy(tls_port if "{tls_port}" in broker_config else self.broker.port)
        self.state = folder / "state"
        self.state.mkdir()
        self.mqtt = ""
        self.environment: dict[str, str] = {}
        self.small_disk = False
        self.prepared: object = None
        self._accepted_file = folder / "accepted.txt"
        self._clock = folder / "clock"
        self._twin_file = folder / "twin.txt"
        self._process: subprocess.Popen[bytes] | None = None
        self._twin: subprocess.Popen[bytes] | None = None
        self._program, self._more = "qa.faults.device", ""
        self._ready_before = 0
        self._cleanup, self._at_end = contextlib.ExitStack(), contextlib.ExitStack()
        self.set_clock_wrong(0.0)

    def __enter__(self) -> Rig:
        self.broker.start()
        self._cleanup.callback(self.broker.stop)
        self._cleanup.enter_context(self.line)
        self._cleanup.enter_context(self._at_end)
        self._cleanup.callback(self.kill)
        self._cleanup.callback(self.stop_twin)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cleanup.close()

    def at_end(self, action: Callable[[], object]) -> None:
        """Do something after the round, once the device is gone."""
        self._at_end.callback(action)

    def start(self, program: str = "", more: str = "") -> None:
        """Start the device: with the program and settings given last, at first ``qa.faults.device``."""
        if program:
            self._program, self._more = program, more
        self._ready_before = self._count(READY)
        self._process = self._run("agent", self.state, self._accepted_file)

    def start_twin(self) -> None:
        """Start another device with the same id, an outbox of its own and as many events."""
        state = self.folder / "twin"
        state.mkdir(exist_ok=True)
        self._twin = self._run("twin", state, self._twin_file)

    def stop_twin(self) -> None:
        """Stop it in good order, so that all its runs are known."""
        if self._twin is not None:
            self._twin.terminate()
            self._twin.wait(30)
            self._twin = None

    def twin_sessions(self) -> set[str]:
        """The runs of the other device with the same id."""
        return {event.session for event in read_accepted(self._twin_file)}

    def _run(self, name: str, state: Path, accepted_file: Path) -> subprocess.Popen[bytes]:
        config = self.folder / f"{name}.toml"
        config.write_text(
            f'[device]\nsite = "{SITE}"\nid = "{DEVICE}"\n'
            f'[mqtt]\nhost = "127.0.0.1"\nport = {self.line.port}\nwill_delay_s = {self.rng.choice((0, 1))}\n'
            f"keepalive_s = 5\nhealth_every_s = 1\n{self.mqtt}\n"
            f'[outbox]\npath = "{state / "outbox.db"}"\ncommit_s = {self.rng.choice((0.0, 0.05, 0.25))}\n'
            f"{self._more}"
        )
        arguments = [config, accepted_file, self._clock, _RATE, self.rng.randrange(2**31)]
        log_file = self.folder / ("device.log" if name == "agent" else f"{name}.log")
        with log_file.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", self._program, *map(str, arguments)],
                stderr=log,
                env={**os.environ, **self.environment},
            )

    @property
    def pid(self) -> int:
        """The running device's process."""
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """``kill -9``."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def terminate(self) -> None:
        """End the device in good order: it must exit with code 0 and log no traceback."""
        assert self._process is not None
        self._process.terminate()
        code = self._process.wait(30)
        self._process = None
        if code or "Traceback" in self.log():
            pytest.fail(f"the device ended with code {code}: {self.log()[-2000:]}")

    def wait_for_end(self) -> int:
        """Wait until the device ends by itself; its exit code."""
        assert self._process is not None
        code = self._process.wait(60)
        self._process = None
        return code

    def limit_files(self, size: int) -> None:
        """No file of the device may grow past this many bytes; ``-1`` for no limit."""
        assert self._process is not None
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (size if size >= 0 else hard, hard))

    def fall_quiet(self) -> None:
        """Stop the device from making events, and wait until it has accepted those it made."""
        assert self._process is not None
        self._wait(lambda: self._count(READY) > self._ready_before, "the device's start")
        before = self._count(QUIET)
        self._process.send_signal(signal.SIGUSR1)
        self._wait(lambda: self._count(QUIET) > before, "the device falling quiet")

    def accepted(self) -> list[Event]:
        """What the device has accepted so far, in all its runs."""
        return list(read_accepted(self._accepted_file))

    def digests(self) -> dict[Event, str]:
        """The same, with the digests of their bytes."""
        return read_accepted(self._accepted_file)

    def wait_for_events(self, more: int) -> None:
        """Wait until the device has accepted ``more`` further events."""
        wanted = len(self.accepted()) + more
        self._wait(lambda: len(self.accepted()) >= wanted, f"{more} more events")

    def wait_until_delivered(self) -> None:
        """Once the device is quiet: wait until the broker has acknowledged every event."""
        self._wait(lambda: self._count(DELIVERED) > 0, "delivery")

    def wait_for_log(self, words: str) -> None:
        """Wait until the device has logged these words."""
        self._wait(lambda: words in self.log(), f"the log line {words!r}")

    def log(self) -> str:
        """What the device has logged, in all its runs."""
        return (self.folder / "device.log").read_text()

    def set_clock_wrong(self, by_s: float) -> None:
        """Set the device's wall clock wrong by so many seconds, at once."""
        new = self._clock.with_suffix(".new")
        new.write_text(str(by_s))
        new.replace(self._clock)

    def pause(self, min_s: float, max_s: float) -> None:
        """Let a random time pass."""
        time.sleep(self.rng.uniform(min_s, max_s))

    def _count(self, word: str) -> int:
        return self._accepted_file.read_text().count(word) if self._accepted_file.exists() else 0

    def _wait(self, condition: Callable[[], object], what: str) -> None:
        def holds_or_died() -> bool:
            return bool(condition()) or self._process is None or self._process.poll() is not None

        wait_until(holds_or_died, 60.0, what)
        if not condition():
            pytest.fail(f"the device died: {self.log()[-2000:]}")


def is_root() -> bool:
    """Whether file systems can be mounted."""
    return os.geteuid() == 0
