"""The contract of a store, held by each implementation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge_agent.outbox.fallback_store import FallbackStore
from edge_agent.outbox.memory_store import MemoryStore
from edge_agent.outbox.sqlite_store import SqliteStore
from edge_agent.outbox.store import Row, Store, StoredSession
from tests.support.samples import a_delivery, a_row

MAKERS: dict[str, Callable[[Path], Store]] = {
    "memory": lambda _folder: MemoryStore(),
    "sqlite": lambda folder: SqliteStore(folder / "outbox.db"),
    "fallback": lambda folder: FallbackStore(folder / "outbox.db"),
    "fallback in memory": lambda _folder: FallbackStore(None),
}


@pytest.fixture(params=MAKERS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    made = MAKERS[request.param](tmp_path)
    yield made
    made.close()


def ids(rows: list[Row]) -> list[int]:
    return [row.id for row in rows]


def test_rows_come_back_as_they_were_put(store: Store) -> None:
    row = a_row(3, "summary", "S2", b"\x00\xff{}")
    store.write([row], [])
    assert store.undelivered("summary", 0, 10) == [row]


def test_undelivered_rows_come_in_order_by_topic_and_page(store: Store) -> None:
    store.write([a_row(i, "expression" if i % 2 else "summary") for i in range(1, 9)], [])
    assert ids(store.undelivered("expression", 0, 2)) == [1, 3]
    assert ids(store.undelivered("expression", 3, 10)) == [5, 7]


def test_rows_that_are_stored_after_later_ones_come_before_them(store: Store) -> None:
    store.write([a_row(5), a_row(6)], [])
    store.write([a_row(2), a_row(3)], [])
    assert ids(store.undelivered("expression", 0, 3)) == [2, 3, 5]
    assert ids(store.trim(1, 10**9, keep=())) == [2, 3, 5]


def test_delivered_rows_are_not_sent_again_and_can_be_asked_for(store: Store) -> None:
    store.write([a_row(i) for i in range(1, 6)], [])
    store.write([], [a_delivery(2), a_delivery(3), a_delivery(99)])
    assert ids(store.undelivered("expression", 0, 10)) == [1, 4, 5]
    assert ids(store.between("S1", "expression", 2, 4, 10)) == [2, 3, 4]
    assert store.totals().pending == 3


def test_a_range_is_of_one_session_and_topic_and_limited(store: Store) -> None:
    store.write([a_row(1), a_row(2, session="S2"), a_row(3, "summary"), a_row(4), a_row(5)], [])
    assert ids(store.between("S1", "expression", 1, 5, 2)) == [1, 4]


def test_trimming_takes_the_oldest_delivered_before_anything_undelivered(store: Store) -> None:
    store.write([a_row(i) for i in range(1, 7)], [a_delivery(3), a_delivery(5)])
    assert store.trim(5, 10**9, keep=()) == []
    assert ids(store.between("S1", "expression", 1, 9, 10)) == [1, 2, 4, 5, 6]
    assert ids(store.trim(3, 10**9, keep=())) == [1]
    assert ids(store.between("S1", "expression", 1, 9, 10)) == [2, 4, 6]


def test_trimming_leaves_rows_that_are_under_way(store: Store) -> None:
    store.write([a_row(i) for i in range(1, 5)], [])
    assert ids(store.trim(2, 10**9, keep={1, 3})) == [2, 4]


def test_trimming_counts_bytes(store: Store) -> None:
    store.write([a_row(i) for i in range(1, 11)], [])
    assert store.totals().size_bytes == 2000
    store.trim(1000, 1000, keep=())
    assert store.totals() == (5, 1000, 5)


def test_a_store_within_its_limits_is_not_trimmed(store: Store) -> None:
    store.write([a_row(1)], [])
    assert store.trim(1, 200, keep=()) == []
    assert store.totals().rows == 1


def test_rows_delivered_long_ago_expire_and_undelivered_ones_never_do(store: Store) -> None:
    store.write([a_row(i) for i in range(1, 5)], [a_delivery(1), a_delivery(3, 2000)])
    store.expire(before_ms=1500)
    assert ids(store.between("S1", "expression", 1, 9, 10)) == [2, 3, 4]
    assert store.totals() == (3, 600, 2)


@pytest.mark.parametrize("waiting", ["for ever", "until now"])
def test_rows_delivered_long_ago_expire_behind_any_number_that_wait_or_waited_long(store: Store, waiting: str) -> None:
    refused = [a_row(i, "summary") for i in range(1, 2501)]
    delivered = [a_row(i) for i in range(2501, 5001)]
    store.write([*refused, *delivered], [a_delivery(row.id) for row in delivered])
    if waiting == "until now":
        store.write([], [a_delivery(row.id, 2000) for row in refused])
    assert store.expire(before_ms=1500) == 2500
    assert store.totals().rows == 2500
    assert store.expire(before_ms=2500) == (2500 if waiting == "until now" else 0)


def test_a_topic_can_be_deleted_entirely(store: Store) -> None:
    store.write([a_row(1), a_row(2, "summary")], [])
    assert store.purge("expression") == 1
    assert store.totals() == (1, 200, 1)


def test_sessions_are_remembered_while_rows_of_theirs_are_held(store: Store) -> None:
    store.write([a_row(1, session="S1")], [])
    for name in ("S1", "S2", "S3"):
        store.save_session(StoredSession(name, 5000, clock_synced=name == "S1", lost=0))
    store.save_session(StoredSession("S3", 6000, clock_synced=True, lost=7))
    assert store.sessions() == [("S1", 5000, True, 0), ("S3", 6000, True, 7)]


def test_the_last_delivered_number_is_known_by_session_and_topic(store: Store) -> None:
    store.write(
        [a_row(1), a_row(2), a_row(3), a_row(4, "summary"), a_row(5, session="S2")],
        [a_delivery(1, 9), a_delivery(2, 9), a_delivery(5, 9)],
    )
    assert store.last_delivered() == {("S1", "expression"): 2, ("S2", "expression"): 5}


def test_the_last_id_is_known(store: Store) -> None:
    assert store.last_id() == 0
    store.write([a_row(4), a_row(9)], [])
    assert store.last_id() == 9


def test_the_newest_delivery_is_known_whether_the_clock_was_set_or_not(store: Store) -> None:
    assert store.newest_delivery() == 0
    store.write([a_row(i) for i in range(1, 4)], [a_delivery(1), a_delivery(2, 3000, clock_synced=False)])
    assert store.newest_delivery() == 3000


def test_deliveries_of_an_unset_clock_expire_by_their_time_too(store: Store) -> None:
    store.write(
        [a_row(1), a_row(2)], [a_delivery(1, 1000, clock_synced=False), a_delivery(2, 2000, clock_synced=False)]
    )
    assert store.expire(before_ms=1500) == 1
    assert ids(store.between("S1", "expression", 1, 9, 10)) == [2]


def test_resolving_times_moves_deliveries_of_an_unset_clock_alone_and_once(store: Store) -> None:
    store.write([a_row(1), a_row(2), a_row(3)], [a_delivery(1), a_delivery(2, 5000, clock_synced=False)])
    for _ in range(2):
        store.resolve_times(by_ms=100_000, now_ms=200_000)
    assert store.expire(before_ms=105_000) == 1
    assert ids(store.between("S1", "expression", 1, 3, 10)) == [2, 3]
    assert store.newest_delivery() == 105_000


def test_resolving_times_leaves_nothing_delivered_in_the_future(store: Store) -> None:
    store.write([a_row(1)], [a_delivery(1, 9_000)])
    store.resolve_times(by_ms=0, now_ms=2_000)
    assert store.newest_delivery() == 2_000


def test_deliveries_of_a_set_clock_can_be_shifted(store: Store) -> None:
    store.write([a_row(1), a_row(2), a_row(3)], [a_delivery(1), a_delivery(2, 5000, clock_synced=False)])
    store.shift_times(by_ms=100_000)
    assert store.expire(before_ms=100_000) == 1
    assert ids(store.between("S1", "expression", 1, 3, 10)) == [1, 3]
