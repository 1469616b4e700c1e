"""Statistical disclosure control: what may be published of a group without giving one of its members away.

Who holds a summary of 24 against one of 25 must not learn about the twenty-fifth, however many summaries there are.
Noise that is drawn anew averages out over a lesson. So nothing is drawn anew here:

- Figures of many windows are put together into a block of random length. Only blocks are judged. The first ones are
  dropped, at random one to three, while the class comes together.
- Every figure has a secret threshold. It is drawn once, evenly from a range as wide as ``blur`` faces, and stays until
  the room has been without a group for half an hour. A block passes it or does not.
- A figure that has passed its threshold must fall :data:`HYSTERESIS` faces below it to be below it again, so that
  chance does not try it again and again. An expression that was named and no longer is stays unnamed until the group
  has left: a class whose mood swings all the time would else try thresholds all the time. All this survives a restart.
- An expression is named only where at least as many faces as its threshold hold it. The others are put together as
  ``other``. ``neutral`` is always among them: most faces are neutral most of the time, and naming it would say twice
  what somebody else is. A model's own label ``other`` is among them too: it could not be told apart from the rest.
- What is published says which thresholds the group has passed, and nothing else.

One member more, who is there all the time, moves a figure by one face in every block. To whoever sees what is passed
when, this looks exactly like a threshold that is one face lower. So it shows in one of ``blur`` cases, however often
the mood of the class changes. A member whose presence or expression moves ``n`` figures is then guessed correctly with
a probability of ``1/2 + n/(2 * blur)`` at most, by whoever knows everything about all the others. A member who changes
with the time can show a little more often. Where the group is so small that it is withheld on some days, ``2/3 * blur``
counts instead.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import math
import random
import secrets
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec

from edge_agent.decoding import UNDECODABLE, decode_json
from edge_agent.errors import InputError
from edge_agent.files import SECRET, write_file
from edge_agent.model_format.labels import NEUTRAL, OTHER

log = logging.getLogger(__name__)

FILE = "disclosure.json"

LEAVING_BLOCKS = (0, 1)
"""So many blocks longer, at random, figures stand when a group has left. One member decides now and then in which block
that is."""
RETURN_BLOCKS = (1, 2, 3)
"""One of these many blocks, at random, are dropped when a group comes, or the camera was opened. The first of them is
that in which there are enough faces. One member decides now and then which one that is, and a fixed number would show
it. Figures of a growing group would each say something, too."""
HYSTERESIS = 3
"""By so many faces a figure must fall below a threshold that it has passed, to be below it again."""
GROUP = ""
"""The group's own figure; no expression has this name."""
BASELINES = "*"
"""The figure of faces with a baseline; no expression has this name either."""
_NEVER_NAMED = (NEUTRAL, OTHER)
"""Labels that are always part of the rest."""
_NEW_SECRET_AFTER_S = 1800.0
"""Thresholds are drawn anew after so long without a group: not within a lesson, and not over and over again."""
_STORED_EVERY_S = 600.0
"""The time at which there was a group is stored as often, for the sake of the memory card."""


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


class _Stored(msgspec.Struct):
    """What the file holds."""

    secret: str
    passed: dict[str, Annotated[int, msgspec.Meta(ge=0)]] = {}
    ceilings: dict[str, Annotated[int, msgspec.Meta(ge=0)]] = {}
    group_at: float | None = None


class Secret:
    """The random number that all thresholds follow from, and what has been passed of them.

    It survives a restart. Other thresholds, or the same ones tried anew, would say more about the same lesson. Of a
    block no figure is stored.

    Args:
        folder: Where it is stored; ``None`` keeps it for this run alone.

    Attributes:
        passed: How many thresholds each figure passes.
        ceilings: How many those figures may pass at most that have fallen below a threshold since the group came.
        group_at: When there was a group last, in seconds since 1970; ``None`` where that is not known.
    """

    def __init__(self, folder: Path | None) -> None:
        self._path = None if folder is None else folder / FILE
        self._value = b""
        self.passed: dict[str, int] = {}
        self.ceilings: dict[str, int] = {}
        self.group_at: float | None = None
        self._load()

    def share(self, figure: str) -> float:
        """How far within its range the threshold of a figure lies, from 0 to 1."""
        digest = hmac.new(self._value, figure.encode(), hashlib.sha256).digest()
        return int.from_bytes(digest[:7], "big") / 2**56

    def renew(self) -> None:
        """Draw another one, of which nothing has been passed."""
        self._value = secrets.token_bytes(32)
        self.passed, self.ceilings, self.group_at = {}, {}, None
        self.store()

    def store(self) -> None:
        """Write all of it into its file, if there is one."""
        if self._path is None:
            return
        stored = _Stored(self._value.hex(), self.passed, self.ceilings, self.group_at)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_file(self._path, msgspec.json.encode(stored), SECRET)
        except (InputError, OSError) as error:
            log.error("thresholds of the summary will not survive a restart: %s", error)

    def _load(self) -> None:
        if self._path is not None:
            try:
                stored = decode_json(self._path.read_bytes(), _Stored)
                self._value = bytes.fromhex(stored.secret)
                self.passed, self.ceilings, self.group_at = stored.passed, stored.ceilings, stored.group_at
            except FileNotFoundError:
                pass
            except (OSError, ValueError, *UNDECODABLE) as error:
                log.error("%s: cannot be read: %s: thresholds of the summary are drawn anew", self._path, error)
        if not self._value:
            self.renew()


def figure_range(figure: str, min_group: int, blur: int) -> tuple[int, int, int]:
    """Where the thresholds of a figure lie.

    The range of the group's threshold is narrower than that of others: a wider one would withhold usual classes on some
    days. Between two of its ranges there is a gap, in which one face changes nothing at all. The others begin so high
    that a figure which has passed its threshold is withheld before fewer than the smallest group hold it.

    Returns:
        The least number of faces at which the lowest threshold can lie, the width of the range from there on, and the
        faces from one threshold to the next.
    """
    if figure == GROUP:
        width = max(1, blur * 2 // 3)
        return min_group, width, 2 * width
    return min_group + HYSTERESIS, blur, blur


def passed_by(faces: float, threshold: float, period: float, passed: int) -> int:
    """How many thresholds a figure passes from now on.

    Args:
        faces: The figure, in faces.
        threshold: The lowest of its thresholds, in faces.
        period: Faces from one of its thresholds to the next.
        passed: How many it has passed until now.
    """
    now = math.floor((faces - threshold) / period) + 1
    still = math.floor((faces - threshold + HYSTERESIS) / period) + 1
    return max(0, min(max(passed, now), still))


class DisclosureControl:
    """Decides what may be published of the windows of a lesson. One thread only.

    Args:
        min_group: Smallest number of faces that a figure may speak of.
        blur: Width in faces of the range from which thresholds are drawn.
        hold_s: Shortest length of a block in seconds; the longest is twice that.
        secret: What thresholds follow from.
        rng: Draws the lengths of blocks.
        wall: Seconds since 1970, for how long there was no group while the agent did not run.
    """

    def __init__(
        self,
        min_group: int,
        blur: int,
        hold_s: float,
        secret: Secret,
        rng: random.Random | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._min_group, self._blur, self._hold_s, self._secret, self._wall = min_group, blur, hold_s, secret, wall
        self._restarted = True
        self._rng = rng or random.SystemRandom()
        self._group_seen_at: float | None = None
        self._last_at: float | None = None
        self._block_ends_at = -math.inf
        self._frames = self._faces = self._with_baseline = 0
        self._expressions: Counter[str] = Counter()
        self._settling, self._lingering, self._absent = 0, 0, True
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

        Thresholds stay, and so does what has been passed of them. Who closed a camera often would else see figures
        judged as often.
        """
        self._block_ends_at = -math.inf
        self._clear_block()
        self._settling, self._lingering, self._absent, self._shown = 0, 0, True, None

    def _clear_block(self) -> None:
        self._frames = self._faces = self._with_baseline = 0
        self._expressions.clear()

    def _judge(self) -> None:
        """Take note of a block that is over now."""
        if not self._frames:
            return
        classified = self._expressions.total()
        block = {name: count / self._frames for name, count in self._expressions.items() if name not in _NEVER_NAMED}
        block[GROUP] = min(self._faces, classified) / self._frames
        block[BASELINES] = self._with_baseline / self._frames
        self._clear_block()
        if block[GROUP] < self._min_group:
            self._leave()
            return
        if self._absent:
            self._settling, self._absent, self._shown = self._rng.choice(RETURN_BLOCKS), False, None
        if self._settling:
            self._settling -= 1
            return
        self._renew_after_a_long_stop()
        before = dict(self._secret.passed)
        for figure in block.keys() | before.keys():
            self._pass(figure, block.get(figure, 0.0))
        self._store(changed=self._secret.passed != before)
        self._shown = self._figures()

    def _renew_after_a_long_stop(self) -> None:
        """Draw thresholds anew where the agent did not run for long.

        This is looked at as late as possible: a board without a clock of its own learns the time after it has started.
        """
        last = self._secret.group_at
        if self._restarted and last is not None and self._wall() - last >= _NEW_SECRET_AFTER_S + _STORED_EVERY_S:
            self._secret.renew()
        self._restarted = False

    def _pass(self, figure: str, faces: float) -> None:
        """Note how many thresholds a figure passes in a block."""
        secret = self._secret
        lowest, width, period = figure_range(figure, self._min_group, self._blur)
        before = secret.passed.get(figure, 0)
        passed = (
            passed_by(faces, lowest + width * secret.share(figure), period, before) if faces >= self._min_group else 0
        )
        if figure == GROUP:
            # It stays until too few are left. Else who leaves early or late would often decide when its figures go.
            passed = max(passed, min(before, 1))
        else:
            passed = min(passed, secret.ceilings.get(figure, passed))
            if passed < before:
                secret.ceilings[figure] = passed
        secret.passed[figure] = passed

    def _leave(self) -> None:
        """The group has left: another one must be large enough itself, and expressions may be named again."""
        if not self._absent:
            self._settling, self._absent, self._lingering = 0, True, self._rng.choice(LEAVING_BLOCKS)
        if not self._lingering:
            self._shown = None
        self._lingering = max(0, self._lingering - 1)
        if self._secret.passed.pop(GROUP, 0) or self._secret.ceilings:
            self._secret.ceilings = {}
            self._secret.store()

    def _store(self, *, changed: bool) -> None:
        """Keep for after a restart what has been passed, and when."""
        now, last = self._wall(), self._secret.group_at
        if changed or last is None or abs(now - last) >= _STORED_EVERY_S:
            self._secret.group_at = now
            self._secret.store()

    def _figures(self) -> Figures | None:
        passed = {name: count for name, count in self._secret.passed.items() if count}
        group = passed.pop(GROUP, 0)
        if not group:
            return None
        # The middle of the sizes at which no threshold can lie; with as many faces nothing depends on the secret.
        lowest, width, period = figure_range(GROUP, self._min_group, self._blur)
        faces = lowest + (width + period) / 2 + (group - 1) * period
        about = {}
        for name, count in passed.items():
            lowest, _, period = figure_range(name, self._min_group, self._blur)
            about[name] = min(faces, lowest + period * (count - 0.5))
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
