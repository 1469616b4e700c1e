"""What travels between the parts of the pipeline: frozen values, no behaviour beyond arithmetic on themselves.

Coordinates are pixels of the frame, x to the right, y down, origin in the top left corner. Times called ``now`` or
``*_at`` are monotonic seconds; wall-clock time is attached only when a message leaves.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:  # clients of the agent's messages have no NumPy
    import numpy as np
    from numpy.typing import NDArray

Image: TypeAlias = "NDArray[np.uint8]"
"""A picture: ``(height, width, 3)`` in OpenCV's blue-green-red order, or ``(height, width)`` gray levels, 0 to 255."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of the classroom. It has no serialiser on purpose: pixels never leave the process.

    Attributes:
        image: ``uint8 (height, width, 3)``, blue-green-red.
        captured_at: Monotonic seconds at which the source delivered it.
        index: Count of frames this source delivered before; gaps are frames the pipeline had no time for.
    """

    image: Image
    captured_at: float
    index: int


@dataclass(frozen=True, slots=True)
class Box:
    """A face's square, as FER2013's faces were cropped, in pixels of the frame. It may reach over the frame's edge."""

    left: float
    top: float
    side: float

    @property
    def center(self) -> tuple[float, float]:
        """``(x, y)`` of the middle."""
        return self.left + self.side / 2, self.top + self.side / 2

    def iou(self, other: Box) -> float:
        """Intersection over union with another square, 0 (apart) to 1 (equal)."""
        width = min(self.left + self.side, other.left + other.side) - max(self.left, other.left)
        height = min(self.top + self.side, other.top + other.side) - max(self.top, other.top)
        if width <= 0 or height <= 0:
            return 0.0
        shared = width * height
        return shared / (self.side**2 + other.side**2 - shared)


Point: TypeAlias = tuple[float, float]
"""``(x, y)`` in pixels."""

Landmarks: TypeAlias = tuple[Point, Point, Point, Point, Point]
"""The eye on the image's left, the one on its right, the tip of the nose, the mouth's left and its right corner."""


@dataclass(frozen=True, slots=True)
class Detection:
    """A face found in a frame.

    Attributes:
        box: Where, already converted to FER2013's square by the detector's own constants.
        score: The detector's confidence, 0 to 1; 1.0 for detectors that give none.
        landmarks: Where its parts are in the frame, where the detector finds them.
    """

    box: Box
    score: float
    landmarks: Landmarks | None = None

    @property
    def eyes(self) -> tuple[Point, Point] | None:
        """The eye on the image's left and the one on its right, where the detector finds them."""
        return None if self.landmarks is None else self.landmarks[:2]


@dataclass(frozen=True, slots=True)
class TrackedFace:
    """A face followed over time.

    Attributes:
        track: Its id: random, unique within the session, meaningless outside it.
        box: Where it was last seen.
        first_seen_at: Monotonic seconds.
        last_seen_at: Monotonic seconds; older than ``now`` while the face is hidden.
    """

    track: str
    box: Box
    first_seen_at: float
    last_seen_at: float


class ChangeKind(str, Enum):
    """Why an expression event is sent."""

    START = "start"
    CHANGE = "change"
    END = "end"


@dataclass(frozen=True, slots=True)
class ExpressionChange:
    """The stable expression of a tracked face started, changed or ended: the content of an ``expression`` event.

    Attributes:
        kind: What happened. ``end`` names the expression that ended.
        track: The face's id.
        expression: A label of the model, or ``uncertain``.
        confidence: Smoothed, calibrated probability of ``expression``; of the likeliest label when ``uncertain``.
        scores: Smoothed probability by label, summing to 1.
        previous: The stable expression before; ``None`` at ``start``.
        held_s: How long ``previous`` (at ``end``: ``expression``) had been stable, in seconds.
        observed_at: Monotonic seconds of the frame that decided it.
        box: Where the face was, in pixels; sent only when the privacy settings ask for boxes.
    """

    kind: ChangeKind
    track: str
    expression: str
    confidence: float
    scores: dict[str, float]
    previous: str | None
    held_s: float
    observed_at: float
    box: Box


@dataclass(frozen=True, slots=True)
class WindowSummary:
    """The class over one window: the content of a ``summary`` message.

    Attributes:
        started_at: Monotonic seconds at which the window began.
        window_s: Its length in seconds.
        faces: Mean number of faces present over the window's frames, rounded; ``None`` where suppressed.
        shares: Share of face time by stable expression (labels and ``uncertain``), summing to 1; empty where no face
            was present; ``None`` where suppressed.
        suppressed: Whether fewer faces than ``privacy.min_group`` were present, or the camera was dark or frozen, so
            that numbers are withheld.
        muted: Whether the camera was closed, so that there are no numbers until it is opened again.
        approximate: Whether figures come from the disclosure control: they are coarse, and older than the window.
        with_baseline: Mean number of faces that were corrected by what they look like at rest, rounded; ``None`` where
            withheld.
    """

    started_at: float
    window_s: float
    faces: int | None
    shares: dict[str, float] | None
    suppressed: bool
    muted: bool = False
    approximate: bool = False
    with_baseline: int | None = None
