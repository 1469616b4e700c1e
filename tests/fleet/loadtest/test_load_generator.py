"""What simulated devices send."""

from __future__ import annotations

import pytest

from edge_agent.model_format.labels import FER2013
from edge_agent.protocol.messages import HealthReport
from edge_agent.types import ChangeKind, ExpressionChange, WindowSummary
from fleet.loadtest.load_generator import GeneratedMessage, LoadGenerator, Rates

START = 100.0


def messages_of(rates: Rates, seconds: float, seed: int = 1) -> list[tuple[float, GeneratedMessage]]:
    """Everything a device sends, with its times."""
    generator, sent = LoadGenerator(rates, FER2013, seed, START), []
    while (at := generator.next_at) < START + seconds:
        sent.append((at, generator.generate(at)))
    return sent


def test_it_sends_in_order_and_not_before_its_time() -> None:
    times = [at for at, _ in messages_of(Rates(), 60)]
    assert times == sorted(times)
    assert times[0] >= START


def test_it_keeps_to_its_rates() -> None:
    messages = [what for _, what in messages_of(Rates(), 3600)]
    assert sum(isinstance(what, WindowSummary) for what in messages) == pytest.approx(720, abs=1)
    assert sum(isinstance(what, HealthReport) for what in messages) == pytest.approx(120, abs=1)
    assert sum(isinstance(what, ExpressionChange) for what in messages) == pytest.approx(12 * 360, rel=0.05)
    assert len(messages) / 3600 == pytest.approx(Rates().messages_s, rel=0.05)


def test_the_same_seed_sends_the_same() -> None:
    assert messages_of(Rates(), 60) == messages_of(Rates(), 60)
    assert messages_of(Rates(), 60) != messages_of(Rates(), 60, seed=2)


def test_a_face_starts_once_and_then_changes_from_what_it_was() -> None:
    last: dict[str, str] = {}
    for _, what in messages_of(Rates(faces=3), 120):
        if isinstance(what, ExpressionChange):
            assert what.kind is (ChangeKind.CHANGE if what.track in last else ChangeKind.START)
            assert what.previous == last.get(what.track)
            assert sum(what.scores.values()) == pytest.approx(1)
            last[what.track] = what.expression
    assert len(last) == 3


def test_a_message_is_dated_when_it_is_sent() -> None:
    generator = LoadGenerator(Rates(faces=1, change_every_s=0.5), FER2013, 3, START)
    assert generator.next_at < START + 5
    message = generator.generate(START + 7)
    assert isinstance(message, ExpressionChange)
    assert message.observed_at == START + 7
