"""What a form proves, and which names of hosts are this machine's own."""

from __future__ import annotations

import pytest

from dashboard.access.forms import form_token, is_genuine, is_loopback_name, same_site


def test_a_form_is_genuine_for_its_own_browser_alone() -> None:
    token = form_token("one browser")
    assert is_genuine("one browser", token)
    assert not is_genuine("another", token)
    assert not is_genuine("", form_token(""))


def test_each_form_is_another_text() -> None:
    assert form_token("one browser") != form_token("one browser")


@pytest.mark.parametrize("token", ["", "x", "é" * 80, "0" * 80, "\0" * 80])
def test_a_token_that_was_made_up_is_not(token: str) -> None:
    assert not is_genuine("a", token)


def test_a_token_that_was_changed_is_not() -> None:
    token = form_token("a")
    assert not is_genuine("a", token[:-1])
    assert not is_genuine("a", token + "0")
    assert not is_genuine("a", token.upper() if token.upper() != token else "0" + token[1:])


@pytest.mark.parametrize(
    ("origin", "referer", "fetch_site", "same"),
    [
        (None, None, None, True),
        ("http://page.lan:8480", None, None, True),
        ("http://page.lan:8480", "http://evil.example/", "same-origin", True),
        (None, "http://page.lan:8480/x?y", None, True),
        ("http://evil.example", None, None, False),
        ("null", None, None, False),
        (None, "http://evil.example/page.lan:8480", None, False),
        ("http://page.lan:8481", None, None, False),
        ("http://page.lan:8480", None, "cross-site", False),
        ("http://page.lan:8480", None, "same-site", False),
        (None, None, "none", True),
        ("http://[", None, None, False),
    ],
)
def test_forms_of_other_sites_are_known_by_their_headers(
    origin: str | None, referer: str | None, fetch_site: str | None, same: bool
) -> None:
    assert same_site(origin, referer, "page.lan:8480", fetch_site) is same


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8480", "127.0.0.1:8480", "[::1]:8480", "[::1]", "127.9.9.9", "LOCALHOST:1"]
)
def test_names_of_this_machine(host: str) -> None:
    assert is_loopback_name(host)


@pytest.mark.parametrize(
    "host", ["", "evil.example", "evil.example:8480", "127.0.0.1.evil.example", "10.0.0.5", "[", ":"]
)
def test_names_that_another_site_may_have_made_lead_here(host: str) -> None:
    assert not is_loopback_name(host)
