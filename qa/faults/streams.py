"""Faults of a network camera's stream, for the whole agent."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from functools import cache

import cv2
import numpy as np
import pytest

from edge_agent.simulate import SimulatedClassroom
from qa.faults.cameras import AGENT, DECLARED, FAST, HEIGHT, WIDTH, wait_for_state
from qa.faults.rig import Rig
from tests.support.broker import Subscriber, wait_until
from tests.support.mjpeg_server import MjpegServer

_FPS = 8
_BAD_SHARE = 0.2


class Stream:
    """What a camera with an MJPEG stream sends: a drawn class, and what goes wrong.

    Attributes:
        fault: Nothing, ``bad pictures``, ``frozen``, ``ends`` or ``silent``.
        bad: How many bad pictures were sent.
        clients: How often it was opened.
    """

    def __init__(self, rng: random.Random) -> None:
        self.fault = ""
        self.bad = self.clients = 0
        self._rng = rng

    def pictures(self) -> Iterator[bytes]:
        """The pictures for one client."""
        self.clients += 1
        shown, number = pictures(), 0
        while self.fault != "ends":
            while self.fault == "silent":
                time.sleep(0.05)
            number += self.fault != "frozen"
            picture = shown[number % len(shown)]
            if self.fault == "bad pictures" and self._rng.random() < _BAD_SHARE:
                self.bad += 1
                picture = self._rng.choice(_SPOILERS)(picture, self._rng)
            yield picture


def cut_off(picture: bytes, rng: random.Random) -> bytes:
    """Only the beginning."""
    return picture[: rng.randrange(2, len(picture))]


def spoilt(picture: bytes, rng: random.Random) -> bytes:
    """Some bytes are others."""
    content = bytearray(picture)
    for _ in range(rng.randint(1, 40)):
        content[rng.randrange(2, len(content) - 2)] = rng.randrange(256)
    return bytes(content)


def no_picture(_picture: bytes, rng: random.Random) -> bytes:
    """The marks of a JPEG with something else between them."""
    return b"\xff\xd8" + rng.randbytes(rng.randrange(1, 5000)).replace(b"\xff", b"\xfe") + b"\xff\xd9"


def empty(_picture: bytes, _rng: random.Random) -> bytes:
    """Nothing between the marks."""
    return b"\xff\xd8\xff\xd9"


_SPOILERS: tuple[Callable[[bytes, random.Random], bytes], ...] = (cut_off, spoilt, no_picture, empty)


def with_a_stream(rig: Rig) -> None:
    """Start an agent with a network camera that shows a simulated class."""
    stream = Stream(random.Random(rig.rng.random()))
    rig.prepared = stream
    server = MjpegServer(stream.pictures, pause_s=1.0 / _FPS)
    rig.at_end(lambda: server.__exit__(None, None, None))
    camera = f'[camera]\nsource = "http"\nurl = "{server.url}"\nfps = {_FPS}\nstall_s = 1\n'
    rig.start(AGENT, camera + DECLARED + FAST)
    rig.wait_for_events(5)


def bad_pictures(rig: Rig) -> None:
    """A fifth of the pictures is cut off, spoilt or empty for a while. That must not end the stream."""
    stream = _stream(rig)
    opened = stream.clients
    stream.fault = "bad pictures"
    rig.wait_for_events(10)
    wait_until(lambda: stream.bad >= 10, 60.0, "bad pictures")
    stream.fault = ""
    if stream.clients != opened:
        pytest.fail(f"bad pictures ended the stream: {rig.log()[-2000:]}")


def frozen_silent_or_over(rig: Rig) -> None:
    """The stream shows the same picture again and again, falls silent, or ends; then it goes on."""
    stream = _stream(rig)
    with Subscriber(rig.broker.port, topics=("+/v1/+/+/health",)) as subscriber:
        for fault in rig.rng.sample(("frozen", "silent", "ends"), rig.rng.randint(1, 2)):
            stream.fault = fault
            if fault == "frozen":
                wait_for_state(subscriber, "frozen")
            rig.pause(0.5, 3.0)
            stream.fault = ""
            wait_for_state(subscriber, "ok")
            rig.wait_for_events(3)


def _stream(rig: Rig) -> Stream:
    assert isinstance(rig.prepared, Stream)
    return rig.prepared


@cache
def pictures() -> tuple[bytes, ...]:
    """Some seconds of a lesson as a camera encodes them."""
    scene = SimulatedClassroom(4, WIDTH, HEIGHT, seed=3)
    encoded = (cv2.imencode(".jpg", scene.render(t))[1] for t in np.arange(0.0, 20.0, 0.5))
    return tuple(content.tobytes() for content in encoded)
