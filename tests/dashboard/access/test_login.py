"""Logging in, staying in and being put out: over real HTTP."""

from __future__ import annotations

import re

import pytest

from dashboard.access.throttle import FREE_TRIES
from tests.dashboard.access.conftest import OWN, PASSWORD, School
from tests.support.visitor import VisitorBrowser


def test_without_accounts_everybody_at_this_machine_is_let_in(empty: School) -> None:
    browser = empty.browser()
    assert browser.get("/").status == 200
    assert browser.get("/login").location == "/"
    assert browser.get("/account").status == 404


def test_from_the_first_account_on_nobody_is_let_in_without_one(empty: School) -> None:
    browser = empty.browser()
    assert browser.get("/devices").status == 200
    empty.add("anna", "teacher")
    answer = browser.get("/devices?x=1")
    assert (answer.status, answer.location) == (303, "/login?next=/devices%3Fx%3D1")


@pytest.mark.parametrize("path", ["/", "/devices", "/room/north/pi-0", "/log", "/account", "/accounts", "/x/../log"])
def test_every_page_leads_to_the_login(school: School, path: str) -> None:
    answer = school.browser().get(path)
    assert answer.status in (303, 404)
    if answer.status == 303:
        assert answer.location.startswith("/login")
    assert "pi-0" not in answer.text


def test_an_event_stream_is_refused_without_a_session(school: School) -> None:
    assert school.browser().get("/events?view=school").status == 401


def test_the_right_password_leads_where_one_wanted_to_go(school: School) -> None:
    browser = school.browser()
    browser.get("/devices")
    answer = browser.log_in("anna", PASSWORD, back="/devices")
    assert (answer.status, answer.location) == (303, "/devices")
    assert browser.get("/devices").status == 200


@pytest.mark.parametrize(
    "back",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "\n/x", "//[", ""],
)
def test_a_login_leads_to_no_other_host(school: School, back: str) -> None:
    assert school.browser().log_in("anna", PASSWORD, back=back).location == "/"


def test_names_are_the_same_in_capitals_and_with_spaces(school: School) -> None:
    assert school.browser().log_in(" Anna ", PASSWORD).status == 303


@pytest.mark.parametrize(("name", "password"), [("anna", "wrong"), ("nobody", PASSWORD), ("", ""), ("anna", "")])
def test_a_wrong_name_and_a_wrong_password_are_answered_alike(school: School, name: str, password: str) -> None:
    browser = school.browser()
    answer, reference = browser.log_in(name, password), school.browser().log_in("otto", "wrong wrong")
    assert answer.status == reference.status == 401
    token = r'value="[0-9a-f]{80}"'
    assert re.sub(token, "", answer.text) == re.sub(token, "", reference.text)
    assert browser.get("/").status == 303


def test_the_cookie_is_for_the_page_alone(school: School) -> None:
    cookie = school.browser().log_in("anna", PASSWORD).headers.get_all("Set-Cookie") or []
    [session] = [line for line in cookie if line.startswith("session=") and "Max-Age=0" not in line]
    assert {part.strip().lower() for part in session.split(";")[1:]} == {"httponly", "path=/", "samesite=lax"}
    assert len(session.split(";")[0]) > 40


def test_a_session_that_somebody_planted_is_worth_nothing_after_the_login(school: School) -> None:
    """Session fixation: the attacker knows what the victim's browser shows before the login."""
    victim = school.browser()
    victim.cookies["session"] = "planted-by-the-attacker"
    victim.log_in("anna", PASSWORD)
    assert victim.cookies["session"] != "planted-by-the-attacker"
    attacker = VisitorBrowser(school.page.port, {"session": "planted-by-the-attacker"})
    assert attacker.get("/").status == 303


def test_a_session_of_the_attackers_own_is_not_taken_over_by_a_login(school: School) -> None:
    attacker = school.browser("otto")
    victim = VisitorBrowser(school.page.port, dict(attacker.cookies))
    assert victim.get("/login").location == "/"
    token = victim.get("/account").form_token
    assert victim.send("/login", {"form_token": token, "name": "anna", "password": PASSWORD}).status == 403
    victim.post("/logout")
    assert attacker.get("/").status == 303
    assert victim.log_in("anna", PASSWORD).status == 303
    assert victim.cookies["session"] != attacker.cookies["session"]


def test_logging_out_ends_the_session_for_good(school: School) -> None:
    browser = school.browser("anna")
    stolen = VisitorBrowser(school.page.port, dict(browser.cookies))
    assert browser.post("/logout").location == "/login"
    assert "session" not in browser.cookies
    assert stolen.get("/").status == 303


def test_a_session_ends_when_nobody_uses_it(school: School) -> None:
    browser = school.browser("anna")
    school.clock.now += 50 * 60
    assert browser.get("/").status == 200
    school.clock.now += 50 * 60
    assert browser.get("/").status == 200
    school.clock.now += 61 * 60
    assert browser.get("/").status == 303


def test_a_session_ends_after_half_a_day_however_much_it_is_used(school: School) -> None:
    browser = school.browser("anna")
    for _ in range(23):
        school.clock.now += 30 * 60
        assert browser.get("/").status == 200
    school.clock.now += 31 * 60
    assert browser.get("/").status == 303


def test_a_clock_that_was_years_ahead_leaves_no_session_for_ever(school: School) -> None:
    school.clock.now += 10 * 365 * 86400
    browser = school.browser("anna")
    school.clock.now -= 10 * 365 * 86400
    assert browser.get("/").status == 303


def test_another_password_ends_all_sessions(school: School) -> None:
    browser = school.browser("anna")
    school.access.accounts.set_password("anna", "another long password", school.clock())
    assert browser.get("/").status == 303
    assert school.browser().log_in("anna", PASSWORD).status == 401
    assert school.browser().log_in("anna", "another long password").status == 303


def test_a_removed_account_is_out_at_once(school: School) -> None:
    browser = school.browser("anna")
    school.access.accounts.remove("anna")
    assert browser.get("/").status == 303
    assert school.browser().log_in("anna", PASSWORD).status == 401


def test_rooms_and_roles_that_are_taken_away_are_gone_at_once(school: School) -> None:
    browser = school.browser("anna")
    assert browser.get("/room/north/pi-0").status == 200
    school.access.accounts.set_rooms("anna", ())
    assert browser.get("/room/north/pi-0").status == 404
    operator = school.browser("dora")
    assert operator.get("/accounts").status == 200
    school.access.accounts.set_roles("dora", ["teacher"])
    assert operator.get("/accounts").status == 403


def test_guesses_are_throttled_and_the_right_password_too(school: School) -> None:
    browser = school.browser()
    for _ in range(FREE_TRIES):
        assert browser.log_in("anna", "wrong wrong wrong").status == 401
    answer = browser.log_in("anna", PASSWORD)
    assert answer.status == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert "Too many attempts" in answer.text
    assert browser.log_in("otto", PASSWORD).status == 303


def test_failures_are_logged_without_what_may_be_a_password(school: School) -> None:
    browser = school.browser()
    browser.log_in("anna", "wrong wrong wrong")
    browser.log_in("my secret pass phrase", "x")
    assert [entry.who for entry in school.log("login_failed")] == ["", "anna"]
    assert "secret" not in str(school.log())


def test_logins_and_logouts_are_logged_with_where_from(school: School) -> None:
    browser = school.browser("anna")
    browser.post("/logout")
    assert [(entry.action, entry.who, entry.address) for entry in school.log()] == [
        ("logout", "anna", "127.0.0.1"),
        ("login", "anna", "127.0.0.1"),
    ]


@pytest.mark.parametrize(
    "name",
    ["<script>alert(1)</script>", "'; DROP TABLE accounts; --", "\0", "é" * 500, "a" * 100_000, "{{7*7}}"],
)
def test_hostile_names_are_wrong_names(school: School, name: str) -> None:
    answer = school.browser().log_in(name, PASSWORD)
    assert answer.status in (401, 413)
    assert "<script>alert" not in answer.text
    assert school.browser().log_in("anna", PASSWORD).status == 303


def test_a_form_of_the_own_account_sets_another_password(school: School) -> None:
    browser, elsewhere = school.browser("anna"), school.browser("anna")
    new = "quite another sentence"
    fields = {"old": PASSWORD, "new": new, "again": new}
    assert browser.post("/account/password", fields | {"old": "wrong"}).status == 401
    assert browser.post("/account/password", fields | {"again": "x"}).status == 422
    assert browser.post("/account/password", fields | {"new": "short", "again": "short"}).status == 422
    assert browser.post("/account/password", fields).status == 303
    assert browser.get("/").status == 200
    assert elsewhere.get("/").status == 303
    assert school.browser().log_in("anna", new).status == 303


def test_the_old_password_cannot_be_guessed_in_the_form_either(school: School) -> None:
    browser = school.browser("anna")
    answers = [browser.post("/account/password", {"old": "no", "new": "x", "again": "x"}).status for _ in range(7)]
    assert answers[-1] == 429


def test_logging_out_everywhere_ends_every_session(school: School) -> None:
    browser, elsewhere = school.browser("anna"), school.browser("anna")
    assert browser.post("/account/sessions").status == 303
    assert browser.get("/").status == 303
    assert elsewhere.get("/").status == 303


def test_a_database_that_cannot_be_written_lets_nobody_in_and_keeps_nobody_out(school: School) -> None:
    browser = school.browser("anna")
    with school.history.engine.connect() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(FAIL, 'database or disk is full'); END"
        )
        connection.commit()
    answer = school.browser().log_in("otto", PASSWORD)
    assert answer.status == 503
    assert "database cannot be used" in answer.text
    assert browser.get(f"/room/{OWN.site}/{OWN.id}").status == 200


def test_who_is_not_logged_in_sees_no_menu(school: School) -> None:
    menu = 'href="/devices"'
    assert menu not in school.browser().get("/login").text
    assert menu not in school.browser().get("/nothing").text
    for path in ("/", "/nothing"):
        assert menu in school.browser("anna").get(path).text
