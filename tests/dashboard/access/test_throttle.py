"""Who guesses passwords is slowed down, and nobody else."""

from __future__ import annotations

import pytest

from dashboard.access.throttle import FREE_TRIES, MAX_WAIT_S, Throttle, network_of

HERE, THERE = "10.0.0.1", "10.0.0.2"


def guess(throttle: Throttle, times: int, name: str = "anna", address: str = HERE, now: float = 0.0) -> None:
    for _ in range(times):
        assert throttle.begin(name, address, now) == 0


def test_a_few_wrong_passwords_cost_nothing_and_then_each_costs_more() -> None:
    throttle, now, waits = Throttle(), 0.0, []
    guess(throttle, FREE_TRIES)
    for _ in range(12):
        wait = throttle.begin("anna", HERE, now)
        waits.append(wait)
        now += wait
        assert throttle.begin("anna", HERE, now) == 0
    assert waits[:3] == [2, 4, 8]
    assert waits == sorted(waits)
    assert max(waits) == MAX_WAIT_S


def test_a_name_that_does_not_exist_is_throttled_alike() -> None:
    throttle = Throttle()
    for name in ("anna", "nobody"):
        guess(throttle, FREE_TRIES, name, f"10.0.0.{len(name)}")
    assert throttle.begin("anna", THERE, 0.0) == throttle.begin("nobody", THERE, 0.0) > 0


def test_other_spellings_of_a_name_count_together() -> None:
    throttle = Throttle()
    for name in ("anna", "ANNA", " Anna", "aNNa ", "anna"):
        guess(throttle, 1, name)
    assert throttle.begin("anna", HERE, 0.0) > 0


def test_a_guesser_elsewhere_does_not_lock_out_the_owner() -> None:
    throttle = Throttle()
    guess(throttle, 1)
    throttle.succeeded("anna", HERE)
    guess(throttle, FREE_TRIES, address=THERE)
    assert throttle.begin("anna", THERE, 0.0) > 0
    assert throttle.begin("anna", HERE, 0.0) == 0


def test_a_familiar_address_is_throttled_too() -> None:
    throttle = Throttle()
    guess(throttle, 1)
    throttle.succeeded("anna", HERE)
    guess(throttle, FREE_TRIES)
    assert throttle.begin("anna", HERE, 0.0) > 0


def test_guessing_at_many_accounts_from_one_address_is_throttled() -> None:
    throttle = Throttle()
    for number in range(20):
        guess(throttle, 1, f"name{number}")
    assert throttle.begin("name99", HERE, 0.0) > 0
    assert throttle.begin("name99", THERE, 0.0) == 0


def test_a_right_password_between_guesses_does_not_pay_for_them() -> None:
    throttle = Throttle()
    for number in range(30):
        if throttle.begin(f"name{number}", HERE, 0.0) > 0:
            break
        if throttle.begin("mine", HERE, 0.0) > 0:
            break
        throttle.succeeded("mine", HERE)
    else:
        pytest.fail("never throttled")


def test_many_at_once_gain_nothing() -> None:
    """An attempt counts before its password has been looked at."""
    throttle = Throttle()
    allowed = sum(throttle.begin("anna", HERE, 0.0) == 0 for _ in range(100))
    assert allowed == FREE_TRIES


def test_all_is_forgotten_after_an_hour_of_quiet() -> None:
    throttle = Throttle()
    guess(throttle, FREE_TRIES)
    assert throttle.begin("anna", HERE, 1.0) > 0
    assert throttle.begin("anna", HERE, 3700.0) == 0


def test_memory_is_bounded_whoever_asks() -> None:
    throttle = Throttle()
    for number in range(30_000):
        throttle.begin(f"name{number}", f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", 0.0)
        throttle.succeeded(f"name{number}", f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(throttle._tries) <= 10_000
    assert len(throttle._familiar) <= 10_000


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.168.1.7", "192.168.1.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("::ffff:192.168.1.7", "192.168.1.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "unknown"),
        ("testclient", "unknown"),
    ],
)
def test_one_network_counts_as_one(address: str, network: str) -> None:
    assert network_of(address) == network
