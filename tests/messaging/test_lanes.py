"""The head of the queue."""

from __future__ import annotations

from edge_agent.messaging.lanes import Lanes
from edge_agent.messaging.store import Row
from tests.messaging.samples import a_row

TOPICS = ("expression", "summary")


def caught_up(capacity: int = 4) -> Lanes:
    """Lanes that have found the store empty."""
    lanes = Lanes(TOPICS, capacity)
    for topic in TOPICS:
        lanes.loaded(topic, [], capacity)
    return lanes


def ids(rows: list[Row]) -> list[int]:
    return [row.id for row in rows]


def test_rows_leave_in_the_order_they_were_accepted_whatever_their_topic() -> None:
    lanes = caught_up()
    lanes.stored([a_row(1), a_row(2, "summary"), a_row(3)])
    assert ids(lanes.take(2, held=())) == [1, 2]
    assert ids(lanes.take(9, held=())) == [3]


def test_a_held_topic_does_not_hold_up_the_other() -> None:
    lanes = caught_up()
    lanes.stored([a_row(1), a_row(2, "summary"), a_row(3)])
    assert ids(lanes.take(9, held={"expression"})) == [2]
    assert ids(lanes.take(9, held=())) == [1, 3]


def test_a_full_lane_leaves_the_rest_in_the_store_and_loads_it_later() -> None:
    lanes = caught_up(capacity=4)
    lanes.stored([a_row(i) for i in range(1, 7)])
    assert lanes.wanting() == []
    lanes.take(2, held=())
    assert lanes.wanting() == [("expression", 4, 2)]
    lanes.loaded("expression", [a_row(5), a_row(6)], asked=2)
    lanes.stored([a_row(7)])
    assert ids(lanes.take(9, held=())) == [3, 4, 5, 6]
    assert lanes.wanting() == [("expression", 6, 4)]
    lanes.loaded("expression", [a_row(7)], asked=4)
    lanes.stored([a_row(8)])
    assert ids(lanes.take(9, held=())) == [7, 8]
    assert lanes.wanting() == []


def test_rows_put_back_take_their_old_places_in_whatever_pieces_they_come() -> None:
    lanes = caught_up()
    lanes.stored([a_row(1), a_row(2), a_row(3), a_row(4)])
    first, second, third = lanes.take(3, held=())
    lanes.put_back([first])
    lanes.put_back([third, second])
    assert ids(lanes.take(9, held=())) == [1, 2, 3, 4]


def test_rows_asked_for_again_go_first_and_come_back_as_such() -> None:
    lanes = caught_up()
    lanes.stored([a_row(9)])
    again = Row(3, "expression", "S1", 3, b"", 0, 0, resent=True)
    lanes.resend([again])
    assert lanes.resending == 1
    assert lanes.take(1, held=()) == [again]
    lanes.put_back([again])
    assert ids(lanes.take(9, held=())) == [3, 9]


def test_rows_the_store_gave_up_are_forgotten() -> None:
    lanes = caught_up()
    lanes.stored([a_row(1), a_row(2), a_row(3)])
    lanes.discard({1, 3})
    assert ids(lanes.take(9, held=())) == [2]


def test_rows_under_way_are_not_loaded_a_second_time() -> None:
    lanes = caught_up(capacity=4)
    lanes.stored([a_row(1), a_row(2)])
    lanes.take(1, held=())
    lanes.reload()
    lanes.loaded("expression", [a_row(1), a_row(2)], asked=4, skip={1})
    assert ids(lanes.take(9, held=())) == [2]
