"""How many faces have a baseline, as it is published."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from edge_agent.config import RestingFaceSettings, Settings
from edge_agent.device.builders import MessageBuilder, ModelIdentity
from edge_agent.device.session import Session
from edge_agent.protocol.messages import Summary, decode, encode
from edge_agent.types import WindowSummary
from tests.support.clocks import SteppedClock

LABELS = ("happy", "neutral")


def published(window: WindowSummary, *, learn: bool = True, labels: tuple[str, ...] = LABELS) -> bytes:
    clock = SteppedClock()
    settings = Settings(resting_face=RestingFaceSettings(learn=learn))
    builder = MessageBuilder(settings, ModelIdentity(labels, "9f86d081884c"), clock)
    return encode(builder.summary(window, Session("01JD5W7T4KQ2AAAA", clock)))


@pytest.mark.parametrize("known", [0, 7, None])
def test_a_summary_says_how_many_faces_have_a_baseline(known: int | None) -> None:
    window = WindowSummary(0.0, 5.0, 8, {"happy": 1.0}, suppressed=False, with_baseline=known)
    message = decode(published(window), Summary)
    assert message.with_baseline == known
    assert decode(encode(replace(message)), Summary) == message


def test_a_suppressed_summary_says_nothing_of_it() -> None:
    window = WindowSummary(0.0, 5.0, None, None, suppressed=True, with_baseline=7)
    assert b'"with_baseline":null' in published(window)


@pytest.mark.parametrize(("learn", "labels"), [(False, LABELS), (True, ("happy", "sad"))])
def test_where_no_faces_at_rest_are_learnt_the_field_is_absent(learn: bool, labels: tuple[str, ...]) -> None:
    window = WindowSummary(0.0, 5.0, 8, {"happy": 1.0}, suppressed=False, with_baseline=0)
    assert b"with_baseline" not in published(window, learn=learn, labels=labels)
