"""The queue heads: order across topics, and what happens when the store holds more than they do."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from edge_agent.outbox.queue_heads import LoadRequest, QueueHeads
from edge_agent.outbox.store import Row
from tests.support.samples import a_row

TOPICS = ("expression", "summary")


def caught_up(capacity: int = 4) -> QueueHeads:
    """Queue heads that have found the store empty."""
    heads = QueueHeads(TOPICS, capacity)
    for topic in TOPICS:
        heads.loaded(topic, [], capacity)
    return heads


def ids(rows: list[Row]) -> list[int]:
    return [row.id for row in rows]


def test_rows_leave_in_the_order_they_were_accepted_whatever_their_topic() -> None:
    heads = caught_up()
    heads.stored([a_row(1), a_row(2, "summary"), a_row(3)])
    assert ids(heads.take(2, skip_topics=())) == [1, 2]
    assert ids(heads.take(9, skip_topics=())) == [3]


def test_a_skipped_topic_does_not_hold_up_the_other() -> None:
    heads = caught_up()
    heads.stored([a_row(1), a_row(2, "summary"), a_row(3)])
    assert ids(heads.take(9, skip_topics={"expression"})) == [2]
    assert ids(heads.take(9, skip_topics=())) == [1, 3]


def test_a_full_queue_head_leaves_the_rest_in_the_store_and_loads_it_later() -> None:
    heads = caught_up(capacity=4)
    heads.stored([a_row(i) for i in range(1, 7)])
    assert heads.load_requests() == []
    heads.take(2, skip_topics=())
    assert heads.load_requests() == [("expression", 4, 2)]
    heads.loaded("expression", [a_row(5), a_row(6)], asked=2)
    heads.stored([a_row(7)])
    assert ids(heads.take(9, skip_topics=())) == [3, 4, 5, 6]
    assert heads.load_requests() == [("expression", 6, 4)]
    heads.loaded("expression", [a_row(7)], asked=4)
    heads.stored([a_row(8)])
    assert ids(heads.take(9, skip_topics=())) == [7, 8]
    assert heads.load_requests() == []


def test_rows_put_back_take_their_old_places_in_whatever_pieces_they_come() -> None:
    heads = caught_up()
    heads.stored([a_row(1), a_row(2), a_row(3), a_row(4)])
    first, second, third = heads.take(3, skip_topics=())
    heads.put_back([first])
    heads.put_back([third, second])
    assert ids(heads.take(9, skip_topics=())) == [1, 2, 3, 4]


def test_rows_asked_for_again_go_first_and_come_back_as_such() -> None:
    heads = caught_up()
    heads.stored([a_row(9)])
    again = Row(3, "expression", "S1", 3, b"", 0, 0, resent=True)
    heads.resend([again])
    assert heads.resending == 1
    assert heads.take(1, skip_topics=()) == [again]
    heads.put_back([again])
    assert ids(heads.take(9, skip_topics=())) == [3, 9]


def test_rows_the_store_gave_up_are_forgotten() -> None:
    heads = caught_up()
    heads.stored([a_row(1), a_row(2), a_row(3)])
    heads.discard({1, 3})
    assert ids(heads.take(9, skip_topics=())) == [2]


def test_rows_under_way_are_not_loaded_a_second_time() -> None:
    heads = caught_up(capacity=4)
    heads.stored([a_row(1), a_row(2)])
    heads.take(1, skip_topics=())
    heads.reload()
    heads.loaded("expression", [a_row(1), a_row(2)], asked=4, skip={1})
    heads.loaded("summary", [], asked=4)
    assert ids(heads.take(9, skip_topics=())) == [2]


def test_a_row_waits_for_what_another_queue_head_has_yet_to_load() -> None:
    heads = caught_up(capacity=2)
    heads.stored([a_row(1, "summary"), a_row(2, "summary"), a_row(3, "summary"), a_row(4)])
    assert ids(heads.take(9, skip_topics=())) == [1, 2]
    heads.loaded("summary", [a_row(3, "summary")], asked=2)
    assert ids(heads.take(9, skip_topics=())) == [3, 4]


def test_a_row_does_not_wait_for_a_skipped_topic() -> None:
    heads = caught_up(capacity=2)
    heads.stored([a_row(1, "summary"), a_row(2, "summary"), a_row(3, "summary"), a_row(4)])
    heads.take(2, skip_topics=())
    assert ids(heads.take(9, skip_topics={"summary"})) == [4]


def test_rows_put_back_before_their_queue_head_is_loaded_anew_come_once() -> None:
    heads = caught_up(capacity=4)
    heads.stored([a_row(1), a_row(2)])
    taken = heads.take(2, skip_topics=())
    heads.reload()
    heads.put_back(taken)
    for topic, rows in (("expression", [a_row(1), a_row(2)]), ("summary", [])):
        heads.loaded(topic, rows, asked=4)
    assert ids(heads.take(9, skip_topics=())) == [1, 2]


def test_rows_asked_for_again_do_not_wait_for_those_of_a_skipped_topic() -> None:
    heads = caught_up()
    heads.resend(
        [Row(1, "summary", "S1", 1, b"", 0, 0, resent=True), Row(2, "expression", "S1", 1, b"", 0, 0, resent=True)]
    )
    assert ids(heads.take(9, skip_topics={"summary"})) == [2]
    assert heads.resending == 1


class QueueOfADevice(RuleBasedStateMachine):
    """Rows are stored, loaded, sent, refused, lost with the connection and out of reach of the disk, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.heads = QueueHeads(TOPICS, capacity=4)
        self.undelivered: dict[int, Row] = {}
        self.under_way: dict[int, Row] = {}
        self.asked: list[LoadRequest] = []
        self.answers: list[tuple[str, list[Row], int]] = []
        self.next_id = 1

    @precondition(lambda self: not self.asked and not self.answers)  # the thread that loads is the one that stores
    @rule(topics=st.lists(st.sampled_from(TOPICS), min_size=1, max_size=9))
    def store(self, topics: list[str]) -> None:
        rows = [a_row(self.next_id + place, topic) for place, topic in enumerate(topics)]
        self.next_id += len(rows)
        self.undelivered.update((row.id, row) for row in rows)
        self.heads.stored(rows)

    @precondition(lambda self: not self.asked and not self.answers)
    @rule()
    def ask_what_to_load(self) -> None:
        self.asked = self.heads.load_requests()

    @precondition(lambda self: self.asked)
    @rule()
    def read_the_store(self) -> None:
        topic, after_id, limit = self.asked.pop(0)
        found = [row for row in self.undelivered.values() if row.topic == topic and row.id > after_id]
        self.answers.append((topic, found[:limit], limit))

    @precondition(lambda self: self.answers)
    @rule()
    def load(self) -> None:
        topic, found, limit = self.answers.pop(0)
        delivered = {row.id for row in found} - self.undelivered.keys()
        self.heads.loaded(topic, found, limit, skip=self.under_way.keys() | delivered)

    @rule(limit=st.integers(1, 9), skip_topics=st.sets(st.sampled_from(TOPICS)))
    def take(self, limit: int, skip_topics: set[str]) -> None:
        for row in self.heads.take(limit, skip_topics):
            waiting = [
                i for i, other in self.undelivered.items() if i not in self.under_way and other.topic not in skip_topics
            ]
            assert row.id == min(waiting)
            self.under_way[row.id] = row

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def deliver(self, data: st.DataObject) -> None:
        row_id = data.draw(st.sampled_from(sorted(self.under_way)))
        del self.undelivered[row_id], self.under_way[row_id]

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def put_back(self, data: st.DataObject) -> None:
        back = data.draw(st.lists(st.sampled_from(sorted(self.under_way)), unique=True))
        self.heads.put_back([self.under_way.pop(row_id) for row_id in back])

    @precondition(lambda self: not self.asked and not self.answers)
    @rule()
    def reload(self) -> None:
        self.heads.reload()

    def teardown(self) -> None:
        """Nothing is left behind, and nothing waits for ever."""
        self.heads.put_back(list(self.under_way.values()))
        self.under_way.clear()
        for _ in range(4 * len(self.undelivered) + 20):
            while self.answers or self.asked:
                if self.answers:
                    self.load()
                else:
                    self.read_the_store()
            self.take(3, set())
            for row_id in self.under_way:
                del self.undelivered[row_id]
            self.under_way.clear()
            self.ask_what_to_load()
        assert not self.undelivered


TestQueueOfADevice = QueueOfADevice.TestCase
TestQueueOfADevice.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
