"""The table of outcomes in ``docs/faults.md``."""

from __future__ import annotations

from collections.abc import Sequence

from qa.faults.faults import FAULTS
from qa.faults.rounds import Outcome

_HEAD = (
    "fault",
    "rounds",
    "accepted",
    "`edge_agent.client`",
    "`mosquitto_sub`",
    "duplicates",
    "lost",
    "longest recovery",
)


def outcome_table(outcomes: Sequence[Outcome]) -> str:
    """A Markdown table with one row per fault, and a sum at the end.

    *Lost* is what the client did not get and, where the broker keeps what it acknowledged, what ``mosquitto_sub`` did
    not get. Where the disk may lose events, it is only what the client did not get. Where the broker keeps nothing, the
    number that ``mosquitto_sub`` received is in brackets: nothing is promised to it there.
    """
    rows = [_HEAD, ("---", *("---:" for _ in _HEAD[1:]))]
    for fault in FAULTS:
        run = [outcome for outcome in outcomes if outcome.fault == fault.name]
        if run:
            rows.append((fault.name, *_cells(run, keeps=fault.broker_keeps)))
    rows.append(("**all**", *_cells(outcomes, keeps=None)))
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def lost(outcomes: Sequence[Outcome]) -> int:
    """Events that did not arrive where they must."""
    where_kept = {fault.name for fault in FAULTS if fault.broker_keeps and not fault.may_lose}
    return sum(
        len(outcome.client.missing) + (len(outcome.mosquitto_sub.missing) if outcome.fault in where_kept else 0)
        for outcome in outcomes
    )


def _cells(outcomes: Sequence[Outcome], *, keeps: bool | None) -> tuple[str, ...]:
    plain = f"{sum(outcome.mosquitto_sub.received for outcome in outcomes):,}"
    return (
        str(len(outcomes)),
        f"{sum(outcome.client.accepted for outcome in outcomes):,}",
        f"{sum(outcome.client.received for outcome in outcomes):,}",
        "" if keeps is None else plain if keeps else f"({plain})",
        f"{sum(outcome.mosquitto_sub.duplicates for outcome in outcomes):,}",
        str(lost(outcomes)),
        f"{max((outcome.recovery_s for outcome in outcomes), default=0.0):.1f} s",
    )
