"""Things to publish."""

from __future__ import annotations

import time

from edge_agent.outbox.store import Delivery, Row
from edge_agent.protocol.messages import CameraHealth, HealthReport, Percentiles
from edge_agent.types import Box, ChangeKind, ExpressionChange, WindowSummary


def a_change(expression: str = "happy", observed_at: float | None = None) -> ExpressionChange:
    """The start of an expression, now unless given otherwise."""
    return ExpressionChange(
        kind=ChangeKind.START,
        track="k7q2",
        expression=expression,
        confidence=0.83,
        scores={"happy": 0.83, "sad": 0.17},
        previous=None,
        held_s=0.0,
        observed_at=time.monotonic() if observed_at is None else observed_at,
        box=Box(10.4, 20.6, 30.0),
    )


def a_window(*, suppressed: bool = False, started_at: float | None = None) -> WindowSummary:
    """A window of five seconds with six faces."""
    return WindowSummary(
        started_at=time.monotonic() - 5.0 if started_at is None else started_at,
        window_s=5.0,
        faces=None if suppressed else 6,
        shares=None if suppressed else {"happy": 0.75, "sad": 0.25},
        suppressed=suppressed,
    )


def a_report() -> HealthReport:
    """A device that is well."""
    return HealthReport(
        fps=9.8,
        latency_ms={"detect": Percentiles(p50=12.0, p95=19.0)},
        camera=CameraHealth(state="ok"),
        frames_read=1200,
        frames_dropped=3,
    )


def a_row(row_id: int, topic: str = "expression", session: str = "S1", payload: bytes = b"x" * 100) -> Row:
    """A stored event whose ``seq`` is its id."""
    return Row(row_id, topic, session, row_id, payload, mono_ms=row_id, wall_ms=1_700_000_000_000 + row_id)


def a_delivery(row_id: int, at_ms: int = 1000, *, clock_synced: bool = True) -> Delivery:
    """An acknowledgement of that row, by a clock that is set unless given otherwise."""
    return Delivery(row_id, at_ms, clock_synced)
