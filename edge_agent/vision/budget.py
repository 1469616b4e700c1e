"""Which faces to classify when there are more of them than time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edge_agent.types import TrackedFace


def choose_faces(
    faces: Sequence[TrackedFace], classified_at: Callable[[str], float | None], budget: int, now: float
) -> list[TrackedFace]:
    """At most ``budget`` of the faces visible in this frame: first those never classified, then those waiting longest.

    Args:
        faces: All tracked faces; those not seen at ``now`` have no pixels to classify and are passed over.
        classified_at: When a track was last classified, ``None`` if never.
        budget: The maximum number of faces to return.
        now: Monotonic seconds of the frame.
    """
    visible = [face for face in faces if face.last_seen_at >= now]

    def urgency(face: TrackedFace) -> tuple[bool, float]:
        last = classified_at(face.track)
        return (last is not None, last if last is not None else face.first_seen_at)

    return sorted(visible, key=urgency)[:budget]
