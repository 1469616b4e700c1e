"""The data officer's page: what is stored, erasing in two steps, declarations and signs."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from msgspec.structs import replace as replace_struct

from dashboard.history.tables import devices, health
from dashboard.web.ids import element_id
from tests.dashboard.access.conftest import OWN, School

PAGE = "/data"


@pytest.fixture
def stored(school: School) -> School:
    """A school with something in its history."""
    with school.history.writing() as connection:
        connection.execute(devices.insert().values(id=1, site=OWN.site, device=OWN.id))
        for number in range(5):
            row = {"fps": 1.0, "pending": 0, "camera": "ok", "muted": 0, "problems": ""}
            connection.execute(health.insert().values(device_id=1, at_ms=number * 1000, **row))
    return school


def rows(school: School) -> int:
    return school.history.stored().kinds["health"].rows


def test_only_the_data_officer_sees_it(stored: School) -> None:
    for name, status in (("anna", 403), ("otto", 403), ("dora", 200)):
        assert stored.browser(name).get(PAGE).status == status
        assert stored.browser(name).get("/data/notice?file=x").status == (404 if status == 200 else 403)


def test_it_says_what_is_stored_and_that_somebody_looked(stored: School) -> None:
    text = stored.browser("dora").get(PAGE).text
    assert "Reports of devices" in text
    table = text.partition("By room")[2]
    assert re.search(r"north/pi-0\)?</th><td class=\"number\">5</td><td>[^<]*1970</td><td>[^<]*1970</td>", table)
    assert [entry.who for entry in stored.log("data")] == ["dora"]


def test_erasing_takes_a_question_and_an_answer(stored: School) -> None:
    browser = stored.browser("dora")
    fields = {"room": element_id("room", OWN), "start": "", "end": ""}
    asked = browser.post("/data/erase", fields, page=PAGE)
    assert (asked.status, rows(stored)) == (200, 5)
    assert "Erase for good?" in asked.text
    assert "Reports of devices: 5" in asked.text
    assert stored.log("erase") == []
    found = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', asked.text))
    done = browser.send("/data/erase", {name: html.unescape(value) for name, value in found.items()})
    assert done.status == 200
    assert "5 rows were erased" in done.text
    assert rows(stored) == 0
    assert [(entry.who, entry.device) for entry in stored.log("erase")] == [("dora", OWN), ("dora", OWN)]
    assert "5 health" in stored.log("erase")[0].detail


def test_rooms_are_counted_as_they_are_listed(stored: School) -> None:
    browser = stored.browser("dora")
    assert "1 room." in browser.get(PAGE).text
    browser.post("/data/erase", {"room": "*", "confirmed": "yes"}, page=PAGE)
    text = browser.get(PAGE).text
    assert "0 rooms." in text
    assert "By room" not in text


@pytest.mark.parametrize(
    ("start", "end", "left"),
    [("1970-01-01T01:00:02", "", 2), ("", "1970-01-01T01:00:01", 3), ("2030-01-01T00:00", "", 5)],
)
def test_a_time_is_one_of_the_school(stored: School, start: str, end: str, left: int) -> None:
    fields = {"room": "*", "start": start, "end": end, "confirmed": "yes"}
    assert stored.browser("dora").post("/data/erase", fields, page=PAGE).status == 200
    assert rows(stored) == left


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"room": ""},
        {"room": "north/pi-0"},
        {"room": "room-0000000000000000"},
        {"room": "*", "start": "x"},
        {"room": "*", "start": "2030-01-01T00:00", "end": "2020-01-01T00:00"},
        {"room": "*", "end": "9" * 50},
        {"room": "*", "start": "0001-01-01T00:00"},
    ],
)
def test_a_mistake_erases_nothing(stored: School, fields: dict[str, str]) -> None:
    answer = stored.browser("dora").post("/data/erase", {**fields, "confirmed": "yes"}, page=PAGE)
    assert answer.status in (200, 422)
    if answer.status == 422:
        assert rows(stored) == 5


def test_nobody_else_erases(stored: School) -> None:
    for name in ("anna", "otto"):
        browser = stored.browser(name)
        assert browser.post("/data/erase", {"room": "*", "confirmed": "yes"}).status == 403
    assert rows(stored) == 5


def test_what_cannot_be_noted_is_not_erased(stored: School) -> None:
    browser = stored.browser("dora")
    browser.get(PAGE)
    with stored.history.engine.connect() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(FAIL, 'database or disk is full'); END"
        )
        connection.commit()
    assert browser.post("/data/erase", {"room": "*", "confirmed": "yes"}, page="/account").status == 503
    assert rows(stored) == 5


def test_signs_can_be_fetched_and_nothing_beside_them(stored: School, tmp_path: Path) -> None:
    folder = tmp_path / "notices"
    (folder / "pi-3a").mkdir(parents=True)
    (folder / "pi-3a" / "sign-de.html").write_text("<script>1</script>")
    (folder / "secret.toml").write_text("secret")
    (tmp_path / "outside.html").write_text("secret")
    (folder / "link.html").symlink_to(tmp_path / "outside.html")
    site = stored.page.site
    site.settings = replace_struct(site.settings, access=replace_struct(site.settings.access, notices=str(folder)))
    browser = stored.browser("dora")
    assert "pi-3a/sign-de.html" in browser.get(PAGE).text
    answer = browser.get("/data/notice?file=pi-3a/sign-de.html")
    assert answer.status == 200
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    for name in ("secret.toml", "../outside.html", "link.html", "/etc/passwd", "pi-3a", "", "pi-3a/../../outside.html"):
        assert browser.get(f"/data/notice?file={name}").status == 404, name


def test_declarations_show_basis_and_hash(stored: School) -> None:
    assert "none: a simulation" in stored.browser("dora").get(PAGE).text
