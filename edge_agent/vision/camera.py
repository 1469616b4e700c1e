"""The camera: a source of frames that may block, break and come back, behind a slot that never does.

Two threads: a reader opens one source and reads it, and may hang in a driver for ever; a supervisor never touches a
device, so that it can always abandon a reader, wait and start another.
"""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import replace

from edge_agent.addresses.scrubbing import scrubbed
from edge_agent.backoff import Backoff
from edge_agent.config import CameraSettings
from edge_agent.errors import CameraError
from edge_agent.types import Frame, Image
from edge_agent.vision.camera_reader import Reader
from edge_agent.vision.camera_state import (
    BLIND,
    FROZEN_AFTER_S,
    SILENT,
    CameraState,
    FrameHistory,
    assess,
    digest,
    extended,
    silence_limit_s,
)
from edge_agent.vision.frame_slot import FrameSlot
from edge_agent.vision.sources import FrameSource, open_source
from edge_agent.vision.sources.base import idle_until_of

__all__ = ["Camera", "CameraState", "FrameSource", "open_source"]

log = logging.getLogger(__name__)

OPENING_LIMIT_S = 20.0
"""How long opening a source may take before it is abandoned; sources' own limits are shorter."""

STEADY_AFTER_S = 30.0
"""A source that delivered for so long counts as sound again: its next failure is retried quickly."""

RELEASE_WITHIN_S = 1.0
"""How long a source that was given up has to free its device before the device is opened again regardless."""

MAX_HANGING_READERS = 4
"""How many hanging readers are left behind before no further one is risked: each keeps a thread and a device."""

STOP_WITHIN_S = 3.0
"""How long :meth:`Camera.stop` waits for the device to be released."""


class Camera:
    """Owns the source that the settings name and keeps it going; its newest frame is :meth:`latest`.

    Nothing that happens to the source is raised. It is reported in ``state`` and ``reason``, logged once when it begins
    and once when it is over, and retried where that makes sense. A file that ended or cannot be read is not retried.

    Args:
        settings: Which source, and how long it may stay silent.
        open_source: Opens it; replaced in tests and demos.
        clock: Monotonic seconds.
        backoff: How long to wait before opening it again; by default up to 1 s at first and up to 30 s at last.
        on_device: Called with every change of ``device_open``: before a device is opened, and after its release. Must
            be quick.

    Attributes:
        state: How the camera is. ``muted`` only once the device is closed.
        reason: Why it is not ``ok``, in words for a person; empty otherwise.
        source: What is open now, else ``None``.
    """

    def __init__(
        self,
        settings: CameraSettings,
        open_source: Callable[[CameraSettings], FrameSource] = open_source,
        clock: Callable[[], float] = time.monotonic,
        backoff: Backoff | None = None,
        on_device: Callable[[bool], None] = lambda _open: None,
    ) -> None:
        self.state = CameraState.STARTING
        self.reason = ""
        self.source: FrameSource | None = None
        self._settings = settings
        self._open_source = open_source
        self._clock = clock
        self._on_device, self._device_shown = on_device, False
        self._backoff = backoff or Backoff(base_s=1.0, cap_s=30.0, floor_s=0.2)
        self._live = settings.live
        self._stream = settings.source in ("rtsp", "http", "snapshot")
        self._finite = settings.source in ("image", "video")
        self._name: str = settings.source
        self._silence_limit_s = silence_limit_s(settings.stall_s, settings.fps)
        self._slot = FrameSlot(max(1.0, 2.0 / settings.fps), clock)
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._supervise, name="camera", daemon=True)
        self._muted = self._stopping = self._finished = False
        self._reader: Reader | None = None
        self._leaving: set[Reader] = set()
        self._history: FrameHistory | None = None
        self._retry_at = clock()
        self._trouble_since: float | None = None
        self._undecodable = 0

    @property
    def frames_read(self) -> int:
        """Frames received from the source so far."""
        return self._slot.frames_read

    @property
    def frames_dropped(self) -> int:
        """Frames received that the consumer was too slow to take or that grew too old; none of a file."""
        return self._slot.frames_dropped

    @property
    def undecodable(self) -> int:
        """Pictures of the source so far that could not be decoded and were skipped."""
        return self._undecodable

    @property
    def finished(self) -> bool:
        """Whether no frame will come any more: a file ended or cannot be read, or the camera was stopped."""
        return self._finished

    @property
    def device_open(self) -> bool:
        """Whether a device is, or may still be, open: what a status LED has to show."""
        return self._reader is not None or bool(self._leaving)

    def start(self) -> None:
        """Begin to open and read the source; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Release the device and end. Returns after three seconds even if the device does not answer."""
        with self._changed:
            self._stopping = self._finished = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(STOP_WITHIN_S)

    def latest(self, newer_than: int, timeout_s: float) -> Frame | None:
        """The newest frame whose index is over ``newer_than`` (-1 for the first), or ``None`` after ``timeout_s``.

        Of a file, the next frame: its source waits until this one is taken. Frames of a camera that are old when asked
        for are dropped.
        """
        return self._slot.take(newer_than, timeout_s)

    def mute(self, muted: bool) -> None:
        """Close the device, or open it again. From the call on, no frame of the time before is given out.

        A file starts again at its beginning.
        """
        with self._changed:
            if muted == self._muted:
                return
            self._muted = muted
            if muted:
                self._slot.begin()
            self._retry_at = self._clock()
            self._backoff.reset()
            self._changed.notify_all()

    def _supervise(self) -> None:
        with self._changed:
            while not self._stopping:
                self._changed.wait(self._step(self._clock()))
            self._abandon()
            self._changed.wait_for(lambda: not self._leaving, STOP_WITHIN_S - 0.5)
            self._enter(CameraState.ENDED, "stopped", self._clock())

    def _step(self, now: float) -> float | None:
        """Do what is to be done at ``now``; returns the seconds until there may be more, ``None`` for no end."""
        if self._finished:
            return None
        if self._muted:
            self._abandon()
            if self._leaving:
                self.reason = f"{self._name}: muted, but the device is not closed yet"
            else:
                self._enter(CameraState.MUTED, f"{self._name}: the device is closed", now)
            return None
        if self.state is CameraState.MUTED:
            self._enter(CameraState.STARTING, "", now)
        if self._reader is None:
            start_at = self._retry_at + (RELEASE_WITHIN_S if self._leaving else 0.0)
            if now < start_at:
                return start_at - now
            if len(self._leaving) >= MAX_HANGING_READERS:
                self.reason = f"{self._name}: hung {MAX_HANGING_READERS} times and does not let go. Restart the device"
                return None
            # A stream that repeats the picture it was frozen with is still frozen, however often it is opened anew.
            kept = self._history if self.state is CameraState.FROZEN else None
            self._history = None if kept is None else replace(kept, since=now)
            self._reader = Reader(self._slot.begin(), now)
            self._show_device()
            threading.Thread(target=self._read, args=(self._reader,), name="camera-read", daemon=True).start()
        silent_since, limit = self._reader.silent_since, self._silence_limit_s
        if silent_since is None:
            return limit
        limit = limit if self._reader.source else max(limit, OPENING_LIMIT_S)
        silent_since = max(silent_since, idle_until_of(self._reader.source))
        if now - silent_since >= limit:
            doing = "no frame" if self._reader.source else "no answer to opening it"
            self._lost(CameraState.STALLED, f"{self._name}: {doing} for {limit:g} s. Check its cable", now)
            return 0.0
        return silent_since + limit - now

    def _lost(self, state: CameraState, reason: str, now: float) -> None:
        """The source delivers no more: give it up, and say when to try again."""
        self._abandon()
        self._finished = self._finished or (self._finite and state in (CameraState.ENDED, CameraState.FAILED))
        self._retry_at = now + self._backoff.next()
        self._enter(state, reason, now)

    def _abandon(self) -> None:
        """Take no more frames of the present reader, and have its device closed without waiting for it."""
        reader, self._reader, self.source = self._reader, None, None
        if reader is not None and not reader.closed:
            self._slot.begin()
            self._leaving.add(reader)
            threading.Thread(target=reader.close_source, name="camera-close", daemon=True).start()

    def _show_device(self) -> None:
        if self.device_open is not self._device_shown:
            self._device_shown = self.device_open
            self._on_device(self._device_shown)

    def _enter(self, state: CameraState, reason: str, now: float) -> None:
        """Change the state, and log troubles once when they begin and once when they are over."""
        before, self.state, self.reason = self.state, state, reason
        if state in SILENT | BLIND:
            if before in SILENT or before is state:
                log.debug("camera %s: %s", state.value, reason)
                return
            retrying = state in SILENT and not self._finished
            log.warning("camera %s%s: %s", state.value, ", trying again" if retrying else "", reason)
            if self._trouble_since is None:
                self._trouble_since = now
        elif state is CameraState.OK and self._trouble_since is not None:
            log.info("camera ok: %s: back after %.0f s", self._name, now - self._trouble_since)
            self._trouble_since = None
        elif state is not before:
            log.info("camera %s: %s", state.value, reason or self._name)
            self._trouble_since = None

    # What readers report: what happened to them. Whether it still matters is decided here.

    def _opened(self, reader: Reader, source: FrameSource) -> bool:
        with self._changed:
            if reader is not self._reader:
                return False
            self.source, self._name = source, source.name
            return True

    def _received(self, reader: Reader, image: Image, captured_at: float) -> bool:
        """Take a frame; false if the reader should stop."""
        new = digest(image)
        with self._changed:
            self._undecodable += reader.newly_undecodable()
            if reader is not self._reader:
                return False
            self._history = extended(self._history, new, captured_at)
            if captured_at - self._history.since >= STEADY_AFTER_S:
                self._backoff.reset()
            state, reason = assess(self._history, captured_at, self._live)
            if state is not self.state:
                self._enter(state, reason and f"{self._name}: {reason}", captured_at)
            if state is CameraState.FROZEN and self._stream and captured_at - self._history.since >= FROZEN_AFTER_S:
                self._lost(state, f"{self._name}: {reason}. Meanwhile the stream is opened again", captured_at)
                self._changed.notify_all()
                return False
        return self._slot.put(reader.generation, image, captured_at, keep=reader.lossless)

    def _over(self, reader: Reader, state: CameraState | None, reason: str) -> None:
        """A reader has closed its source; ``state`` is ``None`` if it was asked to end."""
        with self._changed:
            self._leaving.discard(reader)
            self._undecodable += reader.newly_undecodable()
            if reader is self._reader:
                if state is not None and not (self._muted or self._stopping):
                    self._lost(state, reason, self._clock())
                else:
                    self._abandon()
            self._show_device()
            self._changed.notify_all()

    def _read(self, reader: Reader) -> None:
        """The whole life of a reader, on its own thread: open the source, read it, close it. It may hang anywhere."""
        state: CameraState | None = CameraState.FAILED
        reason = ""
        try:
            reader.source = source = self._open_source(self._settings)
            reader.lossless = source.lossless
            state = CameraState.FAILED if self._finite else CameraState.STALLED
            wanted = self._opened(reader, source)
            count = 0
            while wanted:
                reader.silent_since = self._clock()
                image = source.read()
                if image is None:
                    state = CameraState.ENDED if self._finite else CameraState.STALLED
                    reason = f"{source.name}: the end, after {count} frames"
                    break
                count += 1
                # From here until the next read the consumer may take its time.
                reader.silent_since = None
                wanted = self._received(reader, image, self._clock())
            else:
                state = None
        except CameraError as error:
            reason = scrubbed(str(error))
        except Exception as error:  # noqa: BLE001 - whatever it is, the camera goes on
            # Not log.exception: the texts of others may quote the address.
            trace = scrubbed("".join(traceback.format_exception(error)), self._settings.url)
            log.error("camera: %s failed in a way nobody foresaw\n%s", self._name, trace)
            words = scrubbed(str(error), self._settings.url)
            reason = f"{self._name}: {type(error).__name__}: {words}"
        reader.silent_since = self._clock()
        reader.close_source()
        reader.closed = True
        self._over(reader, state, reason)
