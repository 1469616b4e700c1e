"""JSON and TOML read into types."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from edge_agent.decoding import UNDECODABLE, convert, decode_json, json_decoder

_ROOT = Path(__file__).parents[1]
_MANY_THREADS = """
import sys, threading
from typing import Optional
import msgspec
from edge_agent.decoding import convert, decode_json
sys.setswitchinterval(1e-6)
for number in range(60):
    inner = msgspec.defstruct(f"Inner{number}", [(f"a{i}", Optional[int], None) for i in range(30)])
    outer = msgspec.defstruct(f"Outer{number}", [(f"f{i}", Optional[inner], None) for i in range(30)])
    start = threading.Barrier(4)
    found = []
    def read():
        start.wait()
        found.append(decode_json(b'{"f29": {"a29": 3}}', outer).f29.a29)
        found.append(convert({"a29": 4}, inner).a29)
    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    assert sorted(found) == [3] * 4 + [4] * 4
"""


class Lesson(msgspec.Struct):
    room: str
    pupils: int


def test_a_type_that_many_threads_meet_at_the_same_time_is_read_by_all() -> None:
    done = subprocess.run([sys.executable, "-c", _MANY_THREADS], capture_output=True, text=True, check=False, cwd=_ROOT)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_decoder_is_made_once() -> None:
    assert json_decoder(Lesson) is json_decoder(Lesson)


@pytest.mark.parametrize("content", [b"{", b'{"room": "2b"}', b'{"room": "\xff", "pupils": 1}'])
def test_what_is_no_such_json_is_refused(content: bytes) -> None:
    with pytest.raises(UNDECODABLE):
        decode_json(content, Lesson)


def test_tables_of_another_shape_are_refused() -> None:
    assert convert({"room": "2b", "pupils": 24}, Lesson) == Lesson("2b", 24)
    with pytest.raises(msgspec.ValidationError, match="pupils"):
        convert({"room": "2b", "pupils": "many"}, Lesson)


def test_nothing_else_lets_msgspec_meet_a_type() -> None:
    meets = re.compile(r"msgspec\.(convert\(|json\.Decoder\b|json\.decode\([^\n]*\btype=)")
    sources = [
        path
        for package in ("edge_agent", "fleet", "dashboard", "train", "export", "qa")
        for path in (_ROOT / package).rglob("*.py")
    ]
    found = [str(path.relative_to(_ROOT)) for path in sources if meets.search(path.read_text(encoding="utf-8"))]
    assert found == ["edge_agent/decoding.py"]
