"""What keeps open pages up to date: fragments made once for all browsers that see the same, over server-sent events."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from dashboard.settings import Language
from dashboard.web.visitor import Rights
from edge_agent.client import Device

_log = logging.getLogger(__name__)
_GATHER_S = 0.05
"""Changes that come within this time make one message."""
_BEAT_S = 5.0
"""A page that hears nothing for longer than this says that its connection is lost."""
_MAX_WAITING = 64
"""Messages that may wait for one browser. One that is slower is sent away, and comes back to the state of then."""
_RETRY_MS = 1000


@dataclass(frozen=True, slots=True)
class Audience:
    """Browsers that see the same.

    Attributes:
        view: Which page: a key of the live views.
        device: Which room, where the page is one room's.
        language: In which language.
        rights: What they may see and do.
    """

    view: str
    device: Device | None
    language: Language
    rights: Rights


@dataclass(frozen=True, slots=True)
class Update:
    """Parts of a page as they are now.

    Attributes:
        elements: HTML by the id of the element that it replaces.
        order: Ids of a list's elements in their order, by the id of the list. Others in it are removed.
    """

    elements: Mapping[str, str] = field(default_factory=dict)
    order: Mapping[str, Sequence[str]] = field(default_factory=dict)


class Render(Protocol):
    """Makes the parts of a page that have changed; of all rooms where ``changed`` is ``None``."""

    def __call__(self, audience: Audience, changed: set[Device] | None, /) -> Update:
        """The parts; those that are as they were may be among them."""
        ...


class _Browser:
    """One open page: messages that wait for it."""

    def __init__(self) -> None:
        self.waiting: asyncio.Queue[bytes | None] = asyncio.Queue(_MAX_WAITING)

    def send(self, message: bytes) -> bool:
        """Whether there is still room for it."""
        try:
            self.waiting.put_nowait(message)
        except asyncio.QueueFull:
            return False
        return True

    def end(self) -> None:
        while self.waiting.full():
            self.waiting.get_nowait()
        self.waiting.put_nowait(None)


@dataclass(slots=True)
class _Channel:
    """What one audience has been sent."""

    browsers: set[_Browser] = field(default_factory=set)
    elements: dict[str, str] = field(default_factory=dict)
    order: dict[str, Sequence[str]] = field(default_factory=dict)


class Hub:
    """Knows the open pages and sends them what changes.

    Everything but :meth:`changed` happens on the event loop.

    Args:
        render: Makes the parts of a page.
        clock: Unix seconds now.
    """

    def __init__(self, render: Render, clock: Callable[[], float]) -> None:
        self._render, self._clock = render, clock
        self._channels: dict[Audience, _Channel] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._changed: set[Device] = set()
        self._flush_at: asyncio.TimerHandle | None = None
        self._beat: asyncio.TimerHandle | None = None

    def open(self) -> None:
        """Begin, on the event loop that runs now."""
        self._loop = asyncio.get_running_loop()
        self._send_beat()

    def close(self) -> None:
        """Send all browsers away."""
        for timer in (self._flush_at, self._beat):
            if timer is not None:
                timer.cancel()
        for channel in self._channels.values():
            for browser in channel.browsers:
                browser.end()
        self._loop = None

    def changed(self, devices: set[Device]) -> None:
        """Rooms look different now; with none, something that all pages show. Any thread may say so."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            with contextlib.suppress(RuntimeError):  # it has ended meanwhile
                loop.call_soon_threadsafe(self._gather, devices)

    @property
    def browsers(self) -> int:
        """How many pages are open."""
        return sum(len(channel.browsers) for channel in self._channels.values())

    async def subscribe(self, audience: Audience) -> AsyncGenerator[bytes, None]:
        """The stream of one browser: the whole state first, then what changes, until it leaves or is sent away."""
        channel = self._channels.setdefault(audience, _Channel())
        if not channel.browsers:  # nobody was there to be told
            channel.elements.clear()
            channel.order.clear()
        self._update(audience, channel, None)
        browser = _Browser()
        channel.browsers.add(browser)
        try:
            yield f"retry: {_RETRY_MS}\n\n".encode()
            yield self._message(channel.elements, channel.order)
            while (message := await browser.waiting.get()) is not None:
                yield message
        finally:
            channel.browsers.discard(browser)
            if not channel.browsers and self._channels.get(audience) is channel:
                del self._channels[audience]

    def _gather(self, devices: set[Device]) -> None:
        self._changed |= devices
        if self._flush_at is None and self._loop is not None:
            self._flush_at = self._loop.call_later(_GATHER_S, self._flush)

    def _flush(self) -> None:
        changed, self._changed, self._flush_at = self._changed, set(), None
        for audience, channel in list(self._channels.items()):
            self._update(audience, channel, changed)

    def _update(self, audience: Audience, channel: _Channel, changed: set[Device] | None) -> None:
        """Make what has changed and send it to all of one audience."""
        try:
            update = self._render(audience, changed)
        except Exception:  # noqa: BLE001 - one page that fails must not keep others from their changes
            _log.exception("the view %s could not be made", audience.view)
            return
        elements = {key: html for key, html in update.elements.items() if channel.elements.get(key) != html}
        order = {key: ids for key, ids in update.order.items() if channel.order.get(key) != ids}
        if not elements and not order:
            return
        for key, ids in order.items():  # who returns is shown again, even where nothing has changed meanwhile
            for gone in set(channel.order.get(key, ())) - set(ids):
                channel.elements.pop(gone, None)
        channel.elements.update(elements)
        channel.order.update(order)
        if changed is None:
            listed = {key for ids in channel.order.values() for key in ids}
            known = set(update.elements) | listed
            channel.elements = {key: html for key, html in channel.elements.items() if key in known}
        self._send(channel, self._message(elements, order))

    def _send(self, channel: _Channel, message: bytes) -> None:
        for browser in list(channel.browsers):
            if not browser.send(message):
                channel.browsers.discard(browser)
                browser.end()

    def _send_beat(self) -> None:
        assert self._loop is not None
        message = self._message({}, {})
        for channel in self._channels.values():
            self._send(channel, message)
        self._beat = self._loop.call_later(_BEAT_S, self._send_beat)

    def _message(self, elements: Mapping[str, str], order: Mapping[str, Sequence[str]]) -> bytes:
        content = {"now": round(self._clock(), 3), "elements": elements, "order": order}
        return f"data: {json.dumps(content, ensure_ascii=False, separators=(',', ':'))}\n\n".encode(errors="replace")


EVENT_STREAM: Final = "text/event-stream"
