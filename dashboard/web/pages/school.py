"""The school: a card a room, sorted by what needs attention."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from dashboard.live.school import Room
from dashboard.web.events import Audience, Update
from dashboard.web.ids import element_id
from dashboard.web.site import Site, site_of
from dashboard.web.visitor import Rights, Visitor
from edge_agent.client import Device

LIST = "rooms"


async def school_page(request: Request, visitor: Visitor) -> Response:
    """The whole page."""
    site = site_of(request)
    return site.page(
        request,
        visitor,
        "school.html",
        rooms=sorted_rooms(site, visitor.rights),
        school=site.school,
        store_trouble=site.store_trouble,
    )


def school_update(site: Site, audience: Audience, changed: set[Device] | None) -> Update:
    """The cards that have changed, the order of all, and what the head of the page says."""

    def card(room: Room) -> str:
        return site.templates.render(audience.language, "parts/card.html", room=room)

    return list_update(site, audience, changed, LIST, "card", card)


def list_update(
    site: Site,
    audience: Audience,
    changed: set[Device] | None,
    list_id: str,
    kind: str,
    render: Callable[[Room], str],
) -> Update:
    """Of a page with an element a room: those that have changed, the order of all, and the head of the page.

    Args:
        site: What the pages work with.
        audience: Who sees it.
        changed: The rooms that have changed; ``None`` for all.
        list_id: Id of the list of elements.
        kind: Begins the elements' ids.
        render: Makes a room's element.
    """
    rooms = sorted_rooms(site, audience.rights)
    elements = {
        element_id(kind, room.device): render(room) for room in rooms if changed is None or room.device in changed
    }
    for part in ("broker", "overview"):
        elements[part] = site.templates.render(
            audience.language, f"parts/{part}.html", rooms=rooms, school=site.school, store_trouble=site.store_trouble
        )
    return Update(elements, {list_id: [element_id(kind, room.device) for room in rooms]})


def sorted_rooms(site: Site, rights: Rights) -> list[Room]:
    """The rooms that somebody may see, what needs attention first, then by name."""
    rooms = [room for room in site.school.rooms.values() if rights.sees(room.device)]
    return sorted(rooms, key=_place)


def _place(room: Room) -> tuple[int, str, Device]:
    return room.attention, room.name.casefold(), room.device
