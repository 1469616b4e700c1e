"""The checker finds what it is there to find."""

from __future__ import annotations

from qa.faults.checker import Event, Receipt, altered, compare, digest, unreported


def event(seq: int, session: str = "S1", topic: str = "expression") -> Event:
    return Event(session, topic, seq)


def receipt(of: Event, payload: bytes = b"{}", *, again: bool = False, event_id: str = "") -> Receipt:
    return Receipt(of, event_id or "/".join(map(str, of)), payload, again, at=0.0)


ACCEPTED = [event(seq) for seq in range(1, 6)]


def test_everything_in_order_is_fine() -> None:
    findings = compare(ACCEPTED, [receipt(e) for e in ACCEPTED])
    assert (findings.accepted, findings.received, findings.duplicates) == (5, 5, 0)
    assert (findings.missing, findings.wrong) == ((), ())


def test_an_accepted_event_that_did_not_come_is_missing() -> None:
    findings = compare(ACCEPTED, [receipt(e) for e in ACCEPTED if e.seq != 3])
    assert (findings.received, findings.missing) == (4, (event(3),))


def test_a_repetition_with_the_same_id_and_bytes_is_a_duplicate_and_fine() -> None:
    findings = compare(ACCEPTED, [receipt(event(seq)) for seq in (1, 2, 3, 2, 3, 4, 5)])
    assert (findings.duplicates, findings.wrong) == (2, ())


def test_a_repetition_with_other_bytes_is_wrong() -> None:
    findings = compare(ACCEPTED[:1], [receipt(event(1)), receipt(event(1), b'{"v":1}')])
    assert "another id or content" in findings.wrong[0]


def test_an_id_that_stands_for_two_events_is_wrong() -> None:
    findings = compare(ACCEPTED[:2], [receipt(event(1), event_id="a"), receipt(event(2), event_id="a")])
    assert "stands for two events" in findings.wrong[0]


def test_a_later_event_before_an_earlier_one_is_wrong() -> None:
    findings = compare(ACCEPTED, [receipt(event(seq)) for seq in (1, 3, 2, 4, 5)])
    assert len(findings.wrong) == 1
    assert "came after later ones" in findings.wrong[0]


def test_order_holds_across_sessions() -> None:
    accepted = [event(1), event(2), event(1, "S2")]
    assert compare(accepted, [receipt(e) for e in accepted]).wrong == ()
    assert compare(accepted, [receipt(accepted[place]) for place in (0, 2, 1)]).wrong


def test_where_a_run_was_out_of_reach_order_holds_within_each_run() -> None:
    accepted = [event(1), event(2), event(1, "S2"), event(2, "S2")]
    late_run = [receipt(accepted[place]) for place in (2, 0, 3, 1)]
    assert compare(accepted, late_run).wrong
    assert compare(accepted, late_run, runs_apart=True).wrong == ()
    assert compare(accepted, [receipt(accepted[place]) for place in (3, 2, 0, 1)], runs_apart=True).wrong


def test_order_holds_across_topics() -> None:
    accepted = [event(1), event(1, topic="summary"), event(2)]
    assert compare(accepted, [receipt(e) for e in accepted]).wrong == ()
    assert "'summary'" in compare(accepted, [receipt(accepted[place]) for place in (0, 2, 1)]).wrong[0]


def test_what_was_asked_for_again_may_come_late() -> None:
    receipts = [receipt(event(1)), receipt(event(4)), receipt(event(2), again=True), receipt(event(5))]
    assert compare([], receipts).wrong == ()


def test_what_is_late_and_nobody_asked_for_comes_in_order_too() -> None:
    receipts = [receipt(event(seq), again=True) for seq in (1, 3, 2)]
    assert compare([], receipts).wrong == ()
    assert "came after later ones" in compare([], receipts, asked=False).wrong[0]


def test_events_the_device_could_not_note_are_ordered_too() -> None:
    assert compare([], [receipt(event(2)), receipt(event(1))]).wrong


def test_an_event_with_other_bytes_than_were_accepted_is_found() -> None:
    event = Event("S1", "expression", 1)
    sound, other = (Receipt(event, "id", payload, False, 0.0) for payload in (b"{}", b"[]"))
    assert altered({event: digest(b"{}")}, [sound]) == []
    assert altered({event: digest(b"{}")}, [other]) == [f"{event} came with other bytes than were accepted"]
    assert altered({}, [other]) == []


def test_of_what_is_missing_only_what_has_a_later_one_must_be_reported() -> None:
    events = [Event("S1", "expression", seq) for seq in range(1, 6)]
    came = [Receipt(events[2], "id", b"", False, 0.0)]
    missing = [events[0], events[1], events[3], Event("S1", "summary", 1)]
    assert unreported(missing, came, {events[0]}) == [events[1]]
