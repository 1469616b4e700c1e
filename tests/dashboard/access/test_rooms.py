"""A teacher sees their own rooms, by whatever address: attempts to see another one's."""

from __future__ import annotations

import http.client
import itertools
from collections.abc import Iterator

import pytest
from starlette.routing import Mount, Route

from dashboard.web.app import LIVE_VIEWS
from edge_agent.client import Device
from tests.dashboard.access.conftest import OTHER, OWN, School
from tests.support.visitor import VisitorBrowser

OTHER_NAME = "Room 112"
WITHOUT_ROOM = {
    "/",
    "/devices",
    "/events",
    "/preferences",
    "/login",
    "/logout",
    "/account",
    "/account/password",
    "/account/sessions",
    "/accounts",
    "/log",
    "/operate",
    "/data",
}
"""Addresses that name no room. A new page that does not stand here has the room in its path, where it is judged."""


def routes(school: School) -> list[Route]:
    app = school.page.app
    return [route for route in app.routes if isinstance(route, Route)]


def test_every_address_names_its_room_where_it_is_judged(school: School) -> None:
    for route in routes(school):
        named = "/{site:name}/{device:name}" in route.path
        assert named or route.path in WITHOUT_ROOM or route.path.startswith(("/operate/", "/data/")), route.path
    assert {route.path for route in school.page.app.routes if isinstance(route, Mount)} == {"/static"}


def test_the_lists_show_only_own_rooms(school: School) -> None:
    anna, dora = school.browser("anna"), school.browser("dora")
    for path in ("/", "/devices"):
        assert OTHER_NAME in dora.get(path).text
        text = anna.get(path).text
        assert OTHER_NAME not in text
        assert OTHER.id not in text
        assert "Room 100" in text


def of_other_room(school: School, method: str) -> list[str]:
    paths = [route.path for route in routes(school) if "{site:name}" in route.path and method in (route.methods or ())]
    return [path.replace("{site:name}/{device:name}", f"{OTHER.site}/{OTHER.id}") for path in paths]


def test_no_address_of_the_other_room_exists(school: School) -> None:
    anna, dora = school.browser("anna"), school.browser("dora")
    paths = of_other_room(school, "GET")
    assert len(paths) >= 4
    for path in (path.replace("{kind}", "csv") for path in paths):
        answer = anna.get(path)
        assert answer.status == 404, path
        assert OTHER_NAME not in answer.text
        assert anna.get(f"{path}?site={OWN.site}&device={OWN.id}").status == 404
    assert dora.get(f"/room/{OTHER.site}/{OTHER.id}").status == 200
    assert anna.get(f"/room/{OWN.site}/{OWN.id}").status == 200


def test_posts_to_the_other_room_change_nothing(school: School) -> None:
    anna = school.browser("anna")
    paths = of_other_room(school, "POST")
    assert len(paths) >= 4
    for path in paths:
        assert anna.post(path).status in (403, 404), path


@pytest.mark.parametrize(
    "spelling",
    [
        "/room/north/pi-12/",
        "/room/north//pi-12",
        "/room/north/pi-0/../pi-12",
        "/room/north/%70%69-12",
        "/room/north/pi-12%00",
        "/room/north/pi-12?site=north&device=pi-0",
        "/room/north/PI-12",
        "/room/north/pi-0;/../pi-12",
        "//room/north/pi-12",
        "/room/north/pi-12%2f..%2fpi-0",
        "/./room/north/pi-12",
    ],
)
def test_other_spellings_of_the_address_lead_nowhere_else(school: School, spelling: str) -> None:
    answer = school.browser("anna").get(spelling)
    assert answer.status in (404, 307, 400)
    assert OTHER_NAME not in answer.text


@pytest.mark.parametrize("view", LIVE_VIEWS)
def test_event_streams_carry_only_own_rooms(school: School, view: str) -> None:
    anna = school.browser("anna")
    own, other = (f"/events?view={view}&site={room.site}&device={room.id}" for room in (OWN, OTHER))
    unnamed = f"/events?view={view}"
    if view == "room":
        assert [anna.get(path).status for path in (other, unnamed)] == [404, 404]
    for path in (own,) if view == "room" else (own, other, unnamed):
        text = first_event(anna, path)
        assert OTHER_NAME not in text
        assert f'"{OTHER.id}"' not in text


def test_two_teachers_never_share_a_stream(school: School) -> None:
    school.add("bert", "teacher", rooms=(OTHER,))
    anna, bert = (first_event(school.browser(name), "/events?view=school") for name in ("anna", "bert"))
    assert "Room 100" in anna
    assert OTHER_NAME not in anna
    assert OTHER_NAME in bert
    assert "Room 100" not in bert


def test_an_open_stream_ends_with_the_session(school: School) -> None:
    anna = school.browser("anna")
    lines = stream(anna, "/events?view=school")
    assert next(lines)
    school.access.accounts.remove("anna")
    deadline = 30
    for _ in itertools.islice(lines, deadline):
        pass
    assert list(itertools.islice(lines, 1)) == []


def test_looks_at_a_room_are_in_the_log_once(school: School) -> None:
    anna = school.browser("anna")
    for _ in range(3):
        anna.get(f"/room/{OWN.site}/{OWN.id}")
        anna.get("/")
    anna.get(f"/room/{OTHER.site}/{OTHER.id}")
    looks = [(entry.who, entry.device, entry.detail) for entry in school.log("look")]
    assert looks == [("anna", None, "rooms"), ("anna", OWN, "")]
    school.clock.now += 700
    anna.get(f"/room/{OWN.site}/{OWN.id}")
    assert len(school.log("look")) == 3


def test_a_look_that_was_refused_is_not_in_the_log(school: School) -> None:
    anna = school.browser("anna")
    for path in ("/events?view=room", "/events?view=room&x=1"):
        assert anna.get(f"{path}&site={OTHER.site}&device={OTHER.id}").status == 404
    assert anna.get(f"/room/{OTHER.site}/{OTHER.id}/report").status == 404
    assert [entry.device for entry in school.log()] == [None], "the login alone"


def test_the_log_shows_a_teacher_what_concerns_them(school: School) -> None:
    school.add("bert", "teacher", rooms=(OTHER,))
    anna, bert, dora = (school.browser(name) for name in ("anna", "bert", "dora"))
    for browser, device in ((anna, OWN), (bert, OTHER), (dora, OWN), (dora, OTHER)):
        assert browser.get(f"/room/{device.site}/{device.id}").status == 200
    text = anna.get("/log").text
    assert "dora" in text
    assert "bert" not in text
    assert OTHER_NAME not in text
    assert "bert" in dora.get("/log").text
    assert "<td>bert</td>" not in anna.get("/log?who=bert").text
    assert "<td>bert</td>" in dora.get("/log?who=bert").text


@pytest.mark.parametrize(
    "query", ["before=x", "before=-1", "before=" + "9" * 40, "action=<b>", "who=%00", "who=" + "a" * 999]
)
def test_hostile_questions_to_the_log_are_answered_quietly(school: School, query: str) -> None:
    answer = school.browser("dora").get(f"/log?{query}")
    assert answer.status == 200
    assert "<b>" not in answer.text


def test_the_log_turns_its_pages(school: School) -> None:
    for number in range(250):
        school.access.audit.record("command", "otto", "x", school.clock(), detail=f"entry {number}.")
    browser, query, seen = school.browser("dora"), "/log?action=command", set()
    for _ in range(3):
        text = browser.get(query).text
        seen |= {number for number in range(250) if f"entry {number}." in text}
        query = "/log?" + text.partition("/log?")[2].partition('"')[0].replace("&amp;", "&") if "Older" in text else ""
    assert len(seen) == 250


def test_names_of_rooms_full_of_markup_stay_text_in_the_log(school: School) -> None:
    device = Device("<b>", '"><script>alert(1)</script>')
    school.access.audit.record("look", "anna", "<i>", school.clock(), device=device, detail="<img src=x>\n\0")
    text = school.browser("dora").get("/log").text
    for markup in ("<script>alert", "<img src=x", "<i>", "<b>"):
        assert markup not in text


def test_old_entries_are_forgotten(school: School) -> None:
    school.access.audit.record("look", "anna", "x", school.clock() - 366 * 86400)
    school.access.audit.record("look", "anna", "x", school.clock() - 364 * 86400)
    assert school.access.audit.forget_old(school.clock()) == 1
    assert len(school.log()) == 1


def stream(browser: VisitorBrowser, path: str) -> Iterator[str]:
    connection = http.client.HTTPConnection("127.0.0.1", browser.port, timeout=30)
    cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    connection.request("GET", path, headers={"Cookie": cookies})
    answer = connection.getresponse()
    assert answer.status == 200
    try:
        while line := answer.readline():
            if line.startswith(b"data: "):
                yield line.decode()
    finally:
        connection.close()


def first_event(browser: VisitorBrowser, path: str) -> str:
    return str(next(stream(browser, path)))
