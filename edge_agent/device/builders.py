"""Message builders: from what the pipeline found to the messages of the contract."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from msgspec import UNSET, UnsetType
from msgspec.structs import asdict

from edge_agent import __version__
from edge_agent.clock import Clock, utc_text
from edge_agent.config import Settings
from edge_agent.device.session import Session
from edge_agent.device.statistics import MessengerStatistics
from edge_agent.model_format.labels import NEUTRAL
from edge_agent.mqtt.own_certificate import certificate_end
from edge_agent.outbox.store import StoredSession
from edge_agent.protocol.messages import (
    BoxPixels,
    DeclarationMark,
    Expression,
    Health,
    HealthReport,
    ModelUpdate,
    OutboxHealth,
    SessionRecord,
    Status,
    Summary,
)
from edge_agent.protocol.topics import EXPRESSION, SUMMARY
from edge_agent.system.timezone import timezone_name
from edge_agent.types import Box, ExpressionChange, WindowSummary

_DIGITS = 4
"""Decimal places of probabilities and shares."""
_MAX_SESSIONS = 64
"""Runs that a birth lists, some 140 bytes each: a subscriber asks only for what it knows to exist."""


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """What messages say of the model that classifies faces.

    Attributes:
        labels: The expressions it knows, in the order of its outputs.
        model_id: First 12 hex digits of its file's sha256.
    """

    labels: tuple[str, ...]
    model_id: str


class MessageBuilder:
    """Builds the messages of a session.

    Args:
        settings: The agent's settings.
        model: The model that classifies faces.
        clock: Where the time of a message comes from.
        declaration: What may be published of the operator's declaration.
    """

    def __init__(
        self,
        settings: Settings,
        model: ModelIdentity,
        clock: Clock,
        declaration: DeclarationMark | None = None,
    ) -> None:
        self._settings, self._model, self._clock = settings, model, clock
        self._declaration: DeclarationMark | UnsetType = declaration or UNSET
        self._update: ModelUpdate | UnsetType = UNSET
        self._timezone = timezone_name()

    @property
    def labels(self) -> tuple[str, ...]:
        """The expressions that the present model knows."""
        return self._model.labels

    def use_model(self, model: ModelIdentity) -> None:
        """From now on messages name another model."""
        self._model = model

    def report_model(self, update: ModelUpdate) -> None:
        """From now on births say where the model comes from and how its update stands."""
        self._update = update

    def expression(self, change: ExpressionChange, session: Session) -> Expression:
        """The event of a changed expression, with the next number of the session."""
        seq = session.next_seq(EXPRESSION)
        return Expression(
            event_id=self._event_id(session, EXPRESSION, seq),
            kind=change.kind.value,
            track=change.track,
            expression=change.expression,
            confidence=round(change.confidence, _DIGITS),
            scores=_rounded(change.scores),
            previous=change.previous,
            held_s=round(change.held_s, 3),
            observed_at=session.utc(change.observed_at),
            mono_ms=session.mono_ms(change.observed_at),
            session=session.id,
            seq=seq,
            clock_synced=self._clock.synced(),
            model=self._model.model_id,
            box=_pixels(change.box) if self._settings.privacy.boxes else UNSET,
        )

    def summary(self, window: WindowSummary, session: Session) -> Summary:
        """The message about a window, with the next number of the session. A suppressed one has no numbers in it."""
        seq = session.next_seq(SUMMARY)
        ended_at = window.started_at + window.window_s
        shares = None if window.suppressed or window.shares is None else _rounded(window.shares)
        return Summary(
            event_id=self._event_id(session, SUMMARY, seq),
            window_s=round(window.window_s, 3),
            faces=None if window.suppressed else window.faces,
            shares=shares,
            suppressed=window.suppressed,
            muted=window.muted or UNSET,
            approximate=window.approximate or UNSET,
            with_baseline=self._with_baseline(window),
            observed_at=session.utc(ended_at),
            mono_ms=session.mono_ms(ended_at),
            session=session.id,
            seq=seq,
            clock_synced=self._clock.synced(),
            model=self._model.model_id,
        )

    def _with_baseline(self, window: WindowSummary) -> int | UnsetType | None:
        if not self._settings.resting_face.learn or NEUTRAL not in self.labels:
            return UNSET
        return None if window.suppressed else window.with_baseline

    def birth(self, session: Session, known: Sequence[tuple[StoredSession, dict[str, int]]]) -> Status:
        """The birth of a session.

        Args:
            session: The one that begins or goes on.
            known: Runs whose events the device holds, newest first, each with the last delivered ``seq`` by topic.
        """
        ends = certificate_end(self._settings.mqtt.tls)
        return Status(
            state="online",
            session=session.id,
            at=session.utc(self._clock.monotonic()),
            started_at=session.utc(session.started),
            clock_synced=self._clock.synced(),
            labels=self.labels,
            model=self._model.model_id,
            model_update=self._update,
            room=self._settings.device.room,
            timezone=self._timezone,
            version=__version__,
            health_every_s=self._settings.mqtt.health_every_s,
            sessions=tuple(_record(stored, last_seq) for stored, last_seq in islice(known, _MAX_SESSIONS)),
            declaration=self._declaration,
            certificate_until=UNSET if ends is None else utc_text(ends.timestamp()),
            privacy_level=self._settings.privacy.level,
        )

    def death(self, session: Session) -> Status:
        """The death of a session that ends on purpose."""
        return Status(state="offline", session=session.id, reason="stopped", at=session.utc(self._clock.monotonic()))

    def health(
        self, report: HealthReport, session: Session, statistics: MessengerStatistics, last_seq: dict[str, int]
    ) -> Health:
        """A report with what messaging adds: the outbox, its problems, the last delivered ``seq`` by topic."""
        now = self._clock.monotonic()
        outbox = statistics.outbox
        return Health(
            **asdict(report) | {"problems": (*report.problems, *statistics.problems())},
            outbox=OutboxHealth(
                storage=outbox.storage, pending=outbox.pending, kept_bytes=outbox.kept_bytes, lost=outbox.lost
            ),
            last_seq=last_seq,
            observed_at=session.utc(now),
            mono_ms=session.mono_ms(now),
            session=session.id,
            clock_synced=self._clock.synced(),
        )

    def _event_id(self, session: Session, topic: str, seq: int) -> str:
        return f"{self._settings.device.id}/{session.id}/{topic}/{seq}"


def _record(stored: StoredSession, last_seq: dict[str, int]) -> SessionRecord:
    return SessionRecord(
        session=stored.id,
        started_at=utc_text(stored.started_ms / 1000),
        clock_synced=stored.clock_synced,
        last_seq=last_seq,
        lost=stored.lost,
    )


def _rounded(shares: dict[str, float]) -> dict[str, float]:
    return {name: round(share, _DIGITS) for name, share in shares.items()}


def _pixels(box: Box) -> BoxPixels:
    return BoxPixels(left=round(box.left), top=round(box.top), side=round(box.side))
