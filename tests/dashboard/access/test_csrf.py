"""Forms of other sites, and forms without a token, do nothing: on every address that takes one."""

from __future__ import annotations

import pytest
from starlette.routing import Route

from tests.dashboard.access.conftest import OWN, PASSWORD, School


def post_paths(school: School) -> list[str]:
    routes = [route for route in school.page.app.routes if isinstance(route, Route)]
    paths = [route.path for route in routes if "POST" in (route.methods or ())]
    assert len(paths) >= 4
    return [path.replace("{site}", OWN.site).replace("{device}", OWN.id) for path in paths]


def everybody(school: School) -> None:
    school.add("eve", "teacher", "operator", "data_officer", rooms=(OWN,))


@pytest.mark.parametrize("token", [None, "", "0" * 80, "x"])
def test_no_form_works_without_its_token(school: School, token: str | None) -> None:
    everybody(school)
    browser = school.browser("eve")
    before = len(school.log())
    for path in post_paths(school):
        assert browser.send(path, {} if token is None else {"form_token": token}).status == 403, path
    assert len(school.log()) == before
    assert browser.get("/account").status == 200


def test_the_token_of_another_browser_does_not_do(school: School) -> None:
    everybody(school)
    browser, other = school.browser("eve"), school.browser("otto")
    token = other.get("/account").form_token
    for path in post_paths(school):
        assert browser.send(path, {"form_token": token}).status == 403, path


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Referer": "https://evil.example/"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
def test_a_form_that_comes_from_another_site_is_refused_even_with_the_token(
    school: School, headers: dict[str, str]
) -> None:
    everybody(school)
    browser = school.browser("eve")
    for path in post_paths(school):
        token = browser.get("/account").form_token
        assert browser.send(path, {"form_token": token}, **headers).status == 403, path


def test_a_page_without_accounts_takes_no_forms_of_other_sites_either(empty: School) -> None:
    """Any site that is open in a browser on this machine could send one."""
    browser = empty.browser()
    for path in ("/logout", "/account/password"):
        assert browser.send(path, {}).status == 403
        assert browser.send(path, {}, Origin="https://evil.example").status == 403


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x", "text/plain", "application/json", ""])
def test_only_plain_forms_are_read(school: School, kind: str) -> None:
    browser = school.browser("anna")
    assert browser.request("POST", "/account/password", "form_token=x", {"Content-Type": kind}).status == 415


def test_a_form_that_has_no_end_is_not_read_to_its_end(school: School) -> None:
    browser = school.browser("anna")
    body = "form_token=" + "x" * 100_000
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert browser.request("POST", "/account/password", body, kind).status == 413
    many = "&".join(f"a{number}=" for number in range(5000))
    assert browser.request("POST", "/account/password", many, kind).status == 400


def test_no_get_changes_anything(school: School) -> None:
    everybody(school)
    browser = school.browser("eve")
    for path in post_paths(school):
        if path != "/login":
            assert browser.get(path).status in (404, 405), path
    assert browser.get("/account").status == 200
    assert browser.log_in("eve", PASSWORD).status == 403  # one is logged in already
