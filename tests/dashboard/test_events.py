"""Open pages get what changes: made once for all who see the same, and never at the cost of others."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import pytest

from dashboard.settings import Language
from dashboard.web import events
from dashboard.web.events import Audience, Hub, Update
from dashboard.web.visitor import Rights
from tests.dashboard.messages import NORTH

PATIENCE_S = 30.0


class Renderer:
    """Makes one element with a number that a test sets, and counts how often it is asked."""

    def __init__(self) -> None:
        self.number, self.asked = 0, 0
        self.broken: Language | None = None

    def __call__(self, audience: Audience, changed: object) -> Update:  # noqa: ARG002 - as every renderer
        self.asked += 1
        if audience.language == self.broken:
            raise ValueError("a template with a mistake")
        return Update({"card": f"<p id=card>{self.number}</p>"}, {"rooms": ["card"]})


def audience(language: Language = "en") -> Audience:
    return Audience("school", None, language, Rights())


async def next_elements(stream: AsyncIterator[bytes]) -> dict[str, Any]:
    """The elements of the next message that has any."""
    async for line in stream:
        if line.startswith(b"data:") and (elements := json.loads(line[5:])["elements"]):
            return dict(elements)
    raise AssertionError("the stream has ended")


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, PATIENCE_S))


def test_a_change_is_made_once_for_all_who_see_the_same() -> None:
    async def main() -> None:
        render = Renderer()
        hub = Hub(render, lambda: 0.0)
        hub.open()
        streams = [hub.subscribe(audience()) for _ in range(20)]
        assert [await next_elements(stream) for stream in streams] == [{"card": "<p id=card>0</p>"}] * 20
        render.number, asked = 1, render.asked
        hub.changed({NORTH})
        assert [await next_elements(stream) for stream in streams] == [{"card": "<p id=card>1</p>"}] * 20
        assert render.asked == asked + 1
        hub.close()

    run(main())


def test_many_changes_at_once_make_one_message_and_none_makes_none() -> None:
    async def main() -> None:
        render = Renderer()
        hub = Hub(render, lambda: 0.0)
        hub.open()
        stream = hub.subscribe(audience())
        await next_elements(stream)
        for render.number in range(1, 50):
            hub.changed({NORTH})
        assert await next_elements(stream) == {"card": "<p id=card>49</p>"}
        asked = render.asked
        hub.changed({NORTH})
        while render.asked == asked:
            await asyncio.sleep(0.01)
        hub.close()
        assert [line async for line in stream] == [], "nothing looks different"

    run(main())


def test_one_view_that_fails_keeps_no_other_from_its_changes() -> None:
    async def main() -> None:
        render = Renderer()
        hub = Hub(render, lambda: 0.0)
        hub.open()
        german, english = hub.subscribe(audience("de")), hub.subscribe(audience())
        await next_elements(german)
        await next_elements(english)
        render.number, render.broken = 1, "de"
        hub.changed({NORTH})
        assert await next_elements(english) == {"card": "<p id=card>1</p>"}
        render.number, render.broken = 2, None
        hub.changed({NORTH})
        assert await next_elements(german) == {"card": "<p id=card>2</p>"}
        hub.close()

    run(main())


def test_a_browser_that_reads_too_slowly_is_sent_away_and_comes_back_to_the_state_of_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(events, "_GATHER_S", 0.0)

    async def main() -> None:
        render = Renderer()
        hub = Hub(render, lambda: 0.0)
        hub.open()
        slow = hub.subscribe(audience())
        await next_elements(slow)
        while hub.browsers:
            render.number += 1
            hub.changed({NORTH})
            await asyncio.sleep(0)
        assert len([line async for line in slow]) <= events._MAX_WAITING
        again = hub.subscribe(audience())
        assert await next_elements(again) == {"card": f"<p id=card>{render.number}</p>"}
        hub.close()

    run(main())


def test_a_browser_that_leaves_is_forgotten() -> None:
    async def main() -> None:
        hub = Hub(Renderer(), lambda: 0.0)
        hub.open()
        stream = hub.subscribe(audience())
        await next_elements(stream)
        assert hub.browsers == 1
        await stream.aclose()
        assert hub.browsers == 0
        hub.close()

    run(main())


def test_changes_before_the_start_and_after_the_end_are_nobodys() -> None:
    async def main() -> None:
        hub = Hub(Renderer(), lambda: 0.0)
        hub.changed({NORTH})
        hub.open()
        hub.close()
        hub.changed({NORTH})

    run(main())
