"""What operators do: close and open cameras, take a snapshot, and see how a model spreads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from urllib.parse import urlencode

from msgspec import UnsetType
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dashboard.access.details import Detail
from dashboard.live.school import Room
from dashboard.web.forms import read_form
from dashboard.web.looks import record
from dashboard.web.pages.rooms import room_of
from dashboard.web.pages.school import sorted_rooms
from dashboard.web.site import Site, site_of
from dashboard.web.texts import UPDATES
from dashboard.web.visitor import Visitor
from edge_agent.client import Device, DeviceState
from edge_agent.errors import AgentError, InputError
from edge_agent.protocol.catalogue import result_of
from edge_agent.protocol.messages import SnapshotResult, TrackNow


async def operate_page(request: Request, visitor: Visitor) -> Response:
    """All devices with what can be asked of them."""
    done, removed = (request.query_params.get(name, "")[:200] for name in ("done", "removed"))
    return _page(request, visitor, done=done, removed=removed)


async def mute(request: Request, visitor: Visitor) -> Response:
    """Have a device close its camera."""
    return await _mute(request, visitor, muted=True)


async def unmute(request: Request, visitor: Visitor) -> Response:
    """Have a device open its camera again."""
    return await _mute(request, visitor, muted=False)


async def mute_all(request: Request, visitor: Visitor) -> Response:
    """Have every device close its camera."""
    await read_form(request)
    site = _able(request)
    rooms = sorted_rooms(site, visitor.rights)

    def close_all() -> str:
        for room in rooms:
            act = partial(site.operator.mute, room.device, True)
            if failed := _carry_out(site, request, visitor, room.device, "mute", act):
                return failed
        return ""

    failed = await run_in_threadpool(close_all)
    return _page(request, visitor, failed=failed, status=502) if failed else _back("")


async def remove(request: Request, visitor: Visitor) -> Response:
    """Take a device that is gone off the page and off the broker: first the question, then the deed."""
    form = await read_form(request)
    site, room = _able(request), await run_in_threadpool(room_of, request, visitor)
    if room.state is DeviceState.ONLINE:
        return _page(request, visitor, online=room.name, status=409)
    if form.get("confirmed") != "yes":
        return site.page(request, visitor, "remove.html", room=room)

    def act() -> None:
        site.operator.remove(room.device)
        site.school.forget_soon(room.device)

    failed = await run_in_threadpool(_carry_out, site, request, visitor, room.device, "remove", act)
    if failed:
        return _page(request, visitor, failed=failed, status=502)
    return RedirectResponse("/operate?" + urlencode({"removed": room.name}), 303)


async def snapshot(request: Request, visitor: Visitor) -> Response:
    """Show which faces a device sees now."""
    await read_form(request)
    site, room = _able(request), room_of(request, visitor)
    tracks: list[TrackNow] = []
    refusal: list[str] = []

    def ask() -> None:
        reply = site.operator.snapshot(room.device)
        if reply is None:
            refusal.append("silence")
            return
        try:
            result = result_of(reply)
        except InputError as error:
            refusal.append(str(error))
            return
        if isinstance(result, SnapshotResult):
            tracks.extend(result.tracks)

    failed = await run_in_threadpool(_carry_out, site, request, visitor, room.device, "snapshot", ask)
    if failed:
        return _page(request, visitor, failed=failed, status=502)
    shares = Counter(track.expression or "" for track in tracks)
    return _page(
        request, visitor, snapshot_of=room, tracks=len(tracks), shares=shares, refusal=refusal[0] if refusal else ""
    )


async def _mute(request: Request, visitor: Visitor, *, muted: bool) -> Response:
    await read_form(request)
    site, room = _able(request), room_of(request, visitor)
    word = "mute" if muted else "unmute"
    failed = await run_in_threadpool(
        _carry_out, site, request, visitor, room.device, word, lambda: site.operator.mute(room.device, muted)
    )
    return _page(request, visitor, failed=failed, status=502) if failed else _back(room.name)


def _carry_out(
    site: Site, request: Request, visitor: Visitor, device: Device, word: str, act: Callable[[], object]
) -> str:
    """Note a command, then send it; what went wrong, if anything did."""
    record(site, request, visitor, "command", device, Detail(word))
    try:
        act()
    except AgentError as error:
        record(site, request, visitor, "command", device, Detail("failed", {"act": word, "reason": str(error)[:300]}))
        return str(error)
    return ""


def _able(request: Request) -> Site:
    site = site_of(request)
    if not site.operator.available:
        raise HTTPException(404)
    return site


def _back(name: str) -> Response:
    return RedirectResponse("/operate?" + urlencode({"done": name or "*"}), 303)


def _page(request: Request, visitor: Visitor, *, status: int = 200, **values: object) -> Response:
    site = site_of(request)
    rooms = [room for room in sorted_rooms(site, visitor.rights) if not site.school.leaves_soon(room.device)]
    texts = dict.fromkeys(("done", "removed", "online", "failed", "refusal"), "")
    known: dict[str, object] = {**texts, "snapshot_of": None, "tracks": 0, "shares": {}}
    return site.page(
        request,
        visitor,
        "operate.html",
        status=status,
        school=site.school,
        store_trouble=site.store_trouble,
        rooms=rooms,
        updates={room.device: _update_of(room) for room in rooms},
        models=Counter(room.birth.model for room in rooms if room.birth and room.birth.model).most_common(),
        available=site.operator.available,
        **(known | values),
    )


def _update_of(room: Room) -> str:
    """How an update of the model stands there, in words of the catalogue; empty where nothing is to be said."""
    update = room.birth.model_update if room.birth else None
    if update is None or isinstance(update, UnsetType):
        return ""
    return "" if update.state in ("none", "current") else UPDATES.get(update.state, update.state)
