"""Passwords: what is accepted, how they are kept, and that time says nothing about names."""

from __future__ import annotations

import threading

import pytest

from dashboard.access import passwords
from dashboard.access.passwords import Busy, check_new_password, hash_password, is_outdated, verify_password
from edge_agent.errors import InputError

GOOD = "correct horse battery"


def test_a_hash_is_argon2id_with_a_salt_of_its_own() -> None:
    first, second = hash_password(GOOD), hash_password(GOOD)
    assert first.startswith("$argon2id$")
    assert first != second
    assert GOOD not in first
    assert not is_outdated(first)


def test_only_the_right_password_has_the_hash() -> None:
    hashed = hash_password(GOOD)
    assert verify_password(GOOD, hashed)
    for wrong in ("", GOOD + " ", GOOD.upper(), GOOD[:-1], "\0", GOOD + "\0"):
        assert not verify_password(wrong, hashed)


def test_letters_count_the_same_however_they_are_composed() -> None:
    assert verify_password("Schu\u0308ler und Schu\u0308lerin", hash_password("Schüler und Schülerin"))


@pytest.mark.parametrize("hashed", [None, "", "x", "$argon2id$v=19$m=8,t=1,p=1$broken"])
def test_without_a_sound_hash_no_password_is_right(hashed: str | None) -> None:
    assert not verify_password(GOOD, hashed)
    assert not verify_password("", hashed)
    assert not verify_password("\0nobody", hashed)


def test_the_same_work_is_done_where_there_is_no_account() -> None:
    """Counted, not timed: the parameters of the hash that is compared are those of real ones."""
    real, nobody = hash_password(GOOD).split("$")[:4], passwords._NOBODY.split("$")[:4]
    assert real == nobody


@pytest.mark.parametrize(
    ("password", "name"),
    [
        ("short", "a"),
        ("", "a"),
        ("aaaaaaaaaaaa", "b"),
        ("abababababab", "c"),
        ("anna.brown1", "anna.brown"),
        ("x" * 201, "a"),
    ],
)
def test_a_password_that_is_easily_guessed_is_refused_without_quoting_it(password: str, name: str) -> None:
    with pytest.raises(InputError) as refused:
        check_new_password(password, name)
    assert not password or password not in str(refused.value)


def test_a_sentence_will_do() -> None:
    check_new_password(GOOD, "anna")
    check_new_password("Ölsardine, Überraschung", "anna")


def test_a_flood_of_logins_is_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_WAIT_S", 0.01)
    slots = threading.BoundedSemaphore(1)
    monkeypatch.setattr(passwords, "_slots", slots)
    with slots, pytest.raises(Busy, match="Try again"):
        verify_password(GOOD, None)
    assert not verify_password(GOOD, None)
