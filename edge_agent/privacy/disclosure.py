"""Statistical disclosure control: what may be published of a group without giving one of its members away.

Who holds a summary of 24 against one of 25 must not learn about the twenty-fifth, however many summaries there are.
Noise that is drawn anew averages out over a lesson. So nothing is drawn anew here:

- Figures of many windows are put together into a block of random length. Only blocks are judged. The first ones are
  dropped, while the class comes together.
- A figure keeps its value until a block differs from it by half of ``blur`` faces, as when the mood of a class
  changes, or is below the smallest group. One member who is there all the time makes no difference to the former.
- Every figure has a secret threshold. It is drawn once, evenly from a range as wide as ``blur`` faces, and stays until
  the room has been without a group for half an hour. One face more or less is on the other side of the threshold in
  one of ``blur`` cases, and changes nothing in all others.
- An expression is named only where at least as many faces as its threshold hold it. The others are put together as
  ``other``.
- What is published says which thresholds the group has passed, and nothing else.

A member whose presence or expression moves ``n`` figures by one face each is then guessed correctly with a probability
of ``1/2 + n/(2 * blur)`` at most while the group is otherwise steady, by whoever knows everything about all the others.
Where the group is so small that it is withheld on some days, ``2/3 * blur`` counts instead.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import math
import random
import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from edge_agent.decoding import UNDECODABLE
from edge_agent.errors import InputError
from edge_agent.files import SECRET, write_file
from edge_agent.model_format.labels import OTHER

log = logging.getLogger(__name__)

FILE = "disclosure.json"

SETTLING_BLOCKS = 2
"""So many blocks are dropped after the camera was opened: figures of a growing group would each say something."""
RETURN_BLOCKS = (1, 2, 3, 4)
"""One of these many blocks, at random, are dropped when a group comes into an empty room. The first of them is that in
which there are enough faces. One member decides now and then which one that is, and a fixed number would show it."""
GROUP = ""
"""The group's own figure; no expression has this name."""
BASELINES = "*"
"""The figure of faces with a baseline; no expression has this name either."""
_NEW_SECRET_AFTER_S = 1800.0
"""Thresholds are drawn anew after so long without a group: not within a lesson, and not over and over again."""


@dataclass(frozen=True, slots=True)
class WindowTotals:
    """What was counted in a window.

    Attributes:
        started_at: Monotonic seconds at which it began.
        window_s: Its length in seconds.
        frames: Frames in it.
        faces: Sum of the faces present in each of them.
        expressions: Sum of the faces in each of them by stable expression; those without one are left out.
        with_baseline: Sum of the faces in each of them whose face at rest has been learnt.
    """

    started_at: float
    window_s: float
    frames: int
    faces: int
    expressions: Mapping[str, int]
    with_baseline: int = 0


@dataclass(frozen=True, slots=True)
class Figures:
    """What may be published of a group.

    Attributes:
        faces: About how many there are.
        shares: Share by expression, summing to 1; ``other`` is that of all expressions which are not named.
        with_baseline: About how many of them are corrected by what they look like at rest; ``None`` where withheld.
    """

    faces: int
    shares: Mapping[str, float]
    with_baseline: int | None = None


class Secret:
    """The random number that all thresholds follow from. It survives a restart, which would else draw new ones.

    Args:
        folder: Where it is stored; ``None`` keeps it for this run alone.
    """

    def __init__(self, folder: Path | None) -> None:
        self._path = None if folder is None else folder / FILE
        self._value = b""
        self._load()

    def share(self, figure: str) -> float:
        """How far within its range the threshold of a figure lies, from 0 to 1."""
        digest = hmac.new(self._value, figure.encode(), hashlib.sha256).digest()
        return int.from_bytes(digest[:7], "big") / 2**56

    def renew(self) -> None:
        """Draw another one."""
        self._value = secrets.token_bytes(32)
        if self._path is None:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_file(self._path, msgspec.json.encode({"secret": self._value.hex()}), SECRET)
        except (InputError, OSError) as error:
            log.error("thresholds of the summary will not survive a restart: %s", error)

    def _load(self) -> None:
        if self._path is not None:
            try:
                stored = msgspec.json.decode(self._path.read_bytes(), type=dict[str, str])
                self._value = bytes.fromhex(stored["secret"])
            except FileNotFoundError:
                pass
            except (OSError, KeyError, ValueError, *UNDECODABLE) as error:
                log.error("%s: cannot be read: %s: thresholds of the summary are drawn anew", self._path, error)
        if not self._value:
            self.renew()


def group_range(blur: int) -> tuple[int, int]:
    """The width of the range of a group's threshold, and the faces from one of its thresholds to the next.

    The range is narrower than that of an expression: a wider one would withhold usual classes on some days. Between two
    ranges there is a gap, in which one face changes nothing at all.
    """
    width = max(1, blur * 2 // 3)
    return width, 2 * width


def min_change(blur: int) -> float:
    """By how many faces a block must differ from a figure to change it.

    The smaller this is, the more often figures are judged, and each time says something. It also matters that one
    member more or less seldom decides whether a figure is judged, for then it moves by many faces at once.
    """
    return blur / 2


class DisclosureControl:
    """Decides what may be published of the windows of a lesson. One thread only.

    Args:
        min_group: Smallest number of faces that a figure may speak of.
        blur: Width in faces of the range from which thresholds are drawn.
        hold_s: Shortest length of a block in seconds; the longest is twice that.
        secret: What thresholds follow from.
        rng: Draws the lengths of blocks.
    """

    def __init__(
        self, min_group: int, blur: int, hold_s: float, secret: Secret, rng: random.Random | None = None
    ) -> None:
        self._min_group, self._blur, self._hold_s, self._secret = min_group, blur, hold_s, secret
        self._min_change = min_change(blur)
        self._rng = rng or random.SystemRandom()
        self._group_seen_at: float | None = None
        self._last_at: float | None = None
        self._block_ends_at = -math.inf
        self._frames = self._faces = self._with_baseline = 0
        self._expressions: Counter[str] = Counter()
        self._settling, self._absent = SETTLING_BLOCKS, False
        self._steady: dict[str, float] = {}
        self._shown: Figures | None = None

    def add(self, window: WindowTotals) -> Figures | None:
        """Count a window; the figures that stand for it, ``None`` where they are withheld."""
        at = window.started_at
        if self._last_at is not None and at - self._last_at > max(self._hold_s, 2 * window.window_s):
            self.close_camera()  # after a gap the figures before it say nothing about the present
        self._last_at = at
        if window.faces >= self._min_group * window.frames:
            if self._group_seen_at is not None and at - self._group_seen_at >= _NEW_SECRET_AFTER_S:
                self._secret.renew()
                self._steady = {}
            self._group_seen_at = at
        if at >= self._block_ends_at:
            self._judge()
            self._block_ends_at = at + self._hold_s * (1.0 + self._rng.random())
        self._frames += window.frames
        self._faces += window.faces
        self._with_baseline += window.with_baseline
        self._expressions.update(window.expressions)
        return self._shown

    def delay_s(self, window_s: float) -> float:
        """How long a window's summary waits before it is sent, at random up to half a window.

        A window ends with a frame, and the more faces, the longer a frame takes. Without a random wait, the times at
        which many summaries come would say how many faces there are.
        """
        return self._rng.random() * window_s / 2

    def close_camera(self) -> None:
        """Drop the running block, and withhold figures until others are over.

        Thresholds stay, and so does what figures were judged by: who closed a camera often would else see them judged
        as often.
        """
        self._block_ends_at = -math.inf
        self._clear_block()
        self._settling, self._absent, self._shown = SETTLING_BLOCKS, False, None

    def _clear_block(self) -> None:
        self._frames = self._faces = self._with_baseline = 0
        self._expressions.clear()

    def _judge(self) -> None:
        """Take note of a block that is over now, where the class has changed as a whole."""
        if not self._frames:
            return
        classified = self._expressions.total()
        block = {GROUP: min(self._faces, classified) / self._frames}
        block |= {name: count / self._frames for name, count in self._expressions.items()}
        block[BASELINES] = self._with_baseline / self._frames
        self._clear_block()
        there = block[GROUP] >= self._min_group
        if not self._settling and not there:
            self._steady, self._shown, self._absent = {}, None, True
            return
        if self._absent and there:
            self._settling, self._absent = self._rng.choice(RETURN_BLOCKS), False
        if self._settling:
            self._settling -= 1
            return
        for figure in block.keys() | self._steady.keys():
            faces = block.get(figure, 0.0)
            known = self._steady.get(figure)
            # One more member who stays is in both, so that it makes no difference to when a figure is looked at again.
            if known is None or abs(faces - known) >= self._min_change or faces < self._min_group <= known:
                self._steady[figure] = faces
        self._shown = self._figures()

    def _level(self, figure: str, blur: int, period: int) -> int:
        """How many thresholds of a figure are passed."""
        above = self._steady.get(figure, 0.0) - self._min_group - blur * self._secret.share(figure)
        return max(0, math.floor(above / period) + 1)

    def _figures(self) -> Figures | None:
        width, period = group_range(self._blur)
        group = self._level(GROUP, width, period)
        if not group:
            return None
        # The middle of the sizes at which no threshold can lie; with as many faces nothing depends on the secret.
        faces = self._min_group + (width + period) / 2 + (group - 1) * period
        levels = {name: self._level(name, self._blur, self._blur) for name in self._steady if name != GROUP}
        about = {
            name: min(faces, self._min_group + self._blur * (level - 0.5)) for name, level in levels.items() if level
        }
        with_baseline = about.pop(BASELINES, None)
        held = {name: about[name] / faces for name in sorted(about)}
        named = max(1.0, sum(held.values()))
        shares = {name: share / named for name, share in held.items()}
        rest = 1.0 - sum(shares.values())
        return Figures(
            round(faces),
            shares | ({OTHER: rest} if rest > 1e-9 else {}),
            None if with_baseline is None else round(with_baseline),
        )
