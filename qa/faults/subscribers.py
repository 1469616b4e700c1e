"""The two subscribers of a round: ``mosquitto_sub`` with a persistent session, and the client that dashboards use."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from pathlib import Path
from types import TracebackType

from edge_agent.client import Arrived, Broker, Classroom, Device, DeviceState, Expression, Lost, Patience, Summary
from edge_agent.protocol.messages import encode
from edge_agent.protocol.topics import SEQUENCED
from qa.faults.checker import Event, Receipt
from tests.support.broker import Mosquitto, wait_until

_PATIENCE = Patience(grace_s=0.2, retry_s=1.0, retry_cap_s=2.0)


class MosquittoSub:
    """``mosquitto_sub``, which shares no code with this project. The broker keeps its messages while it is away.

    Attributes:
        receipts: The events it got so far, duplicates included.
    """

    def __init__(self, broker: Mosquitto, folder: Path) -> None:
        self.receipts: list[Receipt] = []
        self._broker, self._folder = broker, folder

    def __enter__(self) -> MosquittoSub:
        broker = self._broker
        topics = [part for name in SEQUENCED for part in ("-t", f"classroom/v1/+/+/{name}")]
        command = [
            "mosquitto_sub",
            "-h",
            broker.host,
            "-p",
            str(broker.port),
            "-V",
            "5",
            "-q",
            "1",
            "-c",
            "-i",
            "fault-rounds",
            "-F",
            "%t\t%P\t%p",
            *topics,
        ]
        subprocess.run([*command, "-E"], check=True, timeout=30)  # from here on the broker keeps what comes
        with (self._folder / "mosquitto_sub.log").open("wb") as log:
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            topic, properties, payload = line.rstrip(b"\n").split(b"\t", 2)
            fields = json.loads(payload)
            event = Event(fields["session"], topic.decode().rsplit("/", 1)[1], fields["seq"])
            again = b"historical" in properties
            self.receipts.append(Receipt(event, fields["event_id"], payload, again, time.monotonic()))


class ClientSubscriber:
    """``edge_agent.client`` on a thread of its own.

    Args:
        broker: Where to connect.
        catch_up: Whether to ask for everything from before it joined.

    Attributes:
        receipts: The events it reported.
        reported: The events it reported as lost.
    """

    def __init__(self, broker: Mosquitto, *, catch_up: bool = False) -> None:
        self.receipts: list[Receipt] = []
        self.reported: set[Event] = set()
        self._classroom = Classroom(Broker(broker.host, broker.port), catch_up=catch_up, patience=_PATIENCE)
        self._stop, self._connected = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> ClientSubscriber:
        self._thread.start()
        wait_until(self._connected.is_set, what="the client's connection")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def state(self, device: Device) -> DeviceState:
        """The state it reports for a device."""
        return self._classroom.states().get(device, DeviceState.UNKNOWN)

    def _run(self) -> None:
        with self._classroom as classroom:
            while not self._stop.is_set():
                for notice in classroom.poll(0.1):
                    self._connected.set()
                    if isinstance(notice, Lost):
                        seqs = range(notice.first, notice.last + 1)
                        self.reported.update(Event(notice.session, notice.topic, seq) for seq in seqs)
                    elif isinstance(notice, Arrived) and isinstance(notice.message, Expression | Summary):
                        message = notice.message
                        topic = "expression" if isinstance(message, Expression) else "summary"
                        event = Event(message.session, topic, message.seq)
                        receipt = Receipt(event, message.event_id, encode(message), notice.late, time.monotonic())
                        self.receipts.append(receipt)
