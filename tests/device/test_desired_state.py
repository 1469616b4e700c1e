"""Reading what a device should be."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.device.desired_state import MalformedDesired, read_desired
from edge_agent.protocol.messages import Desired

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def test_a_message_that_follows_the_contract_is_read_whole() -> None:
    reading = read_desired(b'{"v":1,"muted":false,"model":"c158944fbd7b","colour":"red"}')
    assert reading == Desired(muted=False, model="c158944fbd7b")


@pytest.mark.parametrize(
    "payload",
    [
        b'{"v":1,"muted":true,"model":7}',
        b'{"v":1,"muted":true,"model":null}',
        b'{"v":1,"muted":true,"issued_at":1732262400}',
        b'{"muted":true}',
        b'{"v":"1","muted":true}',
        b'{"v":2,"muted":true}',
        b'{"v":1,"model":"\xff","muted":true}',
        b'{"v":1,"muted":true,"muted":false}',
    ],
)
def test_of_a_malformed_message_the_request_to_close_the_camera_is_read(payload: bytes) -> None:
    reading = read_desired(payload)
    assert isinstance(reading, MalformedDesired)
    assert reading.mute_request == Desired(muted=True)
    assert reading.reason.startswith("not a desired message: ")


def test_the_request_keeps_its_date() -> None:
    reading = read_desired(b'{"v":1,"muted":true,"model":7,"issued_at":"2026-11-22T09:00:00Z"}')
    assert isinstance(reading, MalformedDesired)
    assert reading.mute_request == Desired(muted=True, issued_at="2026-11-22T09:00:00Z")


@pytest.mark.parametrize(
    "payload",
    [
        b'{"v":1,"muted":false,"model":7}',
        b'{"muted":false}',
        b'{"v":1,"muted":false,"mut\\u0065d":false}',
        b'{"v":1,"muted":false,"other":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"v":1,"muted":"true"}',
        b'{"v":1,"muted":1}',
        b'{"v":1,"wish":{"muted":true},"model":7}',
        b'[{"v":1,"muted":true}]',
        b'{"v":1,"muted":true',
        b"muted",
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_nothing_else_is_read_of_a_malformed_message(payload: bytes) -> None:
    reading = read_desired(payload)
    assert isinstance(reading, MalformedDesired)
    assert reading.mute_request is None
    assert reading.reason.startswith("not a desired message: ")


@given(st.dictionaries(st.sampled_from(["v", "muted", "issued_at", "model", "other"]), ANYTHING))
def test_what_opens_the_camera_is_beyond_doubt(document: dict[str, object]) -> None:
    reading = read_desired(json.dumps(document).encode())
    if document.get("muted") is True:
        request = reading.mute_request if isinstance(reading, MalformedDesired) else reading
        assert request is not None
        assert request.muted is True
    if isinstance(reading, MalformedDesired) and reading.mute_request is not None:
        assert reading.mute_request.muted is True
