"""The devices: what a technician wants to know, and what to do about problems."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from msgspec import UnsetType
from starlette.requests import Request
from starlette.responses import Response

from dashboard.live.school import Room
from dashboard.web.events import Audience, Update
from dashboard.web.pages.school import list_update, sorted_rooms
from dashboard.web.site import Site, site_of
from dashboard.web.texts import CERTIFICATE_ENDED, CERTIFICATE_ENDS, CLOCK_WRONG, PROBLEM_TEXTS, UPDATES
from dashboard.web.visitor import Visitor
from edge_agent.client import Device
from edge_agent.protocol.messages import ModelUpdate
from edge_agent.protocol.problems import Problem

LIST: Final = "devices"
_CLOCK_MAY_DIFFER_S: Final = 120.0
_CERTIFICATE_SOON_S: Final = 30 * 86400.0


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something wrong with a device.

    Attributes:
        word: As ``health`` says it; empty where the page has found it out.
        problem: Cause and remedy; ``None`` where this version does not know the word.
        detail: More about it, in the device's own words.
        amount: A time in seconds that belongs to it; 0 for none.
    """

    word: str
    problem: Problem | None
    detail: str = ""
    amount: float = 0.0


@dataclass(frozen=True, slots=True)
class DeviceView:
    """A device as the template shows it."""

    room: Room
    troubles: tuple[Trouble, ...]
    certificate_until: float | None
    update: ModelUpdate | None
    update_text: str
    latency_ms: float | None


async def devices_page(request: Request, visitor: Visitor) -> Response:
    """The whole page."""
    site = site_of(request)
    views = [view_of(room, site.clock()) for room in sorted_rooms(site, visitor.rights)]
    return site.page(
        request,
        visitor,
        "devices.html",
        views=views,
        rooms=[v.room for v in views],
        school=site.school,
        store_trouble=site.store_trouble,
    )


def devices_update(site: Site, audience: Audience, changed: set[Device] | None) -> Update:
    """The devices that have changed, the order of all, and what the head of the page says."""

    def device(room: Room) -> str:
        return site.templates.render(audience.language, "parts/device.html", view=view_of(room, site.clock()))

    return list_update(site, audience, changed, LIST, "device", device)


def view_of(room: Room, now: float) -> DeviceView:
    """What is to be said of a device."""
    birth, health = room.birth, room.health
    until = None
    if birth is not None and not isinstance(birth.certificate_until, UnsetType):
        until = _unix(birth.certificate_until)
    update = None if birth is None or isinstance(birth.model_update, UnsetType) else birth.model_update
    total = health.latency_ms.get("total") if health is not None else None
    return DeviceView(
        room=room,
        troubles=tuple(_troubles(room, until, now)),
        certificate_until=until,
        update=update,
        update_text=UPDATES.get(update.state, "") if update is not None else "",
        latency_ms=total.p95 if total is not None else None,
    )


def _troubles(room: Room, until: float | None, now: float) -> list[Trouble]:
    found = []
    health = room.health
    for word in health.problems if health is not None else ():
        detail = health.camera.reason if health is not None and word.startswith("camera_") else ""
        found.append(Trouble(word, PROBLEM_TEXTS.get(word), detail))
    if abs(room.clock_ahead_s) > _CLOCK_MAY_DIFFER_S:
        found.append(Trouble("", CLOCK_WRONG, amount=abs(room.clock_ahead_s)))
    if until is not None and until - now < _CERTIFICATE_SOON_S:
        found.append(Trouble("", CERTIFICATE_ENDS if until > now else CERTIFICATE_ENDED))
    return found


def _unix(text: str) -> float | None:
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    except (ValueError, OverflowError):
        return None
