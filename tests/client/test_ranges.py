"""Sets of numbers kept as ranges."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.client.ranges import Ranges

NUMBERS = st.lists(st.tuples(st.integers(1, 60), st.integers(0, 8)))


def filled(pieces: list[tuple[int, int]]) -> tuple[Ranges, set[int]]:
    ranges, plain = Ranges(), set[int]()
    for first, extra in pieces:
        ranges.add(first, first + extra)
        plain.update(range(first, first + extra + 1))
    return ranges, plain


@settings(max_examples=40)
@given(NUMBERS)
def test_it_holds_what_a_set_would_hold(pieces: list[tuple[int, int]]) -> None:
    ranges, plain = filled(pieces)
    assert {number for number in range(80) if number in ranges} == plain


@settings(max_examples=40)
@given(NUMBERS, st.integers(1, 70), st.integers(0, 30))
def test_what_is_missing_is_what_a_set_would_miss(pieces: list[tuple[int, int]], first: int, extra: int) -> None:
    ranges, plain = filled(pieces)
    missing = {n for a, b in ranges.missing(first, first + extra) for n in range(a, b + 1)}
    assert missing == set(range(first, first + extra + 1)) - plain


@settings(max_examples=40)
@given(NUMBERS)
def test_neighbouring_ranges_are_one(pieces: list[tuple[int, int]]) -> None:
    kept = list(filled(pieces)[0])
    assert all(before[1] + 1 < after[0] for before, after in pairwise(kept))
