"""Which faces to read when there are more of them than time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edge_agent.types import TrackedFace


def choose(
    faces: Sequence[TrackedFace], read_at: Callable[[str], float | None], budget: int, now: float
) -> list[TrackedFace]:
    """At most ``budget`` of the faces visible in this frame: never-read ones first, then the longest unread.

    Args:
        faces: All tracked faces; those not seen at ``now`` have no pixels to read and are passed over.
        read_at: When a track was last read, ``None`` if never.
        budget: Most faces to return.
        now: Monotonic seconds of the frame.
    """
    visible = [face for face in faces if face.last_seen_at >= now]

    def urgency(face: TrackedFace) -> tuple[bool, float]:
        last = read_at(face.track)
        return (last is not None, last if last is not None else face.first_seen_at)

    return sorted(visible, key=urgency)[:budget]
