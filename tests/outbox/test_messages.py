"""The outbox for other programs: messages on any topic, with the clients that people use."""

from __future__ import annotations

import asyncio
import gc
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge_agent.errors import InputError
from edge_agent.outbox import MessageOutbox
from tests.support.broker import Mosquitto, Subscriber, running_mosquitto, wait_until

PAGE = (Path(__file__).parents[2] / "docs" / "outbox.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    folder = tmp_path / "mosquitto"
    folder.mkdir()
    with running_mosquitto(folder) as made:
        yield made


def all_of(outbox: MessageOutbox) -> list[tuple[str, bytes]]:
    assert outbox.flush()
    return [(message.topic, message.payload) for message in outbox.take(1000)]


def test_what_was_put_is_taken_in_that_order_across_topics(tmp_path: Path) -> None:
    with MessageOutbox(tmp_path / "outbox.db") as outbox:
        put = [(f"a/{number % 3}", b"%d" % number) for number in range(50)]
        for topic, payload in put:
            outbox.put(topic, payload)
        assert all_of(outbox) == put


def test_messages_that_two_threads_put_at_once_have_numbers_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    with MessageOutbox() as outbox:
        other = threading.Thread(target=outbox.put, args=("t", b"other"))
        first, monotonic = threading.current_thread(), outbox._clock.monotonic

        def slow_clock() -> float:
            if threading.current_thread() is first and other.ident is None:
                other.start()
                other.join(0.2)
            return monotonic()

        monkeypatch.setattr(outbox._clock, "monotonic", slow_clock)
        outbox.put("t", b"first")
        other.join()
        assert outbox.flush()
        assert [message._row.seq for message in outbox.take(10)] == [1, 2]


@pytest.mark.parametrize("payload", [b"", b"\0", b"\0\0x\0", bytes(range(256)), b"x" * 300_000])
def test_every_payload_comes_out_as_it_went_in(payload: bytes, tmp_path: Path) -> None:
    with MessageOutbox(tmp_path / "outbox.db") as outbox:
        outbox.put("a/ä/教室", payload)
        assert all_of(outbox) == [("a/ä/教室", payload)]


def test_what_was_not_acknowledged_is_given_again_in_the_next_run(tmp_path: Path) -> None:
    with MessageOutbox(tmp_path / "outbox.db") as outbox:
        for number in range(5):
            outbox.put("t", b"%d" % number)
        outbox.flush()
        first, second, *_ = outbox.take(3)
        outbox.delivered(first)
        outbox.delivered(second)
    with MessageOutbox(tmp_path / "outbox.db") as outbox:
        outbox.put("t", b"new")
        assert all_of(outbox) == [("t", b"2"), ("t", b"3"), ("t", b"4"), ("t", b"new")]


def test_what_is_put_back_is_taken_next(tmp_path: Path) -> None:
    with MessageOutbox(tmp_path / "outbox.db") as outbox:
        for number in range(4):
            outbox.put("t", b"%d" % number)
        outbox.flush()
        outbox.put_back(outbox.take(2))
        assert [message.payload for message in outbox.take(10)] == [b"0", b"1", b"2", b"3"]


def test_without_a_file_messages_wait_in_memory() -> None:
    with MessageOutbox() as outbox:
        outbox.put("t", b"1")
        assert all_of(outbox) == [("t", b"1")]
        assert outbox.statistics().storage == "memory"


def test_a_full_outbox_gives_up_the_oldest_and_counts_them(tmp_path: Path) -> None:
    with MessageOutbox(tmp_path / "outbox.db", max_messages=100) as outbox:
        for number in range(150):
            outbox.put("t", b"%d" % number)
        wait_until(lambda: outbox.statistics().lost > 0, what="the loss")
        payloads = [payload for _, payload in all_of(outbox)]
        assert payloads[-1] == b"149"
        assert outbox.statistics().lost == 150 - len(payloads) > 0


def test_what_can_be_read_of_a_damaged_file_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "outbox.db"
    with MessageOutbox(file) as outbox:
        for number in range(300):
            outbox.put("t", b"%d" % number + b"x" * 500)
    data = bytearray(file.read_bytes())
    data[8192:12288] = b"\x55" * 4096
    file.write_bytes(data)
    with MessageOutbox(file) as outbox:
        outbox.put("t", b"after")
        kept = all_of(outbox)
    assert len(kept) > 100
    assert kept[-1] == ("t", b"after")


@pytest.mark.parametrize("topic", ["", "a/+", "#", "a\0b", "x" * 65_536])
def test_a_topic_on_which_nobody_may_publish_is_refused(topic: str) -> None:
    with pytest.raises(InputError):
        MessageOutbox().put(topic, b"")


@pytest.mark.parametrize("wrong", [{"max_messages": 1}, {"max_mb": 0}, {"commit_s": -1.0}])
def test_a_limit_out_of_its_range_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        MessageOutbox(**wrong)


def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        MessageOutbox(tmp_path)


def test_importing_it_loads_nothing_of_the_vision() -> None:
    code = "import sys, edge_agent.outbox; print(sorted({'numpy', 'cv2', 'ai_edge_litert'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_the_example_with_paho_is_short() -> None:
    assert len(block("python").splitlines()) <= 40


def test_lines_typed_while_the_broker_is_away_arrive_after_a_restart_of_both(broker: Mosquitto, tmp_path: Path) -> None:
    command = [sys.executable, "-c", block("python"), "127.0.0.1", str(broker.port), str(tmp_path / "outbox.db")]

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(command, stdin=subprocess.PIPE)

    def type_lines(program: subprocess.Popen[bytes], *lines: bytes) -> None:
        assert program.stdin is not None
        program.stdin.write(b"".join(line + b"\n" for line in lines))
        program.stdin.flush()

    def end(program: subprocess.Popen[bytes]) -> None:
        program.kill()
        program.wait()
        assert program.stdin is not None
        program.stdin.close()

    def stored() -> int:
        return sum(file.stat().st_size for file in tmp_path.glob("outbox.db*"))

    def payloads() -> list[bytes]:
        return list(dict.fromkeys(message.payload for message in subscriber.on("hall")))

    first = start()
    with Subscriber(broker.port) as subscriber:
        type_lines(first, b"one")
        wait_until(lambda: payloads() == [b"one"], what="a line with the broker there")
    broker.stop()
    before = stored()
    type_lines(first, b"two", b"three")
    wait_until(lambda: stored() > before, what="the lines on the disk")
    end(first)
    broker.start()
    with Subscriber(broker.port) as subscriber:
        second = start()
        type_lines(second, b"four")
        wait_until(lambda: payloads()[-3:] == [b"two", b"three", b"four"], what="all lines")
        end(second)


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_aiomqtt_forwards_what_waits(broker: Mosquitto, tmp_path: Path) -> None:
    aiomqtt = pytest.importorskip("aiomqtt")
    known: dict[str, Any] = {"asyncio": asyncio, "aiomqtt": aiomqtt, "MessageOutbox": MessageOutbox}
    exec(compile(block("py"), "outbox.md", "exec"), known)
    with MessageOutbox(tmp_path / "outbox.db") as outbox, Subscriber(broker.port) as subscriber:
        for number in range(20):
            outbox.put(f"sensors/{number % 2}", b"%d" % number)

        async def until_there() -> None:
            forwarding = asyncio.create_task(known["forward"]("127.0.0.1", broker.port, outbox))
            for _ in range(600):
                if len(subscriber.messages) >= 20 and outbox.statistics().pending == 0:
                    break
                await asyncio.sleep(0.05)
            forwarding.cancel()

        asyncio.run(until_there())
        assert [message.payload for message in subscriber.messages] == [b"%d" % number for number in range(20)]
        assert outbox.statistics().pending == 0
    gc.collect()  # aiomqtt leaves two sockets open: were they found later, another test would be blamed
